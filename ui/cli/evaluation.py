"""`curbside eval`: numbers with intervals, JSON lines, a table."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ui.cli.context import Context

__all__ = ["application"]

application = typer.Typer(help="Measure retrieval and routing on the records of the home.", no_args_is_help=True)

_HeldOut = Annotated[bool, typer.Option("--held-out", help="Only patients that no shipped fit has seen.")]
_SHOWN = ("Success@1", "Success@5", "Success@10", "RR", "nDCG@10", "P@5")


@application.command("retrieval")
def retrieval(context: typer.Context, held_out: _HeldOut = False) -> None:
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
        manifest |= {"encoders": dict(index.manifest.encoders)}
    folder = _write(here, "eval-retrieval", manifest, (line for result in results for line in result.queries))
    table = Table("domain", "direction", "queries", "gallery", "chance", *_SHOWN, box=None)
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for column in table.columns:
        column.overflow = "fold"
    for result in results:
        count = str(next((interval.queries for interval in result.measures.values()), 0))
        cells = [_cell(result.measures.get(name)) for name in _SHOWN]
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


@application.command("routing")
def routing(
    context: typer.Context,
    held_out: _HeldOut = False,
    most: Annotated[int, typer.Option(help="Most cases of one domain.")] = 200,
) -> None:
    """Are pictures sent to their domain, and everyday pictures turned away?"""
    from rich.table import Table

    from app.wiring import open_retriever
    from retrievers.evaluation.routing import evaluate_routing
    from retrievers.router import load_router

    here: Context = context.obj
    settings = here.settings()
    with open_retriever(here.open_home(), settings) as retriever:
        router = load_router(device=settings.device)
        records, domains = retriever.catalog.records(), retriever.index.domains
        result = evaluate_routing(router, records, retriever.images, domains, most=most, held_out=held_out)
        manifest = {"index": retriever.index.manifest.label, "held_out": held_out, "most": most}
    folder = _write(here, "eval-routing", manifest, result.queries)
    table = Table("domain", "pictures", "accuracy", box=None)
    for name, interval in result.accuracy.items():
        table.add_row(name, str(interval.queries), _cell(interval))
    told = [
        f"macro accuracy {result.macro:.3f} · ECE {result.ece:.3f}",
        f"medical pictures turned away {_cell(result.rejected_medical)} of {result.rejected_medical.queries}",
        f"everyday pictures turned away {_cell(result.rejected_everyday)} of {result.rejected_everyday.queries}",
        f"Queries one by one: {folder / 'queries.jsonl'}",
    ]
    shown = {"macro": result.macro, "ece": result.ece, "accuracy": result.accuracy}
    shown |= {"rejected_medical": result.rejected_medical, "rejected_everyday": result.rejected_everyday}
    here.show({"manifest": manifest, **shown, "folder": str(folder)}, told, table)


def _cell(interval: Any) -> str:
    return "–" if interval is None else f"{interval.mean:.3f} ({interval.low:.3f}–{interval.high:.3f})"


def _write(here: Context, name: str, manifest: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> Path:
    """One folder a run: its manifest, and a line a query."""
    folder = here.open_home().runs / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    with (folder / "queries.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return folder
