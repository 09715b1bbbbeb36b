"""Near-identical records folded into the best of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpora.records import Record
from indexing.opened import OpenedIndex

__all__ = ["Collapsing", "collapse"]

_SAME = 0.985


class Collapsing:
    """Takes records best first and keeps one of each near-identical group. For one search, on one thread.

    Two records are one when they hold the same picture, or lie closer than a cosine of 0.985 with the same text,
    labels and patient kept apart: studies of one patient on different days always stay.
    """

    def __init__(self, index: OpenedIndex) -> None:
        self._index = index
        self.kept: list[tuple[Record, float, list[Record]]] = []
        """Each record that stays, its score, and those folded into it."""

    def add(self, record: Record, score: float = 0.0) -> None:
        """Keep the record, or fold it into one that is kept."""
        twins = next((twins for other, _, twins in self.kept if _same(record, other, self._index)), None)
        if twins is None:
            self.kept.append((record, score, []))
        else:
            twins.append(record)


def collapse(ranked: Sequence[Record], index: OpenedIndex) -> list[tuple[Record, list[Record]]]:
    """Each record that stays, with those folded into it, in the given order."""
    collapsing = Collapsing(index)
    for record in ranked:
        collapsing.add(record)
    return [(record, twins) for record, _, twins in collapsing.kept]


def _same(one: Record, other: Record, index: OpenedIndex) -> bool:
    if one.kind != other.kind or one.domain != other.domain:
        return False
    if one.patient and (one.corpus, one.patient) == (other.corpus, other.patient) and one.day != other.day:
        return False
    if one.pictures and other.pictures:
        if {picture.digest for picture in one.pictures} & {picture.digest for picture in other.pictures}:
            return True
        return set(one.labels) == set(other.labels) and _near(one, other, index, "image")
    if one.kind == "passage":
        return one.text == other.text or _near(one, other, index, "sentence")
    return False


def _near(one: Record, other: Record, index: OpenedIndex, side: str) -> bool:
    opened = index.sides.get((one.domain, side))
    if opened is None:
        return False
    first, second = opened.vector(one.uid), opened.vector(other.uid)
    return first is not None and second is not None and bool(np.dot(first, second) > _SAME)
