"""How likely a hit is relevant: a logistic model of what its lists say, fitted on a home's own cases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from retrievers.found import Hit

__all__ = ["FEATURES", "RelevanceModel", "carried", "features_of", "fit_relevance"]

Numbers = NDArray[np.float64]

_DENSE = ("image→image", "image→text", "text→text", "text→image")
FEATURES = (*_DENSE, *(f"in {sides}" for sides in _DENSE), "in words", "log score")
"""What the model sees of a hit: cosines (0 where a list has not found it), which lists found it, the fused score."""

_PENALTY = 1.0


@dataclass(frozen=True, slots=True)
class RelevanceModel:
    """P(relevant) = σ(bias + weights · (features − mean) / scale); all of `FEATURES`' length."""

    weights: tuple[float, ...]
    bias: float
    mean: tuple[float, ...]
    scale: tuple[float, ...]

    def probability(self, features: Sequence[float]) -> float:
        """Of one hit, strictly between 0 and 1."""
        total = self.bias + sum(
            weight * (value - mean) / scale
            for weight, value, mean, scale in zip(self.weights, features, self.mean, self.scale, strict=True)
        )
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def features_of(similarities: Mapping[str, float], score: float) -> tuple[float, ...]:
    """The features (len(FEATURES),) of a hit, from its similarities by list name and its fused score."""
    best = {sides: [value for name, value in similarities.items() if name.endswith(sides)] for sides in _DENSE}
    return (
        *(max(best[sides], default=0.0) for sides in _DENSE),
        *(float(bool(best[sides])) for sides in _DENSE),
        float(any(name.endswith(" words") for name in similarities)),
        math.log(max(score, 1e-9)),
    )


def fit_relevance(features: Numbers, relevant: NDArray[np.bool_]) -> RelevanceModel:
    """The model of largest penalised likelihood.

    Args:
        features: (n, len(FEATURES)).
        relevant: (n,).
    """
    from scipy.optimize import minimize

    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale < 1e-9, 1.0, scale)
    x = (features - mean) / scale
    sign = np.where(relevant, 1.0, -1.0)

    def loss(values: Numbers) -> tuple[float, Numbers]:
        margin = sign * (x @ values[:-1] + values[-1])
        pull = -sign / (1.0 + np.exp(np.clip(margin, -30, 30)))
        slope = np.append(x.T @ pull + _PENALTY * values[:-1], pull.sum())
        return float(np.logaddexp(0.0, -margin).sum() + 0.5 * _PENALTY * values[:-1] @ values[:-1]), slope

    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B")
    weights = tuple(float(value) for value in found.x[:-1])
    return RelevanceModel(weights, float(found.x[-1]), tuple(mean.tolist()), tuple(scale.tolist()))


def carried(hits: Sequence[Hit]) -> list[float] | None:
    """What a selection policy sees of each hit: its relevance, or in a home without models the fused score.

    Only cases are judged by labels, so only they have a relevance; a text among them, and what came along with a hit,
    counts as the case before it, and so never cuts a context by itself. None where some cases have a relevance and
    others none: two scales in one list mean nothing.
    """
    found = [hit for hit in hits if hit.record.kind == "case" and not hit.relation]
    known = [hit.relevance for hit in found if hit.relevance is not None]
    if not known:
        return [hit.score for hit in hits]
    if len(known) < len(found):
        return None
    values, last = [], known[0]
    for hit in hits:
        last = hit.relevance if hit.relevance is not None and not hit.relation else last
        values.append(last)
    return values
