"""What every evaluation says and writes in the same way."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from retrievers.evaluation.comparison import Difference
    from retrievers.evaluation.measures import Interval
    from ui.cli.context import Context

__all__ = ["HeldOut", "cell", "write_run"]

HeldOut = Annotated[bool, typer.Option("--held-out", help="Only patients that no shipped fit has seen.")]


def cell(interval: Interval | Difference | None, change: bool = False) -> str:
    """An interval as a cell of a table; a change shows its signs."""
    from retrievers.evaluation.cells import interval_cell

    return interval_cell(interval, change=change)


def write_run(here: Context, name: str, manifest: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> Path:
    """One folder a run: its manifest, and a line a query."""
    folder = here.open_home().runs / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    with (folder / "queries.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return folder
