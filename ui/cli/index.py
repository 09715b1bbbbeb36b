"""`curbside index`: build, list, verify, drop and draw indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli.atlas import draw_map
from ui.counting import counted

if TYPE_CHECKING:
    from ui.cli.context import Context

__all__ = ["application", "build_home"]

application = typer.Typer(help="Build, list, verify, drop and draw indexes.", no_args_is_help=True)
application.command("map")(draw_map)


@application.command("build")
def build(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Name of the index.")] = "default",
    vector_index: Annotated[str | None, typer.Option(help="auto, exact, flat, hnsw, ivf.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1.")] = None,
) -> None:
    """Embed what is new or changed and publish a new version; interrupted, it resumes."""
    build_home(context.obj, name, vector_index, device)


def build_home(
    here: Context, name: str = "default", vector_index: str | None = None, device: str | None = None
) -> None:
    """Build the index of the home and print what was done."""
    from app.wiring import build_options
    from indexing.freed_memory import keep_freed_memory
    from indexing.jobs import Progress, build_index
    from ui.cli.progress import progress_bar

    settings = here.settings(vector_index=vector_index, device=device)
    home = here.open_home()
    keep_freed_memory()
    with progress_bar() as bar:
        task = bar.add_task("indexing", total=None)

        def update(progress: Progress) -> None:
            bar.update(task, completed=progress.done, total=progress.total, description=f"indexing {progress.stage}")

        done = build_index(home, name, build_options(settings), update)
    if done.fresh:
        rate = f", {done.pictures / done.seconds:.1f} pictures/s" if done.pictures else ""
        line = (
            f"{done.index}: {counted(done.records, 'record')} ({done.embedded:,} embedded, {done.reused:,} unchanged), "
            f"{counted(done.pictures, 'picture')}, {done.rejects:,} rejected, {done.seconds:.1f} s{rate}, "
            f"{done.bytes / 1e6:.1f} MB"
        )
    else:
        line = f"{done.index} is up to date: {counted(done.records, 'record')}."
    here.show(done, [line])


@application.command("list")
def list_(context: typer.Context) -> None:
    """Every index with its published version."""
    from rich.table import Table

    from indexing.shards import IndexFolder, index_names

    here: Context = context.obj
    home = here.open_home()
    folders = [IndexFolder(home, name) for name in index_names(home.indexes)]
    manifests = [folder.manifest() for folder in folders if folder.current is not None]
    table = Table("index", "records", "entries", "domains", "encoders", "built", box=None)
    for manifest in manifests:
        entries = sum(side.entries for side in manifest.sides)
        table.add_row(
            manifest.label,
            str(sum(manifest.records.values())),
            str(entries),
            ", ".join(sorted(manifest.records)),
            ", ".join(sorted({spec.partition(":")[0] for spec in manifest.encoders})),
            manifest.created[:16].replace("T", " "),
        )
    here.show(manifests, table=table)


@application.command("verify")
def verify(context: typer.Context, name: Annotated[str, typer.Option(help="Name of the index.")] = "default") -> None:
    """Check every file's digest, every count, and that catalogue and index agree."""
    from corpora.catalog import Catalog
    from indexing.verification import verify_index

    here: Context = context.obj
    home = here.open_home()
    with Catalog.open(home.catalog_url) as catalog:
        report = verify_index(home, name, catalog)
    files, records = counted(report.files, "file"), counted(report.records, "record")
    lines = [f"{report.index} is whole: {files}, {records}, {counted(report.entries, 'entry', 'entries')}."]
    if report.removed:
        lines.append(f"Records of it that are no longer in the catalogue, and not found: {report.removed:,}.")
    if report.waiting:
        build = here.command("index", "build", index=name)
        lines.append(f"Records of the catalogue that are not indexed yet: {report.waiting:,}; run: {build}")
    here.show(report, lines)


@application.command("drop")
def drop(context: typer.Context, name: Annotated[str, typer.Argument(help="Name of the index.")]) -> None:
    """Remove an index with all its versions; records and pictures stay."""
    from indexing.shards import IndexFolder

    here: Context = context.obj
    IndexFolder(here.open_home(), name).drop()
    here.show({"dropped": name}, [f"Dropped index {name}."])
