"""`curbside eval encoders`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.cli.evaluation.runs import HeldOut, write_run
from ui.cli.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from app.settings import Settings
    from corpora.home import Home
    from corpora.images import ImageStore
    from indexing.encoders import Encoder
    from indexing.training.home_features import HomeFeatures, Row
    from retrievers.evaluation.encoders import DomainResult
    from retrievers.evaluation.spaces import Space
    from ui.cli.context import Context

__all__ = ["encoders"]


def encoders(
    context: typer.Context,
    held_out: HeldOut = False,
    domain: Annotated[list[str] | None, typer.Option(help="Only this domain; may be given again.")] = None,
    drawn: Annotated[bool, typer.Option("--drawn", help="Simulated pictures too.")] = False,
    weights: Annotated[Path | None, typer.Option(help="A folder of heads instead of those that ship.")] = None,
    plot: Annotated[bool, typer.Option(help="Also draw the bars (needs the extra 'plots').")] = True,
    page: Annotated[bool, typer.Option(help="Also write the page of the worst queries.")] = True,
) -> None:
    """Is each domain's encoder better than a general head, an untrained one, and the bare tower? Needs no index.

    Measured is what serves: the heads that ship, or the encoder that curbside.toml names for a domain, beside them.
    """
    from app.shaping import plain
    from corpora.catalog import Catalog
    from corpora.images import ImageStore
    from indexing.encoders.heads import load_head, weights_folder
    from indexing.plots import new_figure
    from retrievers.evaluation.encoders import evaluate_encoders
    from retrievers.evaluation.spaces import evaluated_rows, require_heads

    here: Context = context.obj
    settings, home = here.settings(), here.open_home()
    folder = weights or weights_folder(settings.licences)
    require_heads(folder)
    load_head("general", folder)
    if plot:
        new_figure(1.0, 1.0)  # what is missing is told before the work, not after it
    store = ImageStore(home.images)
    with Catalog.open(home.catalog_url) as catalog:
        rows = evaluated_rows(catalog.records(), store, domain, drawn, held_out)
    opened = {} if weights else _own_encoders(rows, settings, home)
    with progress_bar() as bar:
        task = bar.add_task("features", total=None)

        def update(done: int, total: int, stage: str = "features") -> None:
            bar.update(task, completed=done, total=total, description=stage)

        features, frozen = _features(rows, store, home.models / "features", folder, settings.device, update)
        own = _own_spaces(rows, store, opened, update)
    results = list(evaluate_encoders(rows, features, frozen, folder, held_out, own))
    manifest: dict[str, Any] = {"held_out": held_out, "drawn": drawn, "domains": domain, "licences": settings.licences}
    manifest |= {"pictures": len(rows), "weights": _digests(folder)}
    manifest["encoders"] = {name: encoder.fingerprint for name, encoder in opened.items()}
    run = write_run(here, "eval-encoders", manifest, _lines(results))
    told = _written(results, run, store, held_out, plot, page)
    if opened:
        served = ", ".join(f"{name} by {encoder.spec}" for name, encoder in opened.items())
        told.append(f"This home's encoder, as curbside.toml names it: {served}.")
    shown = [direction.figures() for result in results for direction in result.directions]
    whole = {"manifest": manifest, "results": shown, "folder": str(run)}
    (run / "results.json").write_text(json.dumps(plain(whole), ensure_ascii=False, indent=1), encoding="utf-8")
    silent = sorted({row.record.domain for row in rows} - {result.cases.domain for result in results})
    if silent:
        told.append(f"No held-out patient with a picture: {', '.join(silent)}.")
    here.show(whole, told)
    if not here.as_json:
        from ui.cli.evaluation.encoders_tables import encoder_tables

        for table in encoder_tables(results):
            here.console.print()
            here.console.print(table)


def _own_encoders(rows: Sequence[Row], settings: Settings, home: Home) -> dict[str, Encoder]:
    """By domain, the encoder that serves there where it is another than the one that ships for it.

    Raises:
        ModelError: one cannot be opened, or takes texts only.
    """
    from app.wiring import encoder_plan
    from corpora.errors import ModelError
    from indexing.encoders import open_encoder

    plan, opened = encoder_plan(settings), {}
    for name in sorted({row.record.domain for row in rows}):
        spec = plan.joint_spec(name)
        if spec != f"embedded:{name}":
            opened[name] = open_encoder(spec, settings.device, home.path, settings.licences)
            if not opened[name].has_images:
                raise ModelError(f"The encoder {spec} takes texts only; name one for {name} that takes pictures too.")
    return opened


def _own_spaces(
    rows: Sequence[Row], store: ImageStore, encoders: Mapping[str, Encoder], progress: Callable[[int, int, str], None]
) -> dict[str, Space]:
    from retrievers.evaluation.spaces import encoder_space

    spaces = {}
    for name, encoder in encoders.items():

        def update(done: int, total: int, stage: str = f"encoding {name}") -> None:
            progress(done, total, stage)

        mine = [row for row in rows if row.record.domain == name]
        spaces[name] = encoder_space(encoder, mine, store, update)
    return spaces


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
