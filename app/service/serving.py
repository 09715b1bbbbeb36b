"""A server for the service: one address, this machine's own unless another is given."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence

from app.assistant import Assistant
from corpora.errors import InputError

__all__ = ["is_local", "listen", "serve"]

_LOCAL = ("127.0.0.1", "localhost", "::1")


def serve(
    assistant: Assistant,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    names: Sequence[str] = (),
    started: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve until interrupted.

    Args:
        assistant: Answers; stays the caller's to close.
        host: Address to bind. One that others can reach has no access control: put a proxy that has in front.
        port: Port to bind, exactly: clients are told it; 0 is any free one.
        names: Further names by which a local service may be called, as a proxy passes them on.
        started: Called with the service's address once it answers.

    Raises:
        InputError: the address cannot be bound.
        MissingDependencyError: the extra `serve` is not installed.
    """
    import uvicorn

    from app.service.application import create_service

    app = create_service(assistant, hosts=(host, *_LOCAL, *names) if is_local(host) else ("*",))
    listener = listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                started(address)

    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, server_header=False)
    with listener:
        Server(config).run(sockets=[listener])


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_local("127.0.0.1"), is_local("::1"), is_local("0.0.0.0"), is_local("pacs.example")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to exactly that address; raises `InputError` where it is taken or wrong."""
    # asyncio turns Nagle's algorithm off only where the protocol is named; else kept connections wait 40 ms an answer.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else "a port lies between 0 and 65535"
        raise InputError(
            f"The address {host}:{port} cannot be used: {reason}; give another --port or --host."
        ) from None
    return listener
