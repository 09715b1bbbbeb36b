"""One question and what has become of it so far, and how each event of the answer changes that."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from app.answers import Answer, DomainSeen, Done, Event, Evidence, EvidenceChosen, Stage, TextPiece, Turn
from corpora.records import Region
from retrievers.found import DomainFound

__all__ = ["Exchange", "Marked", "Upload", "after", "failed", "stopped"]

State = Literal["asking", "done", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that the person gave: its bytes as they came, and a small JPEG as a `data:` address.

    Whoever knows the `key` may see the picture; only pages of the browser that gave it are told.
    """

    data: bytes
    thumbnail: str
    key: str = field(default_factory=lambda: secrets.token_urlsafe(18), compare=False)


@dataclass(frozen=True, slots=True)
class Marked:
    """The part of a picture that is asked about.

    `of` names the picture, `thumbnail` is a `data:` address of it, small, with the part outlined.
    """

    of: str
    region: Region
    thumbnail: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, its pictures, how it was to be searched, and the answer as far as it has come.

    `carried` says that the pictures are those of the question before. `domain_asked` overrides the router;
    `corpora` restricts the search (None searches all). `marked` is the part of the first picture that is asked about.
    `selection` says how many of the hits were used and why;
    `read_as` is the question in plain English where it was not;
    `problem` is the sentence of a failed exchange. Whoever knows the `key` may ask for more of it.
    """

    question: str
    uploads: tuple[Upload, ...] = ()
    carried: bool = False
    domain_asked: str | None = None
    corpora: tuple[str, ...] | None = None
    marked: Marked | None = None
    state: State = "asking"
    stage: str = ""
    domain: DomainFound | None = None
    evidence: tuple[Evidence, ...] = ()
    selection: str = ""
    read_as: str = ""
    text: str = ""
    answer: Answer | None = None
    problem: str = ""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(18), compare=False)

    @property
    def pictures(self) -> tuple[bytes, ...]:
        """The pictures given with this very question."""
        return () if self.carried else tuple(upload.data for upload in self.uploads)

    def history(self, earlier: Iterable[Exchange]) -> list[Turn]:
        """The answered ones of those before it, as its context."""
        return [item.turn(pictured=self.carried) for item in earlier if item.answer]

    def turn(self, *, pictured: bool) -> Turn:
        """This exchange as context for the next question, with its pictures where that is about them."""
        images = tuple(upload.data for upload in self.uploads) if pictured else ()
        return Turn(self.question, self.answer.text if self.answer else self.text, images)

    @property
    def region(self) -> Region | None:
        """The part of the first picture that is asked about, in its pixels."""
        return self.marked.region if self.marked else None

    @property
    def size(self) -> int:
        """How many bytes its pictures take."""
        return sum(len(upload.data) + len(upload.thumbnail) for upload in self.uploads)

    def again(self, domain: str | None = None) -> Exchange:
        """The same question, unanswered, to be asked once more, perhaps in another domain."""
        return Exchange(self.question, self.uploads, self.carried, domain, self.corpora, self.marked)


def after(exchange: Exchange, event: Event) -> Exchange:
    """The exchange once the event has happened."""
    match event:
        case Stage(text):
            return replace(exchange, stage=text)
        case DomainSeen(domain):
            return replace(exchange, domain=domain)
        case EvidenceChosen(evidence, selection, read_as):
            return replace(exchange, evidence=evidence, selection=selection.reason, read_as=read_as)
        case TextPiece(text):
            return replace(exchange, text=exchange.text + text, stage="")
        case Done(answer):
            return replace(
                exchange,
                state="done",
                stage="",
                answer=answer,
                domain=answer.domain,
                evidence=answer.evidence,
                selection=answer.selection or exchange.selection,
                text=answer.text,
            )


def failed(exchange: Exchange, problem: str) -> Exchange:
    """The exchange ended by an error; what had arrived is kept."""
    return replace(exchange, state="failed", stage="", problem=problem)


def stopped(exchange: Exchange) -> Exchange:
    """The exchange ended by the person; what had arrived is kept."""
    return replace(exchange, state="stopped", stage="")
