"""`curbside eval compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli.evaluation.runs import cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from retrievers.evaluation.comparison import Difference
    from retrievers.evaluation.runs import Compared
    from ui.cli.context import Context

__all__ = ["compare"]


def compare(
    context: typer.Context,
    one: Annotated[Path, typer.Argument(help="The folder of a run, or its name in the home's runs.")],
    other: Annotated[Path, typer.Argument(help="Another.")],
    measure: Annotated[str, typer.Option(help="Which of the measures of their lines.")] = "nDCG@10",
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
) -> None:
    """Is one run better than another, on the questions that both asked? A paired test over patients."""
    from retrievers.evaluation.runs import compare_runs, differing, open_run, unshared

    here: Context = context.obj
    runs = [open_run(_found(here, path)) for path in (one, other)]
    found = compare_runs(runs[0], runs[1], measure, seed)
    otherwise = differing(runs[0], runs[1])
    told = [
        f"{measure}, macro averages over domains with 95 % intervals over patients; paired bootstrap, p after Holm.",
        *(f"Otherwise in the two: {line}" for line in otherwise or ["nothing"]),
    ]
    left_out = unshared(runs[0], runs[1], measure)
    if left_out:
        told.append(f"Left out, since the runs asked different questions: {', '.join(left_out)}.")
    here.show(
        {
            "one": str(runs[0].path),
            "other": str(runs[1].path),
            "measure": measure,
            "differ": otherwise,
            "ways": found,
            "left_out": left_out,
        },
        told,
        _table(found, runs[0].path.name, runs[1].path.name),
    )


def _found(here: Context, path: Path) -> Path:
    """As it is, else among the runs of the home."""
    return path if path.exists() or path.is_absolute() else here.open_home().runs / path


def _table(found: Sequence[Compared], one: str, other: str) -> Table:
    from rich.table import Table

    table = Table("asked by", "shared", "only one", one, other, "difference", "p", box=None)
    for column in table.columns:
        column.overflow = "fold"
    for each in found:
        p = f"{_p(each.difference):.4f}" if each.difference.has_interval else "–"
        shared, alone = str(each.difference.queries), f"{each.only_one} | {each.only_other}"
        table.add_row(each.way, shared, alone, cell(each.one), cell(each.other), cell(each.difference, change=True), p)
    return table


def _p(difference: Difference) -> float:
    return difference.p if difference.adjusted is None else difference.adjusted
