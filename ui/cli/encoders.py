"""`curbside encoders`: which encoders there are, preparing published ones, and looking at what one does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from indexing.encoders.checking import Checked
    from indexing.encoders.fetching import Fetched
    from indexing.encoders.published import Published
    from ui.cli.context import Context

__all__ = ["application"]

application = typer.Typer(help="List, fetch and check encoders of pictures and texts.", no_args_is_help=True)


@application.command("list")
def list_(context: typer.Context) -> None:
    """Published encoders and those of this package: licence, sizes, and whether this home holds them."""
    from rich.table import Table

    from app.settings import load_settings
    from indexing.encoders.fetched import fetched_folders
    from indexing.encoders.licences import licence_of
    from indexing.encoders.published import embedded_encoders, published_encoders

    here: Context = context.obj
    licences = load_settings(here.home, {"profile": here.profile})[0].licences
    packaged = [replace(one, licence=licence_of(one.name, licences=licences)) for one in embedded_encoders()]
    fetched = fetched_folders(here.home / "models")
    folders = {one.hub: f"models/{one.folder.name}" for one in fetched}
    entries = [*packaged, *published_encoders()]
    rows = [_row(entry, folders.get(entry.hub, "")) for entry in entries]
    known = {entry.hub for entry in entries}
    rows += [
        {"name": one.folder.name, "hub": one.hub, "licence": one.licence.name, "class": one.licence.kind,
         "dims": one.dim, "here": f"models/{one.folder.name}"}
        for one in fetched
        if one.hub not in known
    ]  # fmt: skip
    everywhere = max(len(entry.domains) for entry in entries)
    table = Table(box=None, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(row["name"], _described(row, everywhere))
    reasons = [f"{row['name']} cannot be opened here: {row['why']}." for row in rows if row.get("why")]
    here.show(rows, table=table)
    if not here.as_json:
        here.show(reasons, reasons)


@application.command("fetch")
def fetch(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="Name of 'encoders list', or organisation/name of the hub.")],
    to: Annotated[Path | None, typer.Option(help="New folder; else models/<name> of the home.")] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="Folder with the files as on the hub, instead of the network.")
    ] = None,
    text_tower: Annotated[
        Path | None, typer.Option(help="Folder with config.json and tokenizer of the text tower.")
    ] = None,
    revision: Annotated[str, typer.Option(help="Branch, tag or commit on the hub.")] = "",
) -> None:
    """Make a published encoder a folder of its own that opens offline; asks the hub, unless --from names a folder."""
    from app.settings import load_settings
    from app.shaping import plain
    from app.wiring import prepare_process
    from indexing.encoders.fetching import FetchOptions, fetch_encoder
    from indexing.encoders.published import find_published

    here: Context = context.obj
    entry = find_published(what)
    target = to or here.open_home().models / (entry.name if entry else what.rpartition("/")[2])
    settings, sources = load_settings(here.home, {"profile": here.profile})
    # A profile is offline so that nothing is fetched unasked; this command is somebody's wish.
    offline = settings.offline and sources["offline"] != f"profile {settings.profile}"
    talks = here.console.is_terminal and not here.as_json
    if talks:
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "0")  # a gigabyte without a word looks like a hang
    prepare_process(settings.model_copy(update={"offline": offline}))
    options = FetchOptions(source, text_tower, revision, offline)
    done = fetch_encoder(what, target, options, lambda told: here.console.print(f"… {told}") if talks else None)
    spec = done.spec(here.home)
    build = here.command("index", "build", index=settings.index)
    here.show({**plain(done), "spec": spec}, _told(done, entry, spec, build))


@application.command("check")
def check(
    context: typer.Context,
    spec: Annotated[str, typer.Argument(help="Encoder, as written in curbside.toml.")],
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1.")] = None,
) -> None:
    """Embed drawn pictures and texts and print what the encoder sees; a dead tower ends with status 2."""
    from app.shaping import plain
    from corpora.domains import packaged_domains
    from indexing.encoders import open_encoder
    from indexing.encoders.checking import check_encoder
    from indexing.encoders.licences import licence_of
    from indexing.encoders.registry import require_named

    here: Context = context.obj
    settings = here.settings(device=device)
    require_named(spec, packaged_domains().with_folder(here.home / "domains").names)
    checked = check_encoder(open_encoder(spec, settings.device, here.home, settings.licences))
    licence = licence_of(spec, here.home, settings.licences)
    lines = [*_facts(checked), f"licence: {licence.kind} ({licence.name})"]
    here.show({**plain(checked), "licence": plain(licence)}, lines, _cosines(checked))


def _row(entry: Published, folder: str) -> dict[str, Any]:
    """One entry of the registry under the names that the table shows."""
    here = "with Curbside" if entry.loader == "embedded" else folder or ("not openable" if entry.why else "not fetched")
    row = {
        "name": entry.name, "title": entry.title, "domains": list(entry.domains), "hub": entry.hub,
        "licence": entry.licence.name, "class": entry.licence.kind, "dims": entry.dims, "pixels": entry.pixels,
        "tokens": entry.tokens, "parameters": entry.parameters, "here": here,
    }  # fmt: skip
    return row | {key: value for key, value in (("why", entry.why), ("note", entry.note)) if value}


def _described(row: Mapping[str, Any], everywhere: int) -> str:
    """Licence and place, the hub's id on a line of its own since it is long, and what the encoder takes and gives."""
    served = row.get("domains", ())
    domains = ["all domains"] if len(served) == everywhere else served
    units = {"dims": "dimensions", "pixels": "pixels", "tokens": "tokens", "parameters": "M parameters"}
    numbers = [f"{row[key]:g} {unit}" for key, unit in units.items() if row.get(key)]
    lines = [f"{row['class']} ({row['licence']}); {row['here']}", row["hub"], ", ".join(numbers), ", ".join(domains)]
    return "\n".join(line for line in lines if line)


