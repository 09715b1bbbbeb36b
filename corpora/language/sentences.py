"""Sentences of a text, and those of a report that its picture can show."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["sentences", "visible_findings"]

_BOUNDARY = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])|\n+|(?<=;)\s+")
_ABBREVIATION = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|St|Fig|Figs|vs|approx|ca|No|cf|e\.g|i\.e|etc|al)\.$")
_LONGEST_ABBREVIATION = 8
_SECTION = re.compile(r"^[ \t]*([A-Z][A-Za-z &/]{2,30}):\s*", re.MULTILINE)
_HIDDEN_SECTIONS = {
    "history", "exam", "clinical", "clinical history", "indication", "differential diagnosis", "treatment",
    "discussion", "plan", "diagnosis by", "case diagnosis", "diagnosis", "follow up", "followup", "recommendation",
    "technique", "comparison",
}  # fmt: skip
_HIDDEN_SENTENCE = re.compile(
    r"\b(?:year[- ]old|history of|presents?|presented|presenting|complain\w*|patient (?:was|is|has|had|reports|denies)|"
    r"treated|treatment|admitted|follow[- ]?up|recommend\w*|surgery|biopsy|compared|comparison|prior|previous|"
    r"unchanged|interval|new since|days? (?:later|after|ago)|weeks? (?:later|after|ago))\b",
    re.IGNORECASE,
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, line breaks and semicolons ending one too.

    >>> sentences("No effusion. Seen by Dr. Who at 3.5 cm.")
    ['No effusion.', 'Seen by Dr. Who at 3.5 cm.']
    """
    found: list[list[str]] = []
    for piece in _BOUNDARY.split(text):
        piece = " ".join(piece.split())
        if not piece:
            continue
        if found and _ABBREVIATION.search(found[-1][-1][-_LONGEST_ABBREVIATION:]):
            found[-1].append(piece)
        else:
            found.append([piece])
    return [" ".join(pieces) for pieces in found]


def visible_findings(report: str) -> str:
    """The sentences of a report that a picture can show: no history, plan, comparison or diagnosis of record.

    >>> visible_findings("History: cough for 3 days. Findings: Right effusion. Compared with 2019 it is larger.")
    'Right effusion.'
    """
    kept: list[str] = []
    for title, body in _sections(report):
        if title in _HIDDEN_SECTIONS:
            continue
        kept.extend(sentence for sentence in sentences(body) if not _HIDDEN_SENTENCE.search(sentence))
    return " ".join(kept)


def _sections(report: str) -> Iterator[tuple[str, str]]:
    marked = re.sub(r"(?<=[.!?])\s+(?=[A-Z][A-Za-z &/]{2,30}:\s)", "\n", report)
    parts = _SECTION.split(marked)
    yield "", parts[0]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        yield " ".join(title.casefold().split()), body
