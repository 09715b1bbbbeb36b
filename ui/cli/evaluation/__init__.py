"""`curbside eval`: numbers with intervals, JSON lines, a table."""

from __future__ import annotations

import typer

from ui.cli.evaluation import compare, encoders, retrieval, robustness, routing

__all__ = ["application"]

application = typer.Typer(
    help="Measure retrieval, routing, robustness and encoders on the records of the home.", no_args_is_help=True
)
application.command("retrieval")(retrieval.retrieval)
application.command("compare")(compare.compare)
application.command("routing")(routing.routing)
application.command("robustness")(robustness.robustness)
application.command("encoders")(encoders.encoders)
