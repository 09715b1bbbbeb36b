"""The tree of commands."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ui.cli.context import DEFAULT_HOME, HOME_VARIABLE, Context

__all__ = ["build"]

_WIDE = 220


def build() -> typer.Typer:
    """The whole application. Commands import what they need when they run: `--help` stays quick."""
    from ui.cli import adapt, answers, calibrate, chat, corpus, encoders, evaluation, house, index, serve, train

    application = typer.Typer(
        name="curbside",
        help="Ask about medical pictures; answers come from similar cases, reports and textbook figures, cited. "
        "Research use, not a medical device.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback()(_globals)
    application.command("demo")(chat.demo)
    application.add_typer(corpus.application, name="corpus")
    application.add_typer(index.application, name="index")
    application.add_typer(encoders.application, name="encoders")
    application.command("calibrate")(calibrate.calibrate)
    application.command("adapt")(adapt.adapt)
    application.command("train-encoder")(train.train_encoder)
    application.command("search")(answers.search)
    application.command("ask")(answers.ask)
    application.command("chat")(chat.chat)
    application.command("serve")(serve.serve)
    application.command("mcp")(serve.mcp)
    application.add_typer(evaluation.application, name="eval")
    application.add_typer(house.settings_application, name="settings")
    application.command("doctor")(house.doctor)
    return application


def _globals(
    context: typer.Context,
    home: Annotated[Path, typer.Option(envvar=HOME_VARIABLE, help="Folder of the home.")] = DEFAULT_HOME,
    profile: Annotated[str | None, typer.Option(help="Named settings: embedded, workstation, cluster.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, the same fields as in Python.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Tell more; show traces of bugs.")] = False,
) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    # In a file or a pipe a table keeps all its columns; on a screen it folds to the width that is there.
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    context.obj = Context(home, profile, as_json, verbose, console)
