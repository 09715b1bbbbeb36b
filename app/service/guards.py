"""What is refused before a route sees it: a wrong name of the host, and a body that is too large."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guards"]


class Guards:
    """Answers 400 to names of the host that are not the service's, and 413 to bodies over the limit.

    A page of another site in a browser of this machine can point a name of its own at 127.0.0.1 (DNS rebinding), and
    would then read what the service answers; its requests carry that name. A body that tells its length is refused
    unread, another when it has grown too large.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], max_body: int) -> None:
        self._app, self._max_body = app, max_body
        self._too_large = f"The body is larger than the {max_body / 1e6:.0f} MB that the service takes."
        self._hosts = None if "*" in hosts else {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] == "http" and (refused := self._refused(Headers(scope=scope))) is not None:
            await refused(scope, receive, send)
            return
        await self._app(scope, self._limited(receive) if scope["type"] == "http" else receive, send)

    def _limited(self, receive: Receive) -> Receive:
        read = 0

        async def receive_some() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_body:
                raise HTTPException(413, self._too_large)
            return message

        return receive_some

    def _refused(self, headers: Headers) -> JSONResponse | None:
        if self._hosts is not None and _name(headers.get("host", "")) not in self._hosts:
            return _answer(400, "The service is not known by that name of the host; see curbside serve --allow-host.")
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length[:18]) > self._max_body:
            return _answer(413, self._too_large)
        return None


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _answer(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": "HTTPError", "message": message}, status)
