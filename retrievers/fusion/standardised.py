"""Fusion of standardised scores: how far a record stands out of its list counts, not only its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrievers.fusion.base import Fused, Ranked, best_first

__all__ = ["StandardisedScores", "standardised"]


@dataclass(frozen=True, slots=True)
class StandardisedScores:
    """Σ weight · (score − the list's last score) / its standard deviation.

    Cosines of different sides, and BM25, have different places and spreads; in units of their own list's spread they
    are comparable. A record that a list does not hold counts as its last one, 0.
    """

    name: str = "standardised"

    def fuse(self, lists: Sequence[Ranked]) -> Fused:
        """The records of all lists, best first."""
        fused: dict[int, float] = {}
        for one in lists:
            for record, value in zip(one.records, standardised(one.scores).tolist(), strict=True):
                fused[record] = fused.get(record, 0.0) + one.weight * value
        return best_first(fused)


def standardised(scores: Sequence[float]) -> NDArray[np.float64]:
    """Scores (n,) of one list in units of its standard deviation above its last, which is just above 0.

    A list of one record, or of equal scores, stands out by one unit.

    >>> standardised([0.9, 0.5, 0.1]).round(2).tolist()
    [2.45, 1.22, 0.0]
    """
    values = np.asarray(scores, np.float64)
    if not len(values):
        return values
    spread = float(values.std())
    if spread < _FLAT:
        return np.ones(len(values))
    return np.asarray((values - values.min()) / spread + _LAST, np.float64)


_FLAT = 1e-9
_LAST = 1e-6  # so that the last record of a list is still found
