"""`/v1/search` and `/v1/ask`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from app.answers import Answer, Done, Event
from app.assistant import Assistant
from app.service.bodies import AskBody, SearchBody
from app.service.metrics import Metrics
from app.service.people import GroupsOf
from app.service.reading import accepts, read_body
from app.service.streaming import EventStream, begun, events_of
from app.shaping import plain
from retrievers.found import Found
from retrievers.written_pictures import written_pictures

__all__ = ["question_routes"]

_GONE = 499  # nginx's status for a client that did not wait; only the metrics see it
_EXAMPLE = {"text": "right pleural effusion", "k": 5}
_GREY = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mNsYIAAJgaKGAAmCACQtTEKkQAAAABJRU5Er"
    "kJggg=="
)
"""A picture of eight by eight grey pixels, that the example can be sent as it is."""

_QUESTION = {"text": "Is there a pleural effusion?", "images": [_GREY], "domain": "radiology"}


def question_routes(assistant: Assistant, metrics: Metrics, groups_of: GroupsOf) -> APIRouter:
    """Searching, and asking with the answer whole or as it is written."""
    router = APIRouter(prefix="/v1", tags=["questions"])

    @router.post("/search", responses={200: {"model": Found}}, openapi_extra=accepts(SearchBody, _EXAMPLE))
    async def search(request: Request) -> Response:
        """Find similar cases, reports and textbook figures."""
        body, uploads = await read_body(request, SearchBody)
        groups = groups_of(request)

        def work() -> Found:
            return assistant.retriever.search(body.query(uploads, groups), body.k)

        found = await run_in_threadpool(work)
        metrics.searched(found)
        return JSONResponse(plain(found, paths=False))

    @router.post(
        "/ask",
        responses={200: {"model": Answer, "content": {EventStream.media_type: {"schema": {"type": "string"}}}}},
        openapi_extra=accepts(AskBody, _QUESTION),
    )
    async def ask(request: Request) -> Response:
        """Answer a question with cited evidence.

        With `stream: true`, or `Accept: text/event-stream`, the answer comes as server-sent events: `stage`, `domain`,
        `evidence`, `text` (pieces), and `done` with the whole answer, whose text replaces the pieces. Closing the
        connection stops the work.
        """
        body, uploads = await read_body(request, AskBody)
        events = await _events(assistant, body, uploads, groups_of(request))
        if body.stream or EventStream.media_type in request.headers.get("accept", ""):
            return EventStream(await begun(events), _counted(events, metrics))
        return await _whole(request, events, metrics)

    return router


async def _events(
    assistant: Assistant, body: AskBody, uploads: list[bytes], groups: frozenset[str] | None
) -> AsyncGenerator[Event]:
    images = [*await run_in_threadpool(written_pictures, body.images), *uploads]
    history = [turn.turn() for turn in body.history]
    return events_of(assistant.stream(body.text, images, history=history, groups=groups, **body.options()))


async def _counted(events: AsyncGenerator[Event], metrics: Metrics) -> AsyncGenerator[Event]:
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Done):
                metrics.answered(event.answer)
            yield event


async def _whole(request: Request, events: AsyncGenerator[Event], metrics: Metrics) -> Response:
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Done):
                metrics.answered(event.answer)
                return JSONResponse(plain(event.answer, paths=False))
            if await request.is_disconnected():
                break
    return Response(status_code=_GONE)
