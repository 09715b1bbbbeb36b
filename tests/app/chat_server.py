"""A small OpenAI-compatible server in a thread, which records what it is asked and can misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["ChatServer", "running"]


@dataclass
class ChatServer:
    """How the server behaves, and what it saw.

    `behave` writes the reply; `disconnected` is set when a client goes away in the middle of a stream.
    """

    url: str = ""
    behave: Callable[[BaseHTTPRequestHandler, ChatServer], None] = lambda handler, server: server.say(handler, ["Hm."])
    paths: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    disconnected: threading.Event = field(default_factory=threading.Event)

    def say(self, handler: BaseHTTPRequestHandler, words: Iterable[str]) -> None:
        """Stream the words as an answer, one event each."""
        self.begin(handler)
        try:
            for word in words:
                self.event(handler, {"delta": {"role": "assistant", "content": word}, "finish_reason": None})
            self.event(handler, {"delta": {}, "finish_reason": "stop"})
            handler.wfile.write(b"data: [DONE]\n\n")
        except (BrokenPipeError, ConnectionResetError):
            self.disconnected.set()

    def begin(self, handler: BaseHTTPRequestHandler, kind: str = "text/event-stream") -> None:
        """The head of a successful reply."""
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Connection", "close")
        handler.end_headers()

    def event(self, handler: BaseHTTPRequestHandler, choice: dict[str, Any]) -> None:
        """One event of the stream."""
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        handler.wfile.write(f"data: {json.dumps({**chunk, 'choices': [{'index': 0, **choice}]})}\n\n".encode())
        handler.wfile.flush()

    def refuse(self, handler: BaseHTTPRequestHandler, status: int, message: str) -> None:
        """An error as such servers report it."""
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        handler.wfile.write(json.dumps({"error": {"message": message, "type": "error", "code": None}}).encode())


@contextmanager
def running() -> Iterator[ChatServer]:
    """A server on a free port of this machine, shut down at the end."""
    state = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.paths.append(self.path)
            state.refuse(self, 404, "nothing here")

        def do_POST(self) -> None:
            state.paths.append(self.path)
            state.keys.append(self.headers.get("Authorization"))
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            state.bodies.append(json.loads(body) if body[:1] == b"{" else {})
            state.behave(self, state)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
