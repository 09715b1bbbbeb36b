"""Several ranked lists into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["CONSTANT", "reciprocal_rank_fusion"]

CONSTANT = 60.0
"""How slowly the weight of a rank falls."""


def reciprocal_rank_fusion(
    lists: Mapping[str, Sequence[int]], weights: Mapping[str, float] | None = None, constant: float = CONSTANT
) -> list[tuple[int, float]]:
    """Score each item Σ weight / (constant + rank) over the lists that hold it (Cormack et al., SIGIR 2009).

    Args:
        lists: Items of each list, best first; ranks count from 1.
        weights: Of lists by name; 1 where not given.
        constant: How slowly the weight of a rank falls.

    Returns:
        Items with their scores, best first; equal scores by item, so that results are reproducible.

    >>> reciprocal_rank_fusion({"a": [7, 8], "b": [8]})[0][0]
    8
    """
    scores: dict[int, float] = {}
    for name, items in lists.items():
        weight = 1.0 if weights is None else weights.get(name, 1.0)
        for rank, item in enumerate(items, 1):
            scores[item] = scores.get(item, 0.0) + weight / (constant + rank)
    return sorted(((item, score) for item, score in scores.items() if score > 0), key=lambda pair: (-pair[1], pair[0]))
