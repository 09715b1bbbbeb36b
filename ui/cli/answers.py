"""`curbside search` and `curbside ask`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from app.answers import Answer
    from corpora.records import Region
    from retrievers.found import DomainFound, Found
    from ui.cli.context import Context

__all__ = ["ask", "search"]

_Images = Annotated[list[Path] | None, typer.Option("--image", "-i", help="A picture (repeatable).")]
_Corpora = Annotated[list[str] | None, typer.Option("--corpus", help="Only this corpus (repeatable).")]
_Exclude = Annotated[list[str] | None, typer.Option("--exclude", help="A record that must not be found (repeatable).")]
_Domain = Annotated[str | None, typer.Option(help="Search this domain whatever is found.")]
_Region = Annotated[str | None, typer.Option(help="x,y,w,h in pixels of the first picture.")]


def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="Words; may be empty beside a picture.")] = "",
    image: _Images = None,
    region: _Region = None,
    k: Annotated[int, typer.Option("-k", help="How many records.")] = 10,
    domain: _Domain = None,
    corpus: _Corpora = None,
    exclude: _Exclude = None,
) -> None:
    """Find similar cases, reports and textbook figures."""
    from app.wiring import open_retriever
    from retrievers import Query

    here: Context = context.obj
    settings = here.settings()
    query = Query(
        text, image or [], region=_region(region), domain=domain, corpora=corpus or None, exclude=exclude or ()
    )
    with open_retriever(here.open_home(), settings) as retriever:
        found = retriever.search(query, k)
    here.show(found, _found_lines(found))


def ask(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The question; may be empty beside a picture.")] = "",
    image: _Images = None,
    region: _Region = None,
    patient: Annotated[str, typer.Option(help="Patient whose earlier studies count for --before.")] = "",
    before: Annotated[int | None, typer.Option(help="Only studies before this day.")] = None,
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
    return Region(x, y, x + width, y + height)


def _found_lines(found: Found) -> list[str]:
    lines = [_domain_line(found.domain)]
    for number, hit in enumerate(found.hits, 1):
        record = hit.record
        where = ", ".join(f"{name} #{rank}" for name, rank in sorted(hit.ranks.items(), key=lambda item: item[1])[:3])
        drawn = " · drawn, not a patient" if record.drawn else ""
        lines.append(f"{number:3}. {record.corpus}/{record.id} · {record.modality or record.kind}{drawn} · {where}")
        head, sentence = ", ".join(record.labels) or record.title, _short(hit.sentence)
        lines.append(f"     {sentence if sentence.startswith(head) else f'{head}: {sentence}'}")
    return [*lines, found.selection.reason]


def _answer_lines(answer: Answer) -> list[str]:
    lines = [_domain_line(answer.domain), "", answer.text, ""]
    if answer.verdict in ("yes", "no", "uncertain"):
        lines.append(f"Confidence {answer.confidence:.2f}.")
    cited: list[Any] = [item for item in answer.evidence if f"[{item.number}]" in answer.text]
    for item in cited:
        record = item.record
        drawn = "drawn, not a patient · " if record.drawn else ""
        lines.append(f"[{item.number}] {record.corpus}/{record.id} · {item.stance} · {drawn}{record.licence.name}")
    return [*lines, answer.disclaimer]


def _domain_line(domain: DomainFound) -> str:
    if domain.name is None:
        return f"Outside every domain: {domain.reason}"
    return f"Domain: {domain.name} {domain.probability:.2f} ({domain.reason})"


def _short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"
