"""Several domains in one ranked list: each has as many places as its share allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrievers.fusion.base import Fused, Fusion, Ranked, best_first

__all__ = ["fused_by_shares"]

_BEHIND = 1 - 1e-6  # of two at one place the likelier domain's record comes first


def fused_by_shares(fusion: Fusion, lists: Sequence[Ranked]) -> Fused:
    """The lists fused, the likeliest domain's first among them.

    Domains of share 1 are fused together. The record at place n of a domain of share s scores as the likeliest domain's
    record at place n / s: one of half the share has a place for every two of the likeliest (D'Hondt's rule). Its own
    scores would not tell: where few records are in several lists, they agree more easily than where many are.

    >>> class One:
    ...     def __init__(self, domain, records, share):
    ...         self.domain, self.name, self.records, self.share = domain, f"{domain} words", records, share
    ...         self.weight, self.scores = 1.0, tuple(range(len(records), 0, -1))
    >>> from retrievers.fusion.reciprocal_rank import ReciprocalRank
    >>> lists = [One("ultrasound", (1, 2, 3, 4), 1.0), One("radiology", (8, 9), 0.5)]
    >>> [record for record, _ in fused_by_shares(ReciprocalRank(), lists)]
    [1, 2, 8, 3, 4, 9]
    """
    certain = fusion.fuse([one for one in lists if one.share >= 1])
    unlikely = dict.fromkeys(one.domain for one in lists if 0 < one.share < 1)
    if not unlikely:
        return certain
    scores = dict(certain)
    ladder = np.array([score for _, score in fusion.fuse([one for one in lists if one.domain == lists[0].domain])])
    for name in unlikely:
        mine = [one for one in lists if one.domain == name]
        for place, (record, score) in enumerate(fusion.fuse(mine), 1):
            share = mine[0].share
            scores[record] = _BEHIND * (_at(place / share, ladder) if len(ladder) else score * share)
    return best_first(scores)


def _at(place: float, ladder: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """The score at a place (from 1) between those of a ranked list, falling on behind its end."""
    last = len(ladder)
    return float(np.interp(place, np.arange(1, last + 1), ladder)) * min(1.0, last / place)
