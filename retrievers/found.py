"""What a search returns, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from corpora.records import Record
from retrievers.timeline import Timeline
from retrievers.understanding import Understood

__all__ = ["DomainFound", "Found", "Hit", "Selection"]


@dataclass(frozen=True, slots=True)
class DomainFound:
    """Which domain a question belongs to.

    `name` is None when the question is out of every domain; `searched` are the domains whose lists were
    read; `reason` says in a sentence how it was decided.
    """

    name: str | None
    probability: float
    posterior: Mapping[str, float] = field(default_factory=dict)
    searched: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found, and why.

    `ranks` and `similarities` have one entry a list that found it ("radiology image→image": 1);
    ranks count from 1, similarities are cosines (BM25 scores in lexical lists). `sentence` is the sentence of its
    text nearest to the question, `duplicates` the ids of near-identical records folded into this hit ("also seen in").
    `confusable` are ids of records that look like it and show something else. A hit that came along as the neighbour of
    another one says so: `relation` is how it stands to the record `neighbour_of`; it has no ranks of its own.
    `relevance` is the calibrated probability that it is relevant, None where the home has no calibration of it;
    `picture` the number of its picture (from 0) that the question's picture is nearest to.
    """

    record: Record
    score: float
    ranks: Mapping[str, int]
    similarities: Mapping[str, float]
    sentence: str = ""
    duplicates: tuple[str, ...] = ()
    relevance: float | None = None
    picture: int = 0
    confusable: tuple[str, ...] = ()
    relation: str = ""
    neighbour_of: str = ""

    def similarity(self, sides: str) -> float | None:
        """The best similarity among lists of these sides ("image→image"), or None."""
        values = [value for name, value in self.similarities.items() if name.endswith(sides)]
        return max(values, default=None)


@dataclass(frozen=True, slots=True)
class Selection:
    """How many of the candidates were kept as context, by which policy, and why, in a sentence."""

    policy: str
    kept: int
    candidates: int
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """The result of one search: hits best first, the domain, and how the context was chosen.

    `index` names the index version that answered, `encoders` the fingerprints by spec, `calibration` the digest of the
    home's calibration that was in force, empty where none was. `asked` is the question as it was understood, `timeline`
    the earlier studies of the question's patient, None where it names none. `reordered` says that the order of the hits
    is not that of their scores, since the question or a re-ranking asked for another.
    """

    hits: tuple[Hit, ...]
    domain: DomainFound
    selection: Selection
    index: str = ""
    encoders: Mapping[str, str] = field(default_factory=dict)
    calibration: str = ""
    asked: Understood | None = None
    timeline: Timeline | None = None
    reordered: bool = False

    @property
    def selected(self) -> tuple[Hit, ...]:
        """The hits chosen as context."""
        return self.hits[: self.selection.kept]
