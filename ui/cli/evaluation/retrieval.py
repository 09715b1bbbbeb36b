"""`curbside eval retrieval`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ui.cli.evaluation.runs import HeldOut, cell, write_run

if TYPE_CHECKING:
    from ui.cli.context import Context

__all__ = ["retrieval"]

_SHOWN = ("Success@1", "Success@5", "Success@10", "RR", "nDCG@10", "P@5")


def retrieval(context: typer.Context, held_out: HeldOut = False) -> None:
    """Every direction of every domain: is the right text, picture or like case found?"""
    from rich.table import Table

    from app.wiring import open_retriever
    from retrievers.evaluation.retrieval import evaluate_retrieval

    here: Context = context.obj
    settings = here.settings()
    with open_retriever(here.open_home(), settings) as retriever:
        index = retriever.index
        records = {record.uid: record for record in retriever.catalog.records()}
        results = list(evaluate_retrieval(index, records, held_out))
        manifest = {"index": index.manifest.label, "digest": index.manifest.digest, "held_out": held_out}
        manifest |= {"encoders": index.manifest.fingerprints}
    folder = write_run(here, "eval-retrieval", manifest, (line for result in results for line in result.queries))
    table = Table("domain", "direction", "queries", "gallery", "chance", *_SHOWN, box=None)
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for column in table.columns:
        column.overflow = "fold"
    for result in results:
        count = str(next((interval.queries for interval in result.measures.values()), 0))
        cells = [cell(result.measures.get(name)) for name in _SHOWN]
        table.add_row(result.domain, result.direction, count, str(result.gallery), f"{result.chance:.3f}", *cells)
    shown = [
        {"domain": r.domain, "direction": r.direction, "gallery": r.gallery, "chance": r.chance, "measures": r.measures}
        for r in results
    ]
    told = [
        "Means with 95 % bootstrap intervals over patients. Chance: of Success@10 across sides, of P@5 within one.",
        f"Queries one by one: {folder / 'queries.jsonl'}",
    ]
    here.show({"manifest": manifest, "results": shown, "folder": str(folder)}, told, table)
