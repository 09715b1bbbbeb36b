"""`curbside eval encoders`."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.cli.evaluation.runs import HeldOut, write_run
from ui.cli.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.table import Table

    from corpora.images import ImageStore
    from indexing.training.home_features import HomeFeatures, Row
    from retrievers.evaluation.encoders import Direction, DomainResult
    from retrievers.evaluation.measures import Interval
    from ui.cli.context import Context

__all__ = ["encoders"]

_STACKED = 9  # the width of an interval


def encoders(
    context: typer.Context,
    held_out: HeldOut = False,
    domain: Annotated[list[str] | None, typer.Option(help="Only this domain; may be given again.")] = None,
    drawn: Annotated[bool, typer.Option("--drawn", help="Simulated pictures too.")] = False,
    weights: Annotated[Path | None, typer.Option(help="A folder of heads instead of those that ship.")] = None,
    plot: Annotated[bool, typer.Option(help="Also draw the bars (needs the extra 'plots').")] = True,
    page: Annotated[bool, typer.Option(help="Also write the page of the worst queries.")] = True,
) -> None:
    """Is each domain's head better than a general one, an untrained one, and the bare tower? No index is needed."""
    from app.shaping import plain
    from corpora.catalog import Catalog
    from corpora.images import ImageStore
    from indexing.encoders.heads import load_head, weights_folder
    from indexing.plots import new_figure
    from retrievers.evaluation.encoders import evaluate_encoders
    from retrievers.evaluation.spaces import evaluated_rows

    here: Context = context.obj
    settings, home = here.settings(), here.open_home()
    folder = weights or weights_folder(settings.licences)
    load_head("general", folder)
    if plot:
        new_figure(1.0, 1.0)  # what is missing is told before the work, not after it
    store = ImageStore(home.images)
    with Catalog.open(home.catalog_url) as catalog:
        rows = evaluated_rows(catalog.records(), store, domain, drawn)
    with progress_bar() as bar:
        task = bar.add_task("features", total=None)
        features, frozen = _features(
            rows, store, home.models / "features", folder, settings.device,
            lambda done, most: bar.update(task, completed=done, total=most),
        )  # fmt: skip
    results = list(evaluate_encoders(rows, features, frozen, folder, held_out))
    manifest: dict[str, Any] = {"held_out": held_out, "drawn": drawn, "domains": domain, "licences": settings.licences}
    manifest |= {"pictures": len(rows), "weights": _digests(folder)}
    run = write_run(here, "eval-encoders", manifest, _lines(results))
    told = _written(results, run, store, held_out, plot, page)
    shown = [direction.figures() for result in results for direction in result.directions]
    whole = {"manifest": manifest, "results": shown, "folder": str(run)}
    (run / "results.json").write_text(json.dumps(plain(whole), ensure_ascii=False, indent=1), encoding="utf-8")
    silent = sorted({row.record.domain for row in rows} - {result.cases.domain for result in results})
    if silent:
        told.append(f"No held-out patient with a picture: {', '.join(silent)}.")
    here.show(whole, told)
    if not here.as_json:
        for table in _tables(results):
            here.console.print()
            here.console.print(table)


def _features(
    rows: Sequence[Row],
    store: ImageStore,
    cache: Path,
    weights: Path,
    device: str,
    progress: Callable[[int, int], None],
) -> tuple[HomeFeatures, HomeFeatures | None]:
    """Features of the heads' tower, and where that is a tuned one, of the tower as it came."""
    from indexing.encoders.heads import load_head, packaged_heads, tower_of
    from indexing.encoders.towers import image_tower, text_tower
    from indexing.training.home_features import home_features

    looks = {name: load_head(name, weights).looks for name in packaged_heads(weights)}
    tuned, words = tower_of(weights), text_tower(device)
    seen = home_features(rows, store, image_tower(device, tuned), words, cache, progress, looks)
    return seen, home_features(rows, store, image_tower(device), words, cache, progress) if tuned else None


def _digests(folder: Path) -> dict[str, str]:
    from indexing.encoders.heads import load_head, packaged_heads

    return {name: load_head(name, folder).digest for name in packaged_heads(folder)}