def _told(done: Fetched, entry: Published | None, spec: str, build: str) -> list[str]:
    """What was made, and what to write in curbside.toml."""
    told = [
        f"{done.folder} holds {done.source}{f' at {done.revision}' if done.revision else ''} "
        f"({done.megabytes:g} MB, {done.dim} dimensions); licence: {done.licence.name}, class {done.licence.kind}.",
    ]
    if entry and entry.dims and entry.dims != done.dim:
        told.append(f"The registry says {entry.dims} dimensions for {entry.title}: is this another model?")
    domains = entry.domains if entry else ()
    told += ["In curbside.toml, for the domains it should serve:", "[encoders]"]
    told += [f'{domain} = "{spec}"' for domain in domains or ("radiology",)]
    return [*told, f"Then: {build}", "Research use, not a medical device."]


def _facts(checked: Checked) -> list[str]:
    low, high = checked.norms
    lines = [
        f"{checked.spec}: {checked.dim} dimensions, fingerprint {checked.fingerprint.rpartition('/')[2]}",
        f"lengths of vectors: {low:g} to {high:g}",
        f"texts: mean cosine between different ones {checked.text_likeness:.2f}; {checked.texts_per_second:g} a second",
    ]
    if checked.agreement is None or checked.picture_likeness is None:
        return [*lines, "pictures: it takes none"]
    own, count = checked.agreement.own_nearest, len(checked.texts)
    return [
        *lines,
        f"pictures: mean cosine between different ones {checked.picture_likeness:.2f}; "
        f"{checked.pictures_per_second:g} a second",
        f"own text nearest: {own} of {count} pictures (by chance 1); drawn pictures, of other domains too",
    ]


def _cosines(checked: Checked) -> Table | None:
    """Pictures against texts; the nearest text of each picture is marked."""
    from rich.table import Table

    if checked.agreement is None:
        return None
    table = Table("picture \\ text", *checked.domains, "nearest text", box=None)
    for row, (cosines, nearest) in enumerate(zip(checked.agreement.cosines, checked.agreement.nearest, strict=True)):
        values = [f"{value:.2f}{'*' if column == nearest else ''}" for column, value in enumerate(cosines)]
        table.add_row(checked.domains[row], *values, "its own" if nearest == row else checked.texts[nearest])
    return table
