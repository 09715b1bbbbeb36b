"""Routes of our own beside Gradio's: pictures of evidence and questions, explanations, the page's static files."""

from __future__ import annotations

from importlib import resources
from typing import Annotated

from fastapi import FastAPI, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.service.bodies import Box
from app.service.pictures import picture_routes
from app.service.slow import SlowWork
from corpora.errors import CurbsideError, SourceError
from corpora.images import decode
from retrievers.contrast import Contrast
from retrievers.query import Query
from ui.chat import rendering
from ui.chat.asks import Asks
from ui.chat.conversations import Conversations
from ui.chat.uploads import jpeg_of

__all__ = ["SameOriginOnly", "add_routes"]

# Browsers refuse whatever a page asks from another host, also what a library would load some day.
# Gradio evaluates small scripts of its own and styles in place, which needs the two unsafe words.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)

_SIDE = 1400


class Why(BaseModel):
    """What is to be explained: a record `corpus/id`, the question's words, its picture by key ("" for none), and the
    part of that picture that was asked about."""

    record: Annotated[str, Field(max_length=400)]
    text: Annotated[str, Field(max_length=100_000)] = ""
    picture: Annotated[str, Field(max_length=100)] = ""
    region: Box | None = None


class Contrasted(BaseModel):
    """The question, by key, of whose finding both sides are wanted."""

    question: Annotated[str, Field(max_length=100)]


def add_routes(app: FastAPI, assistant: Asks, held: Conversations) -> None:
    """Add `/evidence/{digest}`, `/asked/{key}`, `/why`, `/contrast` and `/page/…`.

    To be called before anything is mounted at the root.
    """

    app.include_router(picture_routes(assistant.picture))

    def picture(key: str) -> bytes:
        data = held.picture(key)
        if data is None:
            raise SourceError("The picture of this question is not kept any more; ask again.")
        return data

    @app.get("/asked/{key}")
    def asked_picture(key: str) -> Response:
        """A picture that a person asked about, as JPEG, for whoever knows its key."""
        try:
            jpeg = jpeg_of(decode(picture(key)), _SIDE)
        except CurbsideError as error:
            return JSONResponse({"problem": str(error)}, 404)
        return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    slowly = SlowWork()

    @app.post("/why")
    async def why(asked: Why) -> JSONResponse:
        """Where an evidence picture is like the question: pictures under maps, as data URLs."""
        try:
            images = [picture(asked.picture)] if asked.picture else []
            region = asked.region.region() if asked.region else None
            found = await slowly(lambda: assistant.why(asked.record, Query(asked.text, images, region)))
        except CurbsideError as error:
            return JSONResponse({"problem": str(error)}, 404)
        return JSONResponse({"maps": [one.as_json() for one in found.maps]})

    @app.post("/contrast")
    async def contrast(asked: Contrasted) -> JSONResponse:
        """The nearest case that affirms a question's finding and the nearest that denies it, as HTML."""
        *earlier, exchange = held.asked(asked.question) or (None,)
        if exchange is None:
            return JSONResponse({"problem": "This question is not kept any more; ask again."}, 404)

        def work() -> Contrast:
            return assistant.contrast(
                exchange.question,
                exchange.pictures,
                history=exchange.history(earlier),
                domain=exchange.domain_asked,
                corpora=exchange.corpora,
                region=exchange.region,
            )

        try:
            return JSONResponse({"html": rendering.contrast(await run_in_threadpool(work), exchange)})
        except CurbsideError as error:
            return JSONResponse({"problem": str(error)}, 404)

    folder = resources.files("ui.chat").joinpath("static")
    app.mount("/page", StaticFiles(directory=str(folder)), name="page")
    app.add_middleware(SameOriginOnly)


class SameOriginOnly:
    """Adds the headers that keep the page's browser from talking to any other host, and from guessing types."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its response."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = _POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await self._app(scope, receive, send_guarded)
