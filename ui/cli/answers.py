"""`curbside search` and `curbside ask`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from app.answers import Answer
    from corpora.records import Region
    from ui.cli.context import Context

__all__ = ["ask", "search"]

_Images = Annotated[list[Path] | None, typer.Option("--image", "-i", help="A picture (repeatable).")]
_Corpora = Annotated[list[str] | None, typer.Option("--corpus", help="Only this corpus (repeatable).")]
_Exclude = Annotated[list[str] | None, typer.Option("--exclude", help="A record that must not be found (repeatable).")]
_Domain = Annotated[str | None, typer.Option(help="Search this domain whatever is found.")]
_Region = Annotated[str | None, typer.Option(help="x,y,w,h in pixels of the first picture.")]

_Patient = Annotated[str, typer.Option(help="Patient whose earlier studies are told, and count for --before.")]
_Before = Annotated[int | None, typer.Option(help="Only studies before this day.")]


def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="Words; may be empty beside a picture.")] = "",
    image: _Images = None,
    region: _Region = None,
    k: Annotated[int, typer.Option("-k", help="How many records.")] = 10,
    domain: _Domain = None,
    corpus: _Corpora = None,
    exclude: _Exclude = None,
    patient: _Patient = "",
    before: _Before = None,
    neighbours: Annotated[int, typer.Option(help="Neighbours that each record brings along; they count.")] = 0,
    contrast: Annotated[
        bool, typer.Option(help="The nearest case that shows the finding, and one without it.")
    ] = False,
    explain: Annotated[Path | None, typer.Option(help="Write maps of what made each match into this folder.")] = None,
) -> None:
    """Find similar cases, reports and textbook figures."""
    from app.wiring import open_retriever
    from retrievers import Query
    from ui.cli.findings import contrast_lines, explained, found_lines

    here: Context = context.obj
    settings = here.settings()
    query = Query(
        text,
        image or [],
        region=_region(region),
        patient=patient,
        before=before,
        domain=domain,
        corpora=corpus or None,
        exclude=exclude or (),
        neighbours=neighbours,
    )
    with open_retriever(here.open_home(), settings) as retriever:
        if contrast:
            both = retriever.contrast(query)
            here.show(both, contrast_lines(both))
            return
        found = retriever.search(query, k)
        if explain is not None:
            told = explained(retriever, query, found, explain)
            here.show({"found": found, "explanations": told}, [*found_lines(found), f"Maps are in {explain}."])
            return
    here.show(found, found_lines(found))


def ask(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The question; may be empty beside a picture.")] = "",
    image: _Images = None,
    region: _Region = None,
    patient: _Patient = "",
    before: _Before = None,
    domain: _Domain = None,
    corpus: _Corpora = None,
    exclude: _Exclude = None,
    generator: Annotated[str | None, typer.Option(help="evidence, vlm:<model>, server:<url>#<model>.")] = None,
) -> None:
    """Answer a question with cited evidence."""
    from app.assistant import Assistant

    here: Context = context.obj
    settings = here.settings(generator=generator)
    with Assistant.open(here.home, settings) as assistant:
        answer = assistant.ask(
            text,
            image or [],
            region=_region(region),
            patient=patient,
            before=before,
            domain=domain,
            corpora=corpus or None,
            exclude=exclude or (),
        )
    here.show(answer, _answer_lines(answer))


def _region(text: str | None) -> Region | None:
    from corpora.errors import InputError
    from corpora.records import Region

    if text is None:
        return None
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"The region {text!r} is not x,y,w,h in whole pixels.") from None
    if width < 1 or height < 1:
        raise InputError(f"The region {text!r} (x,y,w,h) is empty.")
    return Region(x, y, x + width, y + height)


def _answer_lines(answer: Answer) -> list[str]:
    from ui.cli.findings import domain_line

    lines = [domain_line(answer.domain), "", answer.text, ""]
    if answer.verdict in ("yes", "no", "uncertain"):
        lines.append(f"Confidence {answer.confidence:.2f}.")
    cited: list[Any] = [item for item in answer.evidence if f"[{item.number}]" in answer.text]
    for item in cited:
        record = item.record
        drawn = "drawn, not a patient · " if record.drawn else ""
        lines.append(f"[{item.number}] {record.corpus}/{record.id} · {item.stance} · {drawn}{record.licence.name}")
    return [*lines, answer.disclaimer]
