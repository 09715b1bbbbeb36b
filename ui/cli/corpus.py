"""`curbside corpus`: what the home holds."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.counting import counted

if TYPE_CHECKING:
    from corpora.catalog import Corpus
    from corpora.home import Home
    from corpora.ingest import Ingested
    from corpora.readers.base import ReaderOptions
    from ui.cli.context import Context

__all__ = ["application", "teach_home"]

application = typer.Typer(help="Add, list, show and remove corpora.", no_args_is_help=True)


@application.command("add")
def add(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="File or folder to read.")],
    name: Annotated[str, typer.Option("--name", "-n", help="Name of the corpus.")],
    reader: Annotated[str, typer.Option("--reader", "-r", help="jsonl, folder, openstax, …")] = "jsonl",
    title: Annotated[str, typer.Option(help="Title for people.")] = "",
    domain: Annotated[str, typer.Option(help="Domain of records that do not say theirs.")] = "",
    modality: Annotated[str, typer.Option(help="Modality of records that do not say theirs.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of records that do not say theirs.")] = "",
    group: Annotated[
        list[str] | None, typer.Option(help="Access group that may see it (repeatable; none: all).")
    ] = None,
    option: Annotated[list[str] | None, typer.Option(help="key=value for the reader (repeatable).")] = None,
) -> None:
    """Read a source into the home; run again, it adds what is new and replaces what changed."""
    from corpora.catalog import Corpus
    from corpora.readers.base import ReaderOptions, licence_kind
    from corpora.records import Licence
    from ui.cli.progress import progress_bar

    here: Context = context.obj
    home = here.open_home(create=True)
    said = Licence(licence, licence_kind(licence)) if licence else Licence()
    options = ReaderOptions(name, domain, modality, said, home.domains, _pairs(option or []))
    corpus = Corpus(name, title or name, reader, str(source), said, tuple(group or ()))
    with progress_bar() as bar:
        done = _added(home, corpus, options, bar)
    here.show(done, [_told(done)])


@application.command("list")
def list_(context: typer.Context) -> None:
    """Every corpus with its counts, licence and groups."""
    from rich.table import Table

    from corpora.catalog import Catalog

    here: Context = context.obj
    with Catalog.open(here.open_home().catalog_url) as catalog:
        counts = catalog.counts()
        rows = [(corpus, counts.get(corpus.name, {})) for corpus in catalog.corpora()]
    table = Table("corpus", "title", "cases", "figures", "passages", "licence", "groups", box=None)
    for corpus, count in rows:
        kinds = [str(count.get(kind, 0)) for kind in ("case", "figure", "passage")]
        table.add_row(corpus.name, corpus.title, *kinds, corpus.licence.name, ", ".join(corpus.groups) or "everybody")
    here.show(
        [{"name": c.name, "title": c.title, "licence": c.licence, "groups": c.groups, **n} for c, n in rows],
        table=table,
    )


@application.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Corpus.")],
    record: Annotated[str | None, typer.Argument(help="One of its records.")] = None,
) -> None:
    """What a corpus says of itself, or one of its records."""
    from corpora.catalog import Catalog

    here: Context = context.obj
    with Catalog.open(here.open_home().catalog_url) as catalog:
        if record is not None:
            found = catalog.find(name, record)
            labels = ", ".join(found.labels) or "–"
            lines = [f"{found.corpus}/{found.id} · {found.domain} · {found.modality}", f"labels: {labels}", found.text]
            here.show(found, [*lines, f"licence: {found.licence.name} · source: {found.source}"])
            return
        corpus, count = catalog.corpus(name), catalog.counts().get(name, {})
    lines = [f"{corpus.name}: {corpus.title}", *(f"{kind}s: {number}" for kind, number in sorted(count.items()))]
    here.show({"corpus": corpus, "counts": count}, [*lines, f"read by {corpus.reader} from {corpus.source}"])


@application.command("remove")
def remove(context: typer.Context, name: Annotated[str, typer.Argument(help="Corpus.")]) -> None:
    """Remove a corpus with its records; searches do not find them from now on."""
    from corpora.catalog import Catalog

    here: Context = context.obj
    with Catalog.open(here.open_home().catalog_url) as catalog:
        count = catalog.remove_corpus(name)
    here.show(
        {"removed": name, "records": count},
        [
            f"Removed {name} with {counted(count, 'record')}: no search finds any. Pictures stay in the home's images,",
            "and index versions built before hold the words until two newer ones are built (docs/corpora.md).",
        ],
    )


@application.command("teach")
def teach(
    context: typer.Context,
    practice: Annotated[int, typer.Option(help="Also draw this many further cases a finding, to fit encoders on.")] = 0,
) -> None:
    """Draw the teaching corpus and the primer, and add them: no picture is of a patient."""
    here: Context = context.obj
    started = monotonic()
    done = teach_home(here, practice)
    here.show(done, [*map(_told, done), f"Drawn and added in {monotonic() - started:.0f} s."])


def teach_home(here: Context, practice: int = 0) -> list[Ingested]:
    """Draw (what is not drawn yet) into `<home>/drawn`, then add the corpora."""
    from corpora.catalog import Catalog, Corpus
    from corpora.readers.base import ReaderOptions
    from corpora.records import Licence
    from corpora.teaching import PRACTICE, PRIMER, TEACHING, write_practice, write_teaching
    from ui.cli.progress import progress_bar

    home = here.open_home(create=True)
    Catalog.open(home.catalog_url).close()  # a catalogue that refuses is told before minutes of drawing
    drawn = home.path / "drawn"
    licence = Licence("CC0 1.0", "open")
    corpora = [
        Corpus(TEACHING, "Teaching cases (drawn)", "jsonl", str(drawn / TEACHING), licence),
        Corpus(PRIMER, "Illustrated primer (drawn)", "openstax", str(drawn / PRIMER), licence),
    ]
    if practice:
        corpora.append(Corpus(PRACTICE, "Practice cases (drawn)", "jsonl", str(drawn / PRACTICE), licence))
    extra = {PRIMER: {"drawn": "true"}}
    options = [
        ReaderOptions(one.name, licence=licence, domains=home.domains, extra=extra.get(one.name, {})) for one in corpora
    ]
    with progress_bar() as bar:
        task = bar.add_task("drawing", total=None)
        write_teaching(drawn, lambda done, total: bar.update(task, completed=done, total=total))
        if practice:
            write_practice(drawn, practice, lambda done, total: bar.update(task, completed=done, total=total))
        return [_added(home, one, said, bar) for one, said in zip(corpora, options, strict=True)]


def _added(home: Home, corpus: Corpus, options: ReaderOptions, bar: Any) -> Ingested:
    from corpora.ingest import add_corpus

    task = bar.add_task(f"adding {corpus.name}", total=None)
    return add_corpus(home, corpus, options, lambda count: bar.update(task, completed=count))


def _pairs(options: list[str]) -> dict[str, str]:
    from corpora.errors import InputError

    pairs = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals:
            raise InputError(f"--option {option} is incomplete; write key=value.")
        pairs[key.strip()] = value.strip()
    return pairs


def _told(done: Ingested) -> str:
    text = f"{done.corpus}: {done.new} new, {done.changed} changed, {done.unchanged} unchanged, {done.skipped} skipped"
    text += f" ({counted(done.pictures, 'picture')}, added in {done.seconds:.1f} s)"
    return f"{text}; skipped ones: {done.rejects}" if done.rejects else text
