"""What every fusion takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["Fused", "Fusion", "Ranked"]

Fused = list[tuple[int, float]]
"""Records with their scores above zero, best first; equal scores by number, so that results are reproducible."""


class Ranked(Protocol):
    """One ranked list: its records, best first, their scores, and how much it counts."""

    @property
    def domain(self) -> str:
        """Of the records."""
        ...

    @property
    def name(self) -> str:
        """The domain and the sides that are compared."""
        ...

    @property
    def weight(self) -> float:
        """How much it counts among the lists of its domain; one of weight 0 is as if it were not there."""
        ...

    @property
    def share(self) -> float:
        """How many places its domain has for one of the likeliest domain's, 0…1."""
        ...

    @property
    def records(self) -> tuple[int, ...]:
        """Numbers of records."""
        ...

    @property
    def scores(self) -> tuple[float, ...]:
        """Cosines, or BM25 scores; comparable within this list alone."""
        ...


class Fusion(Protocol):
    """Makes one ranked list of several. A list that is missing or empty changes nothing about the others' records."""

    @property
    def name(self) -> str:
        """The name by which settings choose it."""
        ...

    def fuse(self, lists: Sequence[Ranked]) -> Fused:
        """The records of all lists, best first."""
        ...


def best_first(scores: dict[int, float]) -> Fused:
    """Records of a score above zero, best first, equal ones by number."""
    return sorted(((item, score) for item, score in scores.items() if score > 0), key=lambda pair: (-pair[1], pair[0]))
