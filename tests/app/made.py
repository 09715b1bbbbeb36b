"""Evidence made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.answers import Evidence
from corpora.domains import packaged_domains
from corpora.records import Record
from retrievers.found import DomainFound, Hit

RADIOLOGY = DomainFound("radiology", 0.9, {"radiology": 0.9}, ("radiology", "textbook"), "from the picture")
DOMAIN = packaged_domains().get("radiology")


def case(number: int, report: str = "", *, near: float = 0.9, words: float | None = None, **fields: Any) -> Evidence:
    """A case under that number, found by picture (`near`) and, where given, by its words."""
    record = Record(f"case-{number}", "made", "case", "radiology", report=report, findings=report, **fields)
    similarities = {"radiology image→image": near}
    if words is not None:
        similarities["radiology text→text"] = words
    return Evidence(number, Hit(record, 1.0 / number, dict.fromkeys(similarities, number), similarities, report))


def passage(number: int, text: str, *, words: float = 0.8, sentence: str = "") -> Evidence:
    """A passage of a textbook, found by its words."""
    record = Record(f"passage-{number}", "book", "passage", "textbook", report=text)
    similarities = {"textbook text→text": words}
    return Evidence(number, Hit(record, 1.0 / number, {"textbook text→text": number}, similarities, sentence or text))


def figure(number: int, caption: str, mention: str, *, words: float = 0.8) -> Evidence:
    """A figure of a textbook with a paragraph that mentions it."""
    record = Record(f"figure-{number}", "book", "figure", "textbook", caption=caption, mentions=(mention,))
    similarities = {"textbook text→text": words}
    return Evidence(number, Hit(record, 1.0 / number, {"textbook text→text": number}, similarities, caption))


def records(evidence: Sequence[Evidence]) -> list[Record]:
    return [item.record for item in evidence]
