"""Several ranked lists into one: by ranks, by standardised scores, or with learned weights."""

from __future__ import annotations

from corpora.errors import UnknownNameError
from retrievers.fusion.base import Fused, Fusion, Ranked
from retrievers.fusion.learned import LearnedWeights
from retrievers.fusion.quotas import with_quotas
from retrievers.fusion.reciprocal_rank import CONSTANT, ReciprocalRank, reciprocal_rank_fusion
from retrievers.fusion.shares import fused_by_shares
from retrievers.fusion.standardised import StandardisedScores

__all__ = [
    "CONSTANT",
    "Fused",
    "Fusion",
    "LearnedWeights",
    "Ranked",
    "ReciprocalRank",
    "StandardisedScores",
    "fused_by_shares",
    "fusion_method",
    "reciprocal_rank_fusion",
    "with_quotas",
]

_METHODS: dict[str, Fusion] = {
    "reciprocal-rank": ReciprocalRank(),
    "standardised": StandardisedScores(),
    "learned": LearnedWeights(),
}


def fusion_method(name: str) -> Fusion:
    """The fusion of that name; raises `UnknownNameError` with the known ones."""
    try:
        return _METHODS[name]
    except KeyError:
        raise UnknownNameError("fusion", name, _METHODS) from None
