"""`curbside serve` and `curbside mcp`: the home for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ui.cli.context import Context

__all__ = ["mcp", "serve"]

_Generator = Annotated[str | None, typer.Option(help="evidence, vlm:<model>, server:<url>#<model>.")]


def serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port to bind; 0: any free one.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to bind; others than this machine's have no access control.")] = (
        "127.0.0.1"
    ),
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A further name by which a proxy calls the service (repeatable).")
    ] = None,
    generator: _Generator = None,
) -> None:
    """Serve search and answers over HTTP; /docs describes it. Research use, not a medical device."""
    from app.assistant import Assistant
    from app.service import serve as serve_http
    from app.service.serving import is_local
    from app.warming import warm_on_a_thread

    here: Context = context.obj
    settings = here.settings(generator=generator)
    if not is_local(host):
        typer.echo(f"curbside: {host} can be reached by others, and nothing asks who they are.", err=True)
    with Assistant.open(here.home, settings) as assistant:
        warm_on_a_thread(assistant)
        serve_http(assistant, host, port, names=allow_host or (), started=_told)


def mcp(context: typer.Context, generator: _Generator = None) -> None:
    """Serve search and answers to an MCP client on standard input and output. Research use, not a medical device."""
    from app.assistant import Assistant
    from app.mcp_server import create_mcp_server

    here: Context = context.obj
    settings = here.settings(generator=generator)
    with Assistant.open(here.home, settings) as assistant:
        create_mcp_server(assistant).run("stdio")


def _told(address: str) -> None:
    typer.echo(f"Curbside serves at {address} (Ctrl-C ends it); what it answers is described at {address}/docs")
