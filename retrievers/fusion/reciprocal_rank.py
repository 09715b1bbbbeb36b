"""Reciprocal rank fusion: only the places in the lists count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrievers.fusion.base import Fused, Ranked, best_first

__all__ = ["CONSTANT", "ReciprocalRank", "reciprocal_rank_fusion"]

CONSTANT = 60.0
"""How slowly the weight of a rank falls."""


@dataclass(frozen=True, slots=True)
class ReciprocalRank:
    """Σ weight / (constant + rank), the default: it needs no fit, and scores of different sides never meet."""

    constant: float = CONSTANT
    name: str = "reciprocal-rank"

    def fuse(self, lists: Sequence[Ranked]) -> Fused:
        """The records of all lists, best first."""
        return reciprocal_rank_fusion(
            {one.name: one.records for one in lists}, {one.name: one.weight for one in lists}, self.constant
        )


def reciprocal_rank_fusion(
    lists: Mapping[str, Sequence[int]], weights: Mapping[str, float] | None = None, constant: float = CONSTANT
) -> Fused:
    """Score each item Σ weight / (constant + rank) over the lists that hold it (Cormack et al., SIGIR 2009).

    Args:
        lists: Items of each list, best first; ranks count from 1.
        weights: Of lists by name; 1 where not given.
        constant: How slowly the weight of a rank falls.

    >>> reciprocal_rank_fusion({"a": [7, 8], "b": [8]})[0][0]
    8
    """
    scores: dict[int, float] = {}
    for name, items in lists.items():
        weight = 1.0 if weights is None else weights.get(name, 1.0)
        for rank, item in enumerate(items, 1):
            scores[item] = scores.get(item, 0.0) + weight / (constant + rank)
    return best_first(scores)
