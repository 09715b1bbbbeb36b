"""`curbside chat` and `curbside demo`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ui.cli.context import Context

__all__ = ["chat", "demo"]

_Port = Annotated[int | None, typer.Option(help="Port of the chat; 0: any free one.")]


def chat(
    context: typer.Context,
    port: _Port = None,
    host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
    generator: Annotated[str | None, typer.Option(help="evidence, vlm:<model>, server:<url>#<model>.")] = None,
) -> None:
    """Serve the chat in the browser."""
    from app.assistant import Assistant
    from app.warming import warm_on_a_thread

    here: Context = context.obj
    settings = here.settings(port=port, host=host, generator=generator)
    with Assistant.open(here.home, settings) as assistant:
        from ui.chat import serve

        warm_on_a_thread(assistant)
        serve(assistant, settings.host, settings.port)


def demo(
    context: typer.Context,
    port: _Port = None,
    serve: Annotated[bool, typer.Option(help="Serve the chat when the home is ready.")] = True,
) -> None:
    """Make the demo home (drawn cases, primer, index) where it is missing, then serve the chat."""
    from corpora.home import SETTINGS_FILE
    from indexing.shards import IndexFolder
    from ui.cli.corpus import teach_home
    from ui.cli.index import build_home

    here: Context = context.obj
    ready = (here.home / SETTINGS_FILE).is_file() and IndexFolder(here.open_home(), "default").current is not None
    if not ready:
        _step(here, "1/2 drawing the teaching corpus and the primer (about two minutes)")
        started = time.monotonic()
        teach_home(here)
        _step(here, f"    done in {time.monotonic() - started:.0f} s")
        _step(here, "2/2 embedding and indexing (about a minute)")
        build_home(here)
    if serve:
        _step(here, "opening the chat (a few seconds)")
        chat(context, port)


def _step(here: Context, text: str) -> None:
    if not here.as_json:
        here.console.print(text, highlight=False, markup=False)
