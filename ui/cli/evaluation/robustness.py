"""`curbside eval robustness`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.cli.evaluation.runs import HeldOut, cell, write_run
from ui.cli.progress import progress_bar
from ui.counting import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.table import Table

    from retrievers.evaluation.robustness import DomainRobustness, Worst
    from retrievers.evaluation.sides import SideResult
    from ui.cli.context import Context

__all__ = ["robustness"]

_MOST_SEARCHED = 15  # a whole search takes as long as many encodings


def robustness(
    context: typer.Context,
    held_out: HeldOut = False,
    most: Annotated[int, typer.Option(min=1, help="Most pictures of one domain.")] = 40,
    family: Annotated[list[str] | None, typer.Option(help="Only this corruption; may be given again.")] = None,
    domain: Annotated[list[str] | None, typer.Option(help="Only this domain; may be given again.")] = None,
    sides: Annotated[bool, typer.Option(help="Also ask by picture alone, by words alone, by both.")] = True,
    plot: Annotated[bool, typer.Option(help="Also draw a heat map (needs the extra 'plots').")] = True,
) -> None:
    """What do blurred, noisy, dark or soiled pictures, and missing sides, cost retrieval and routing?"""
    from app.shaping import plain
    from app.wiring import encoder_plan, open_retriever
    from indexing.encoders import Encoder, open_encoder
    from indexing.plots import new_figure
    from retrievers.evaluation.robustness import evaluate_robustness
    from retrievers.evaluation.robustness_plot import plot_robustness
    from retrievers.evaluation.sides import evaluate_sides

    here: Context = context.obj
    settings, home = here.settings(), here.open_home()
    if plot:
        new_figure(1.0, 1.0)  # what is missing is told before the work, not after it
    with open_retriever(home, settings) as retriever, progress_bar() as bar:
        index, plan = retriever.index, encoder_plan(settings)
        records = {record.uid: record for record in retriever.catalog.records()}
        task = bar.add_task("reading", total=None)

        def update(done: int, total: int, stage: str) -> None:
            bar.update(task, completed=done, total=total, description=stage)

        def joint(name: str) -> Encoder:
            encoder = open_encoder(plan.joint_spec(name), settings.device, home.path, settings.licences)
            return index.joint(name, encoder)

        only: dict[str, Any] = {"domains": tuple(domain) if domain else None, "most": most, "held_out": held_out}
        found = evaluate_robustness(
            index, records, retriever.images, joint, retriever.router, families=family, progress=update, **only
        )
        results = list(found)
        few = only | {"most": min(most, _MOST_SEARCHED)}
        asked = evaluate_sides(retriever, records, progress=update, **few) if sides else []
        manifest = {"index": index.manifest.label, "digest": index.manifest.digest, **only}
        manifest |= {"encoders": index.manifest.fingerprints, "families": family}
    folder = write_run(here, "eval-robustness", manifest, (line for result in results for line in result.queries))
    if plot:
        plot_robustness(results, folder / "robustness.png")
    shown = [{"domain": r.domain, "pictures": r.pictures, "clean": r.clean, "families": r.families} for r in results]
    whole = {"manifest": manifest, "results": shown, "sides": asked, "folder": str(folder)}
    (folder / "results.json").write_text(json.dumps(plain(whole), ensure_ascii=False, indent=1), encoding="utf-8")
    here.show(whole, _told(folder, plot), _robustness_table(results))
    if asked and not here.as_json:
        here.console.print(_sides_table(asked))


def _told(folder: Path, plot: bool) -> list[str]:
    said = [
        "Change against the clean picture (shorter side 224 pixels) on the same queries, with 95 % bootstrap intervals "
        "over patients: mean over severities 1…5, and the worst severity.",
        f"Queries one by one: {folder / 'queries.jsonl'}; every severity: {folder / 'results.json'}",
    ]
    return [*said, f"Heat map: {folder / 'robustness.png'}"] if plot else said


def _robustness_table(results: Sequence[DomainRobustness]) -> Table:
    from rich.table import Table

    from retrievers.evaluation.robustness import MEASURES

    table = Table(
        "domain", "family", *(part for name in MEASURES for part in (f"Δ{name}", "worst")), "turned away", box=None
    )
    for column in table.columns:
        column.overflow = "fold"
        column.no_wrap = column.header in ("domain", "family")
    for result in results:
        clean = [part for name in MEASURES for part in (cell(result.clean.get(name)), "")]
        table.add_row(result.domain, f"clean ({counted(result.pictures, 'picture')})", *clean)
        for change in result.families:
            cells = []
            for name in MEASURES:
                cells += [cell(change.mean.get(name), change=True), _worst(change.worst.get(name))]
            away = f"{change.turned_away.mean:.3f}" if change.turned_away.queries else "–"
            table.add_row("", change.family, *cells, away)
    return table


def _worst(worst: Worst | None) -> str:
    if worst is None:
        return "–"
    return f"{worst.change.mean:+.3f} at {worst.severity}" if worst.change.mean < 0 else "no loss"


def _sides_table(asked: Sequence[SideResult]) -> Table:
    from rich.table import Table

    table = Table("domain", "asked by", "cases", "P@5 of the search", "routing", box=None)
    for result in asked:
        count = str(result.precision.queries)
        table.add_row(result.domain, result.sides, count, cell(result.precision), cell(result.routing))
    return table
