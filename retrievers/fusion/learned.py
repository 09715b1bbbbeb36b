"""Fusion with weights that a home's own pairs taught: a conditional logit over standardised scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retrievers.fusion.base import Fused, Ranked, best_first
from retrievers.fusion.standardised import standardised

__all__ = ["LearnedWeights", "fit_learned_weights"]

Numbers = NDArray[np.float64]

_PENALTY = 1e-2
_LEAST = 1e-3


@dataclass(frozen=True)
class LearnedWeights:
    """Σ share · learned weight · standardised score.

    The three scalars of MR-RAG (Q. Sun et al. 2025) over all our lists, words included. `weights` by domain, then by
    the sides of a list ("image→image"); where nothing was learned the list's own weight counts.
    """

    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    name: str = "learned"

    def fuse(self, lists: Sequence[Ranked]) -> Fused:
        """The records of all lists, best first."""
        fused: dict[int, float] = {}
        for one in lists:
            sides = one.name.removeprefix(f"{one.domain} ")
            weight = one.weight * self.weights.get(one.domain, {}).get(sides, 1.0)
            for record, value in zip(one.records, standardised(one.scores).tolist(), strict=True):
                fused[record] = fused.get(record, 0.0) + weight * value
        return best_first(fused)


def fit_learned_weights(questions: Sequence[tuple[Numbers, NDArray[np.bool_]]]) -> Numbers:
    """Weights (lists,) ≥ 0 that make right candidates likelier than wrong ones (multi-positive InfoNCE).

    Minimises −log Σ_right exp(w·x) / Σ_all exp(w·x), averaged over questions, with a small penalty towards equal
    weights. The temperature of InfoNCE is the length of w, so the result is scaled to a mean of 1.

    Args:
        questions: For each the standardised scores (candidates, lists) of all candidates, and which are right. Those
            without a right or without a wrong candidate say nothing.
    """
    from scipy.optimize import minimize

    useful = [(x, right) for x, right in questions if right.any() and not right.all()]
    if not useful:
        return np.ones(questions[0][0].shape[1] if questions else 0)
    count = useful[0][0].shape[1]

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        total, slope = 0.0, np.zeros(count)
        for x, right in useful:
            logits = x @ weights
            everything, chosen = _softmax(logits), _softmax(np.where(right, logits, -np.inf))
            total += _log_sum(logits) - _log_sum(logits[right])
            slope += (everything - chosen) @ x
        apart = weights - weights.mean()
        return total / len(useful) + _PENALTY * float(apart @ apart), slope / len(useful) + 2 * _PENALTY * apart

    found = minimize(loss, np.full(count, 0.5), jac=True, method="L-BFGS-B", bounds=[(0.0, 20.0)] * count)
    weights = np.asarray(found.x, np.float64)
    return weights / weights.mean() if weights.mean() > _LEAST else np.ones(count)


def _log_sum(logits: Numbers) -> float:
    top = float(logits.max())
    return top + float(np.log(np.exp(logits - top).sum()))


def _softmax(logits: Numbers) -> Numbers:
    exponent = np.exp(logits - logits.max())
    return np.asarray(exponent / exponent.sum(), np.float64)
