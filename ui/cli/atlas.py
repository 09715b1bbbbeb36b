"""`curbside index map`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ui.cli.progress import progress_bar
from ui.counting import counted

if TYPE_CHECKING:
    from ui.cli.context import Context

__all__ = ["draw_map"]

_COMMON = "embedded:general"


def draw_map(
    context: typer.Context,
    corpus: Annotated[list[str] | None, typer.Option(help="Only this corpus; may be given again.")] = None,
    domain: Annotated[list[str] | None, typer.Option(help="Only this domain; may be given again.")] = None,
    side: Annotated[Literal["image", "text"], typer.Option(help="Whose vectors.")] = "image",
    by: Annotated[Literal["domain", "label", "modality"], typer.Option(help="What colours the points.")] = "domain",
    most: Annotated[int, typer.Option(min=1, help="Most points, and so thumbnails, in all.")] = 2000,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; in the home's runs where none is given.")
    ] = None,
    png: Annotated[bool, typer.Option(help="Also write a PNG (needs the extra 'plots').")] = True,
    name: Annotated[str, typer.Option(help="Name of the index.")] = "default",
) -> None:
    """Draw the stored vectors on a plane: a page with thumbnails, and a PNG. Look before you trust."""
    from corpora.catalog import Catalog
    from corpora.errors import SourceError
    from corpora.images import ImageStore
    from indexing.atlas import AtlasOptions, draw_atlas, write_page, write_plot
    from indexing.encoders import Encoder, open_encoder
    from indexing.opened import OpenedIndex
    from indexing.plots import new_figure
    from indexing.shards import IndexFolder

    here: Context = context.obj
    settings, home = here.settings(), here.open_home()
    if png:
        new_figure(1.0, 1.0)  # what is missing is told before the work, not after it
    index = OpenedIndex.open(IndexFolder(home, name), settings.device)
    with Catalog.open(home.catalog_url) as catalog:
        records = {record.uid: record for record in catalog.records()}
    options = AtlasOptions(side, tuple(corpus) if corpus else None, tuple(domain) if domain else None, most)
    with progress_bar() as bar:
        task = bar.add_task("reading", total=None)

        def update(done: int, total: int, stage: str) -> None:
            bar.update(task, completed=done, total=total or None, description=stage)

        def common() -> Encoder:
            return open_encoder(_COMMON, settings.device, home.path, settings.licences)

        atlas = draw_atlas(index, records, ImageStore(home.images), common, options, update)
    folder = out or home.runs / f"map-{time.strftime('%Y%m%d-%H%M%S')}"
    page, plot = folder / "atlas.html", folder / "atlas.png"
    try:
        write_page(atlas, page, by)
        if png:
            write_plot(atlas, plot, by)
    except OSError as error:
        raise SourceError(f"The folder {folder} cannot be written: {error.strerror}.") from error
    panels = [
        {"name": one.name, "space": one.space, "points": len(one.rows), "trustworthiness": one.trustworthiness,
         "agreements": one.agreements}
        for one in atlas.panels
    ]  # fmt: skip
    shown = {"index": atlas.index, "side": side, "points": len(atlas.points), "available": atlas.available}
    shown |= {"panels": panels, "page": str(page), "png": str(plot) if png else None}
    told = [f"{len(atlas.points):,} of {counted(atlas.available, f'{side} vector')} of {atlas.index}: {page}"]
    here.show(shown, [*told, *([f"The same as a picture: {plot}"] if png else [])])
