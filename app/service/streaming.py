"""An answer as it is written: read on a thread of its own, sent as server-sent events, stopped with the connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from threading import Event as Flag
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.answers import DomainSeen, Done, Event, EvidenceChosen, Stage, TextPiece
from app.service.errors import described
from app.shaping import plain
from app.streams import Ended, read_on_thread
from corpora.errors import CurbsideError

__all__ = ["EventStream", "begun", "events_of"]

_NAMES: dict[type, str] = {
    Stage: "stage",
    DomainSeen: "domain",
    EvidenceChosen: "evidence",
    TextPiece: "text",
    Done: "done",
}


async def events_of(events: Iterator[Event]) -> AsyncGenerator[Event]:
    """The events of a stream without blocking the event loop.

    Closing this generator closes the stream behind it as soon as it comes up for air. Raises what the stream raised.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[Event | Ended] = asyncio.Queue()
    stopped = Flag()

    def tell(item: Event | Ended) -> None:
        with suppress(RuntimeError):  # the loop may have ended while the stream was at work
            loop.call_soon_threadsafe(arrived.put_nowait, item)

    read_on_thread(events, tell, stopped.is_set)
    try:
        while not isinstance(item := await arrived.get(), Ended):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()


async def begun(events: AsyncGenerator[Event]) -> list[Event]:
    """The first events, up to the evidence: what is wrong with a question shows until then, and still has a status."""
    first: list[Event] = []
    async for event in events:
        first.append(event)
        if not isinstance(event, Stage | DomainSeen):
            break
    return first


class EventStream(StreamingResponse):
    """Server-sent events `stage`, `domain`, `evidence`, `text`, `done`; `error` where the answer cannot be finished."""

    media_type = "text/event-stream"

    def __init__(self, first: list[Event], rest: AsyncGenerator[Event]) -> None:
        self._rest = rest
        super().__init__(_messages(first, rest), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events; whatever ends that ends the work too."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._rest.aclose()


async def _messages(first: list[Event], rest: AsyncGenerator[Event]) -> AsyncGenerator[str]:
    try:
        for event in first:
            yield _message(_NAMES[type(event)], plain(event, paths=False))
        async for event in rest:
            yield _message(_NAMES[type(event)], plain(event, paths=False))
    except CurbsideError as error:
        yield _message("error", described(error))


def _message(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
