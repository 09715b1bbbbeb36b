"""Maximal marginal relevance: what adds something comes before what repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError
from indexing.opened import OpenedIndex
from retrievers.found import Hit
from retrievers.query import Query

__all__ = ["Diversity"]


@dataclass(frozen=True, slots=True)
class Diversity:
    """Takes in turn the hit of largest share · relevance − (1 − share) · likeness to those taken (Carbonell 1998).

    Relevance is the score over the best score; likeness the cosine of two records' pictures, or of their texts where
    one has no picture; records of two domains are not alike.

    Raises:
        InputError: share is not between 0 and 1.
    """

    share: float = 0.7

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise InputError(f"The share of relevance is {self.share:g}; it must lie between 0 and 1.")

    @property
    def name(self) -> str:
        """The spec."""
        return f"mmr:{self.share:g}"

    def rerank(self, query: Query, hits: Sequence[Hit], index: OpenedIndex) -> list[Hit]:
        """The hits, the best one first, then those that add most."""
        if len(hits) < 3:
            return list(hits)
        worth = np.array([hit.score for hit in hits]) / max(hits[0].score, 1e-12)
        alike = _likeness(hits, index)
        left, taken = list(range(1, len(hits))), [0]
        while left:
            gain = self.share * worth[left] - (1 - self.share) * alike[np.ix_(left, taken)].max(axis=1)
            taken.append(left.pop(int(np.argmax(gain))))
        return [hits[number] for number in taken]


def _likeness(hits: Sequence[Hit], index: OpenedIndex) -> NDArray[np.float32]:
    """Cosines (n, n) between records, at least 0."""
    alike = np.zeros((len(hits), len(hits)), np.float32)
    for side in ("sentence", "image"):  # pictures last: they outweigh
        for domain in {hit.record.domain for hit in hits}:
            opened = index.sides.get((domain, side))
            if opened is None:
                continue
            found = [
                (row, vector)
                for row, hit in enumerate(hits)
                if hit.record.domain == domain and (vector := opened.vector(hit.record.uid)) is not None
            ]
            if found:
                rows, vectors = [row for row, _ in found], np.stack([vector for _, vector in found])
                alike[np.ix_(rows, rows)] = np.maximum(vectors @ vectors.T, 0.0)
    return alike