def _lines(results: Sequence[DomainResult]) -> Iterator[dict[str, Any]]:
    return (line for result in results for one in result.directions for line in one.lines(result.cases.rows))


def _written(
    results: Sequence[DomainResult], run: Path, store: ImageStore, held_out: bool, plot: bool, page: bool
) -> list[str]:
    from retrievers.evaluation.encoders_plot import plot_encoders
    from retrievers.evaluation.worst import write_worst_page

    told = [
        "Means with 95 % bootstrap intervals over patients; differences are paired, on the same queries. Research use, "
        "not a medical device.",
        f"Queries one by one: {run / 'queries.jsonl'}; every figure: {run / 'results.json'}",
    ]
    if plot:
        plot_encoders(results, run / "encoders.png", held_out)
        told.append(f"Bars: {run / 'encoders.png'}")
    if page:
        write_worst_page(results, store, run / "worst.html", held_out)
        told.append(f"Worst queries (holds pictures of this home): {run / 'worst.html'}")
    return told


def _tables(results: Sequence[DomainResult]) -> Iterator[Table]:
    from retrievers.evaluation.encoders import DIRECTIONS

    for name in DIRECTIONS:
        shown = [one for result in results for one in result.directions if one.name == name]
        if shown:
            yield _within(shown) if name == "image→image" else _across(name, shown)


def _across(name: str, shown: Sequence[Direction]) -> Table:
    from rich.table import Table

    from retrievers.evaluation.encoders import DIRECTIONS
    from retrievers.evaluation.spaces import DOMAIN, GENERAL, UNTRAINED

    table = Table(
        name, "", "chance", DOMAIN, GENERAL, UNTRAINED, "domain − general", box=None, show_edge=False, pad_edge=False
    )
    for one in shown:
        size = f"{len(one.asked)} in {one.gallery}"
        for number, measure in enumerate(DIRECTIONS[name]):
            means = [_cell(one.means.get(encoder, {}).get(measure)) for encoder in (DOMAIN, GENERAL, UNTRAINED)]
            difference = one.differences.get(GENERAL, {}).get(measure)
            label = (one.domain, size, "")[number]
            table.add_row(label, measure, f"{one.chance[measure]:.3f}", *means, _cell(difference, change=True))
    return table


def _within(shown: Sequence[Direction]) -> Table:
    from rich.table import Table

    from retrievers.evaluation.spaces import AS_IT_CAME, DOMAIN, GENERAL, SENTENCES, TUNED, UNTRAINED

    order = (DOMAIN, GENERAL, UNTRAINED, TUNED, AS_IT_CAME, SENTENCES)
    names = [name for name in order if any(name in one.means for one in shown)]
    compared = [name for name in (GENERAL, AS_IT_CAME) if name in names]
    heads = [*names, *(f"domain − {name.removesuffix(' head')}" for name in compared)]
    lines = [fill(head, _STACKED) for head in heads]
    table = Table("image→image\nP@5", "chance", "best", *lines, box=None, show_edge=False, pad_edge=False)
    for one in shown:
        cells = [_cell(one.means.get(name, {}).get("P@5"), stacked=True) for name in names]
        beaten = one.differences if one.serving == DOMAIN else {}
        differences = [_cell(beaten.get(name, {}).get("P@5"), change=True, stacked=True) for name in compared]
        asked = f"{one.domain}\n{len(one.asked)} in {one.gallery}\nby {one.judged_by}"
        table.add_row(asked, f"{one.chance['P@5']:.3f}", f"{one.best['P@5']:.2f}", *cells, *differences)
    return table


def _cell(interval: Interval | None, change: bool = False, stacked: bool = False) -> str:
    """A mean and its interval; stacked where columns are many."""
    if interval is None:
        return "–"
    sign, between = ("+", "…") if change else ("", "–")
    mean, reach = f"{interval.mean:{sign}.3f}", f"{interval.low:{sign}.2f}{between}{interval.high:{sign}.2f}"
    return f"{mean}\n{reach}" if stacked else f"{mean} ({reach})"
