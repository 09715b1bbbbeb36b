"""Routes of our own beside Gradio's: evidence pictures and the page's static files."""

from __future__ import annotations

import re
from importlib import resources
from typing import Annotated

from fastapi import FastAPI, Query, Response
from fastapi.responses import PlainTextResponse
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from corpora.errors import SourceError
from ui.chat.asks import Asks

__all__ = ["SameOriginOnly", "add_routes"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_SMALLEST, _LARGEST = 64, 1600
# Browsers refuse whatever a page asks from another host, also what a library would load some day.
# Gradio evaluates small scripts of its own and styles in place, which needs the two unsafe words.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)


def add_routes(app: FastAPI, assistant: Asks) -> None:
    """Add `/evidence/{digest}` and `/page/…`; to be called before anything is mounted at the root."""

    @app.get("/evidence/{digest}", response_class=Response)
    def evidence(digest: str, size: Annotated[int, Query()] = 800) -> Response:
        """A picture of the home as JPEG, its longer side at most `size` pixels (64…1600)."""
        if _DIGEST.fullmatch(digest) is None:
            return _unknown()
        try:
            data = assistant.picture(digest, min(max(size, _SMALLEST), _LARGEST))
        except SourceError:
            return _unknown()
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})

    folder = resources.files("ui.chat").joinpath("static")
    app.mount("/page", StaticFiles(directory=str(folder)), name="page")
    app.add_middleware(SameOriginOnly)


def _unknown() -> Response:
    return PlainTextResponse("This home holds no such picture.", status_code=404)


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
