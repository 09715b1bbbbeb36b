"""What the tools of the MCP server return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from mcp_types import CallToolResult, ResourceLink, TextContent

from app.answers import Answer
from corpora.records import Record

__all__ = ["tool_result", "written_answer"]


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


def tool_result(text: str, records: Sequence[Record], value: Any) -> CallToolResult:
    """The text, a link to each record and its first picture, and the whole as fields."""
    links = [
        link
        for number, record in enumerate(records, 1)
        for link in _links(f"[{number}] {record.corpus}/{record.id}", record)
    ]
    return CallToolResult(content=[TextContent(text=text), *links], structured_content=value)


def _links(name: str, record: Record) -> Iterator[ResourceLink]:
    place = f"curbside://record/{quote(record.corpus, safe='')}/{quote(record.id)}"
    yield ResourceLink(name=name, uri=place, mime_type="application/json")
    for picture in record.pictures[:1]:
        yield ResourceLink(name=f"{name}: picture", uri=f"curbside://picture/{picture.digest}", mime_type="image/jpeg")
