"""`curbside eval retrieval`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.cli.evaluation.runs import HeldOut, cell
from ui.cli.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.table import Table

    from retrievers.evaluation.retrieval import DirectionResult
    from retrievers.evaluation.summary import Summary
    from retrievers.evaluation.tables import TextTable
    from retrievers.evaluation.whole import Row
    from retrievers.retriever import Retriever
    from ui.cli.context import Context

__all__ = ["retrieval"]

# What retrieval depends on; a catalogue's address may hold a password, so it is not written down.
_SETTINGS = {
    "profile", "index", "vector_index", "encoder", "encoders", "sentence_encoder", "licences", "selection", "fusion",
    "rerank", "device",
}  # fmt: skip
_SHOWN = ("Success@1", "Success@5", "Success@10", "RR", "nDCG@10", "P@5")


@dataclass(frozen=True)
class _Options:
    """What is measured of the whole."""

    held_out: bool
    ablation: bool
    most: int
    seed: int
    domains: tuple[str, ...] | None


def retrieval(
    context: typer.Context,
    held_out: HeldOut = False,
    ablation: Annotated[bool, typer.Option("--ablation", help="Also with each part taken away.")] = False,
    most: Annotated[int, typer.Option(min=0, help="Patients of each domain asked of the whole; 0: none.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of records, and of the intervals.")] = 0,
    domain: Annotated[list[str] | None, typer.Option(help="Only this domain; may be given again.")] = None,
    plot: Annotated[bool, typer.Option(help="Also draw the bars (needs the extra 'plots').")] = True,
    page: Annotated[bool, typer.Option(help="Also write the page with the worst questions.")] = True,
) -> None:
    """Is the right text, picture or like case found: in every direction of stored vectors, and by a whole search?"""
    from app.shaping import plain
    from app.wiring import open_retriever
    from corpora.errors import UnknownNameError
    from indexing.plots import new_figure
    from retrievers.evaluation.retrieval import evaluate_retrieval
    from retrievers.evaluation.runs import manifest_of, new_folder, write_lines
    from retrievers.evaluation.summary import summary_of
    from retrievers.evaluation.tables import as_markdown, tables_of
    from retrievers.selection import Gap, Mass, TopRatio

    here: Context = context.obj
    settings = here.settings()
    if plot:
        new_figure(1.0, 1.0)  # what is missing is told before the work, not after it
    options = _Options(held_out, ablation, most, seed, tuple(domain) if domain else None)
    with open_retriever(here.open_home(), settings) as retriever:
        for name in options.domains or ():
            if name not in retriever.index.domains:
                raise UnknownNameError("domain in this index", name, retriever.index.domains)
        records = {record.uid: record for record in retriever.catalog.records()}
        directions = [
            one
            for one in evaluate_retrieval(retriever.index, records, held_out)
            if options.domains is None or one.domain in options.domains
        ]
        rows = _asked(here, retriever, records, options) if most else []
        calibrated = retriever.calibration.selection
        policies = [calibrated.fitted(policy) for policy in (Gap(), TopRatio(), Mass())]
        summary = summary_of(rows, policies if ablation else (), seed) if rows else None
        manifest = manifest_of(
            retriever, records.values(), held_out=held_out, ablation=ablation, most=most, seed=seed,
            domains=options.domains, settings=settings.model_dump(mode="json", include=_SETTINGS),
        )  # fmt: skip
        folder = new_folder(here.open_home().runs, "retrieval")
        tables = [*(tables_of(summary) if summary else ()), _directions(directions)]
        _write_pictures(folder, retriever, tables, rows, summary, records, manifest, plot, page)
    lines = [*(line for one in directions for line in one.queries), *(row.line(records) for row in rows)]
    shown = [
        {"domain": r.domain, "direction": r.direction, "gallery": r.gallery, "chance": r.chance, "measures": r.measures}
        for r in directions
    ]
    whole = {"manifest": manifest, "results": shown, "whole": summary, "folder": str(folder)}
    (folder / "table.md").write_text(f"# Retrieval\n\n{as_markdown(tables)}\n", encoding="utf-8")
    (folder / "table.json").write_text(json.dumps(plain(whole), ensure_ascii=False, indent=1), encoding="utf-8")
    write_lines(folder, manifest, lines)
    here.show(whole, _told(folder, rows, page, manifest["calibration"]))
    if not here.as_json:
        for table in tables:
            here.console.print()
            here.console.print(_rich(table))


def _asked(here: Context, retriever: Retriever, records: Any, options: _Options) -> list[Row]:
    from app.wiring import AUTO, encoder_plan
    from retrievers.evaluation.variants import Listening
    from retrievers.evaluation.whole import evaluate_whole
    from retrievers.fusion import fusion_method
    from retrievers.rerank import open_reranker
    from retrievers.retriever import Ranking

    settings = here.settings()
    ranking = Ranking(
        fusion=None if settings.fusion == AUTO else fusion_method(settings.fusion),
        rerankers=tuple(open_reranker(spec, settings.device, retriever.home.path) for spec in settings.rerank),
    )
    listening = Listening(retriever, encoder_plan(settings), settings.device, ranking)
    with progress_bar() as bar:
        task = bar.add_task("reading", total=None)

        def update(done: int, total: int, stage: str) -> None:
            bar.update(task, completed=done, total=total, description=stage)

        return evaluate_whole(
            retriever, records, listening, ablation=options.ablation, domains=options.domains, most=options.most,
            held_out=options.held_out, seed=options.seed, progress=update,
        )  # fmt: skip


def _directions(results: Sequence[DirectionResult]) -> TextTable:
    from retrievers.evaluation.tables import TextTable

    rows = []
    for one in results:
        count = str(next((interval.queries for interval in one.measures.values()), 0))
        cells = (cell(one.measures.get(name)) for name in _SHOWN)
        rows.append((one.domain, one.direction, count, str(one.gallery), f"{one.chance:.3f}", *cells))
    return TextTable(
        "Directions of stored vectors",
        "Means with 95 % bootstrap intervals over patients. Chance: of Success@10 across sides, of P@5 within one.",
        ("domain", "direction", "queries", "gallery", "chance", *_SHOWN),
        tuple(rows),
    )


def _write_pictures(
    folder: Path,
    retriever: Retriever,
    tables: Sequence[TextTable],
    rows: Sequence[Row],
    summary: Summary | None,
    records: Any,
    manifest: Any,
    plot: bool,
    page: bool,
) -> None:
    from retrievers.evaluation.report import write_report
    from retrievers.evaluation.retrieval_plot import plot_retrieval

    drawn = None
    if plot and summary is not None:
        plot_retrieval(summary, folder / "retrieval.png", manifest["held_out"])
        drawn = (folder / "retrieval.png").read_bytes()
    if page:
        write_report(folder / "report.html", tables, rows, records, retriever.images, manifest, drawn)


def _told(folder: Path, rows: Sequence[Row], page: bool, calibration: str) -> list[str]:
    told = [
        "Means with 95 % bootstrap intervals over patients. Research use, not a medical device.",
        f"Queries one by one: {folder / 'queries.jsonl'}; tables: {folder / 'table.md'}, {folder / 'table.json'}",
    ]
    if page:
        told.append(f"Page with the worst questions (holds pictures of this home): {folder / 'report.html'}")
    if rows and calibration:
        told.append(f"The calibration {calibration} is in force: what it was fitted on is flattered by these figures.")
    return told


def _rich(shown: TextTable) -> Table:
    from rich.table import Table

    table = Table(*shown.columns, title=shown.title, caption=shown.about, box=None, title_justify="left")
    table.caption_justify = "left"
    for column in table.columns[:2]:
        column.no_wrap = True
    for column in table.columns[2:]:
        column.overflow = "fold"
    for number, row in enumerate(shown.rows):
        table.add_row(*row, style="bold" if number in shown.strong else None)
    return table
