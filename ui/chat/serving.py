"""The chat as a FastAPI application, and a server for it."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import typer

from corpora.errors import InputError
from ui.chat.asks import Asks

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["create_app", "serve"]

_TRIES = 20


def create_app(assistant: Asks, *, title: str = "Curbside") -> FastAPI:
    """The page at `/`, evidence pictures at `/evidence/{digest}`, static files at `/page/…`.

    Pictures that were asked about are at `/asked/{key}` for who knows their keys.

    Nothing that a browser loads from it points to another host.
    """
    import gradio as gr
    from fastapi import FastAPI

    from ui.chat.conversations import Conversations
    from ui.chat.page import MAX_FILE_SIZE, build_page
    from ui.chat.rendering import head
    from ui.chat.routes import add_routes
    from ui.chat.theme import CurbsideTheme

    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None)
    held = Conversations()
    add_routes(app, assistant, held)
    gr.mount_gradio_app(
        app,
        build_page(assistant, title, held),
        path="/",
        theme=CurbsideTheme(),
        head=head(),
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size=MAX_FILE_SIZE,
    )
    return app


def serve(assistant: Asks, host: str = "127.0.0.1", port: int = 7860) -> None:
    """Serve the chat until interrupted; prints its address once it answers.

    A port that is taken gives way to the next free one. Only this machine can reach the default host.
    """
    import uvicorn

    listener = listen(host, port)
    bound = int(listener.getsockname()[1])
    if port not in (0, bound):
        typer.echo(f"Port {port} is taken; using {bound}.")

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                shown = f"[{host}]" if ":" in host else host
                typer.echo(f"Curbside is at http://{shown}:{bound} (Ctrl-C ends it)")

    config = uvicorn.Config(create_app(assistant), log_level="warning", timeout_graceful_shutdown=2)
    with listener:
        Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to `port` of `host`, or to the first free one of the next twenty."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, port + _TRIES):
        # With its protocol named asyncio sends small answers at once; else kept connections wait some 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, candidate))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise InputError(f"The address {host}:{candidate} cannot be used: {error.strerror}.") from error
        except OverflowError:
            listener.close()
            raise InputError(f"{candidate} is not a port; give one of 1…65535.") from None
        else:
            return listener
    raise InputError(f"Ports {port} to {port + _TRIES - 1} of {host} are all taken; give another with --port.")
