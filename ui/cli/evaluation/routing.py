"""`curbside eval routing`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli.evaluation.runs import HeldOut, cell, write_run
from ui.cli.progress import progress_bar

if TYPE_CHECKING:
    from ui.cli.context import Context

__all__ = ["routing"]

_PICTURES = (".jpg", ".jpeg", ".png", ".webp")


def routing(
    context: typer.Context,
    held_out: HeldOut = False,
    most: Annotated[int, typer.Option(min=1, help="Most cases of one domain.")] = 200,
    everyday: Annotated[
        Path | None, typer.Option(help="Folder of pictures that are not medical; else some are made by code.")
    ] = None,
) -> None:
    """Are pictures sent to their domain, and everyday pictures turned away?"""
    from rich.table import Table

    from app.wiring import open_retriever
    from retrievers.evaluation.routing import evaluate_routing

    here: Context = context.obj
    settings = here.settings()
    strange = _pictures(everyday) if everyday else []
    with open_retriever(here.open_home(), settings) as retriever, progress_bar() as bar:
        task = bar.add_task("reading", total=None)

        def update(done: int, total: int, stage: str) -> None:
            bar.update(task, completed=done, total=total, description=stage)

        result = evaluate_routing(
            retriever.router, retriever.catalog.records(), retriever.images, retriever.index.domains,
            everyday=strange, most=most, held_out=held_out, progress=update,
        )  # fmt: skip
        manifest = {"index": retriever.index.manifest.label, "held_out": held_out, "most": most}
    folder = write_run(here, "eval-routing", manifest, result.queries)
    table = Table("domain", "pictures", "accuracy", box=None)
    for name, interval in result.accuracy.items():
        table.add_row(name, str(interval.queries), cell(interval))
    told = [
        f"macro accuracy {result.macro:.3f} · ECE {result.ece:.3f}",
        f"medical pictures turned away {cell(result.rejected_medical)} of {result.rejected_medical.queries}",
        f"everyday pictures turned away {cell(result.rejected_everyday)} of {result.rejected_everyday.queries} "
        f"(AUROC {result.auroc:.3f})",
        f"Queries one by one: {folder / 'queries.jsonl'}",
    ]
    shown = {"macro": result.macro, "ece": result.ece, "auroc": result.auroc, "accuracy": result.accuracy}
    shown |= {"rejected_medical": result.rejected_medical, "rejected_everyday": result.rejected_everyday}
    here.show({"manifest": manifest, **shown, "folder": str(folder)}, told, table)


def _pictures(folder: Path) -> list[Path]:
    from corpora.errors import SourceError

    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES)
    if not found:
        raise SourceError(f"The folder {folder} holds no pictures ({', '.join(_PICTURES)}).")
    return found
