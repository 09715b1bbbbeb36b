"""The ranked lists of one domain: which sides are compared, and what each finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.domains import TEXTBOOK
from indexing.encoders import Encoder, EncoderPlan, open_encoder
from indexing.opened import OpenedIndex, OpenedSide
from indexing.vectors import IdFilter
from retrievers.calibration.values import DomainCalibration
from retrievers.query import Query

__all__ = ["LIST_WEIGHTS", "THE_SAME", "Lists", "RankedList"]

THE_SAME = 0.995
"""Cosine of pictures from which they are one picture, twice encoded or stored."""

Vectors = NDArray[np.float32]

LIST_WEIGHTS: Mapping[str, float] = {
    "image→image": 1.0,
    "image→text": 0.5,
    "text→text": 1.0,
    "text→image": 0.5,
    "words": 1.0,
}
"""What a list counts by the sides that it compares, where no calibration says otherwise."""

_TEXTBOOK_WEIGHTS: Mapping[str, float] = {"text→image": 0.1}
"""Of textbooks, where they differ: a figure is found by its caption rather than by what it looks like."""

_DEPTH = 50
_WIDER = 4
# Whether a record is in the list of words at all counts more than any place, so that list weighs next to nothing.
_BESIDE_A_PICTURE: Mapping[str, float] = {"text→text": 0.15, "text→image": 0.15, "words": 0.02}
_PLAIN = DomainCalibration()


@dataclass(frozen=True)
class RankedList:
    """Records found by one list, best first: numbers, similarities, and which part of each matched.

    `weight` is how much it counts among the lists of its domain, `share` how many places the domain has for one of the
    likeliest domain's.
    """

    domain: str
    name: str
    weight: float
    records: tuple[int, ...]
    scores: tuple[float, ...]
    parts: tuple[int, ...]
    share: float = 1.0


class Lists:
    """Runs the lists of one opened index. Safe from several threads."""

    def __init__(
        self,
        index: OpenedIndex,
        plan: EncoderPlan,
        device: str,
        folder: Path,
        calibrated: Mapping[str, DomainCalibration] | None = None,
    ) -> None:
        self._index, self._plan, self._device, self._folder = index, plan, device, folder
        self._calibrated = calibrated or {}

    def encoders(self, domain: str) -> tuple[Encoder, Encoder]:
        """The joint and the sentence encoder of a domain, both checked against the index."""
        joint = open_encoder(self._plan.joint_spec(domain), self._device, self._folder, self._plan.licences)
        sentence = open_encoder(self._plan.sentence, self._device, self._folder, self._plan.licences)
        self._index.require(sentence)
        return self._index.joint(domain, joint), sentence

    def run(
        self, query: Query, text: str, domain: str, allow: IdFilter | None, depth: int | None = None
    ) -> Iterator[RankedList]:
        """Every list that the question's sides and the domain's sides allow; `text` is what its words are read as.

        A picture decides which cases are near, so beside pictures the lists that compare a question's *words* with
        cases weigh little: "Is there an effusion?" must not prefer the cases whose reports talk of one. Words that
        describe (`query.question` is False) count in full.
        """
        depth = depth or _DEPTH
        joint, sentence = self.encoders(domain)
        own = self._calibrated.get(domain, _PLAIN)
        asking = query.pictures and query.question is not False and domain != TEXTBOOK
        usual: Mapping[str, float] = _TEXTBOOK_WEIGHTS if domain == TEXTBOOK else {}
        beside: Mapping[str, float] = _BESIDE_A_PICTURE if asking else {}

        def weight(sides: str) -> float:
            return own.weights.get(sides, usual.get(sides, LIST_WEIGHTS[sides])) * beside.get(sides, 1.0)

        if query.pictures:
            vectors = joint.encode_images(query.pictures)
            yield from self._dense(domain, "image", "image→image", vectors, allow, weight("image→image"), depth)
            moved = own.towards_texts(vectors)
            yield from self._dense(domain, "text", "image→text", moved, allow, weight("image→text"), depth)
        if text:
            said, meant = joint.encode_texts([text]), sentence.encode_texts([text])
            yield from self._dense(domain, "sentence", "text→text", meant, allow, weight("text→text"), depth)
            moved = own.towards_images(said)
            yield from self._dense(domain, "image", "text→image", moved, allow, weight("text→image"), depth)
            yield self._lexical(text, domain, allow, weight("words"), depth)

    def nearest_picture(self, query: Query, domain: str, allow: IdFilter | None) -> float:
        """The similarity of the domain's picture that is nearest to one of the question's; −1 where there is none."""
        opened = self._index.sides.get((domain, "image"))
        if not query.pictures or opened is None or not len(opened.ids):
            return -1.0
        vectors = self.encoders(domain)[0].encode_images(query.pictures)
        scores, ids = opened.index.search(vectors, 1, opened.entries(allow))
        return float(np.where(ids >= 0, scores, -1.0).max())

    def _dense(
        self, domain: str, side: str, sides: str, vectors: Vectors, allow: IdFilter | None, weight: float, depth: int
    ) -> Iterator[RankedList]:
        opened = self._index.sides.get((domain, side))
        if opened is None or not len(opened.ids):
            return
        scores, ids = opened.index.search(vectors, depth * _WIDER, opened.entries(allow))
        yield _best_of_records(f"{domain} {sides}", weight, opened, scores, ids, depth)

    def _lexical(self, text: str, domain: str, allow: IdFilter | None, weight: float, depth: int) -> RankedList:
        scores, records = self._index.lexical[domain].search(text, depth, allow)
        found = records >= 0
        kept, values = records[found].tolist(), scores[found].tolist()
        return RankedList(domain, f"{domain} words", weight, tuple(kept), tuple(values), (0,) * len(kept))


def _best_of_records(
    name: str, weight: float, side: OpenedSide, scores: Vectors, ids: NDArray[np.int64], depth: int
) -> RankedList:
    """Entries of all queries folded into records, each by its best entry."""
    found = np.flatnonzero(ids.ravel() >= 0)
    similar, rows = scores.ravel()[found], side.rows(ids.ravel()[found])
    nearest = np.argsort(-similar, kind="stable")
    records, best = np.unique(side.records[rows[nearest]], return_index=True)
    best = nearest[best]
    kept = best[np.lexsort((records, -similar[best]))[:depth]]
    return RankedList(
        side.manifest.domain,
        name,
        weight,
        tuple(side.records[rows[kept]].tolist()),
        tuple(round(score, 6) for score in similar[kept].tolist()),
        tuple(side.part(row) for row in rows[kept].tolist()),
    )
