"""Questions with their context, and answers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from corpora.records import Record
from retrievers.found import DomainFound, Hit, Selection
from retrievers.query import ImageSource

__all__ = [
    "DISCLAIMER",
    "Answer",
    "DomainSeen",
    "Done",
    "Event",
    "Evidence",
    "EvidenceChosen",
    "Stage",
    "Stance",
    "TextPiece",
    "Turn",
    "Verdict",
]

Verdict = Literal["yes", "no", "uncertain", "abstained", "free"]
Stance = Literal["supports", "refutes", "background"]

DISCLAIMER = "Research use, not a medical device."


@dataclass(frozen=True, slots=True)
class Evidence:
    """A hit chosen as context, under the number by which the answer cites it (from 1)."""

    number: int
    hit: Hit
    stance: Stance = "background"

    @property
    def record(self) -> Record:
        """The record behind the number."""
        return self.hit.record


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier question of a conversation, its pictures, and its answer."""

    question: str
    answer: str
    images: tuple[ImageSource, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the assistant says, and everything needed to check it.

    `verdict` is `free` for open questions. `confidence` lies in 0…1. `unsupported` are sentences that the
    cited evidence does not contain. The same `manifest` on the same home gives the same answer.
    """

    text: str
    verdict: Verdict
    confidence: float
    domain: DomainFound
    evidence: tuple[Evidence, ...]
    selection: str = ""
    unsupported: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    disclaimer: str = DISCLAIMER


@dataclass(frozen=True, slots=True)
class Stage:
    """What is being done now, in words for the person who waits ("searching radiology")."""

    text: str


@dataclass(frozen=True, slots=True)
class DomainSeen:
    """The domain was decided."""

    domain: DomainFound


@dataclass(frozen=True, slots=True)
class EvidenceChosen:
    """The context was chosen; pictures can be shown before the text begins.

    `read_as` is the question in plain English where it was misspelt, abbreviated or in another language, else empty.
    """

    evidence: tuple[Evidence, ...]
    selection: Selection
    read_as: str = ""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The whole answer; always the last event. Its text replaces the pieces: unsupported claims are marked in it."""

    answer: Answer


Event: TypeAlias = Stage | DomainSeen | EvidenceChosen | TextPiece | Done
