"""What the tools of the MCP server return."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent, ToolAnnotations

from app.answers import DISCLAIMER, Answer
from app.why import Why
from corpora.errors import CurbsideError
from corpora.records import Record
from retrievers.contrast import Contrast
from retrievers.timeline import Timeline
from retrievers.written_hits import QUOTED, written_hit

__all__ = [
    "ONLY_READS",
    "told_as",
    "tool_result",
    "written_answer",
    "written_contrast",
    "written_timeline",
    "written_why",
]

ONLY_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


@contextmanager
def told_as(kind: type[Exception]) -> Iterator[None]:
    """What the client can mend reaches it as a sentence, in this error of the protocol; a bug only reaches the log."""
    try:
        yield
    except CurbsideError as error:
        raise kind(str(error)) from error


def written_answer(answer: Answer) -> str:
    """The answer with its verdict, its evidence and what must be said beside it."""
    domain = answer.domain
    found = f"Domain: {domain.name} ({domain.probability:.2f})" if domain.name else "Outside every domain"
    evidence = [
        f"[{item.number}] {item.record.corpus}/{item.record.id} · {item.stance}"
        + (" · drawn, not a patient" if item.record.drawn else "")
        for item in answer.evidence
    ]
    verdict = f"Verdict: {answer.verdict}, confidence {answer.confidence:.2f}. {found}."
    return "\n".join([answer.text, "", verdict, *evidence, answer.disclaimer])


def written_contrast(contrast: Contrast) -> str:
    """The nearest case of each side; both are numbered for citing, in the order of the links."""
    if contrast.outside:
        return f"Outside every domain: {contrast.outside} Nothing was searched.\n{DISCLAIMER}"
    lines = [f"Finding: {contrast.finding}; looked at the {contrast.looked} nearest. {QUOTED}"]
    number = 0
    for what, hit in (("Affirmed by", contrast.affirming), ("Denied by", contrast.denying)):
        number += hit is not None
        lines.append(f"{what}: none of them" if hit is None else f"{what}: {written_hit(number, hit)}")
    return "\n".join([*lines, DISCLAIMER])


def written_timeline(timeline: Timeline) -> str:
    """A line a study, earliest first, then the report of the last one, and of it what is about the question."""
    lines = [f"Patient: {timeline.patient}, {len(timeline.studies)} studies. {QUOTED}"]
    number = 0
    for study in timeline.studies:
        day = "no day known" if study.day is None else f"day {study.day}"
        named = []
        for record in study.records:
            number += 1
            named.append(f"[{number}] {record.corpus}/{record.id}")
        lines.append(f"{day}: {', '.join(named)}")
    if timeline.prior is not None:
        lines.append(f"Prior study, day {timeline.prior.day}: “{_on_a_line(timeline.whole)}”")
    if timeline.regional:
        lines.append(f"Of it, about what is asked: “{_on_a_line(timeline.regional)}”")
    return "\n".join([*lines, DISCLAIMER])


def written_why(why: Why) -> str:
    """The lists that found the record, the sentence that matched, the region, and what each map shows, in order."""
    told = why.explanation
    lists = ", ".join(f"{name} at place {place} ({likeness:.2f})" for name, place, likeness in told.found_by)
    lines = [f"{told.record}: found by {lists or 'none of the lists'}."]
    if told.sentence:
        lines.append(f"It says, quoted: “{_on_a_line(told.sentence)}”")
    if told.region is not None:
        box = told.region
        lines.append(f"Alike most is the part of your picture from ({box.x0}, {box.y0}) to ({box.x1}, {box.y1}).")
    lines += [f"Map {number}: {one.title} (cosine {one.cosine:.2f})" for number, one in enumerate(why.maps, 1)]
    return "\n".join([*lines, DISCLAIMER])


def tool_result(
    text: str, records: Sequence[Record], value: dict[str, Any], jpegs: Sequence[bytes] = ()
) -> CallToolResult:
    """The text, pictures, a link to each record and its first picture, and the whole as fields with the disclaimer."""
    links = [
        link
        for number, record in enumerate(records, 1)
        for link in _links(f"[{number}] {record.corpus}/{record.id}", record)
    ]
    images = [ImageContent(data=base64.b64encode(jpeg).decode("ascii"), mime_type="image/jpeg") for jpeg in jpegs]
    return CallToolResult(
        content=[TextContent(text=text), *images, *links], structured_content={"disclaimer": DISCLAIMER, **value}
    )


def _on_a_line(text: str) -> str:
    return " ".join(text.split())


def _links(name: str, record: Record) -> Iterator[ResourceLink]:
    place = f"curbside://record/{quote(record.corpus, safe='')}/{quote(record.id)}"
    yield ResourceLink(name=name, uri=place, mime_type="application/json")
    for picture in record.pictures[:1]:
        yield ResourceLink(name=f"{name}: picture", uri=f"curbside://picture/{picture.digest}", mime_type="image/jpeg")
