"""Calibrated relevance: is the fitted probability that a hit is right closer to the truth than the mean?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrievers.calibration.judging import Row, judged, too_few
from retrievers.calibration.values import Part
from retrievers.found import Hit
from retrievers.relevance import RelevanceModel, features_of, fit_relevance

__all__ = ["HitsJudged", "fit_domain_relevance"]

_BINS = 15


@dataclass(frozen=True)
class HitsJudged:
    """The features (hits, features) of one question's cases, and which of them are right (hits,)."""

    patient: str
    features: NDArray[np.float64]
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, patient: str, hits: Sequence[Hit], right: Sequence[bool]) -> HitsJudged | None:
        """From the hits of a search; None where there are none."""
        if not hits:
            return None
        features = np.array([features_of(hit.similarities, hit.score) for hit in hits])
        return cls(patient, features, np.array(right, bool))


def fit_domain_relevance(
    domain: str, group: str, fitting: Sequence[HitsJudged], judging: Sequence[HitsJudged], *, seed: int = 0
) -> tuple[Part, RelevanceModel | None]:
    """A logistic model fitted on some patients' questions, judged by its Brier score against the mean share of others.

    Args:
        domain: For the table.
        group: "picture" or "words".
        fitting: Questions that fit it.
        judging: Questions that judge it.
        seed: Of the bootstrap.
    """
    row = Row(f"relevance, {group}", domain, "Brier score")
    patients = [one.patient for one in judging]
    short = too_few(row, [one.patient for one in fitting], patients)
    if short is not None:
        return short, None
    model = fit_relevance(np.vstack([one.features for one in fitting]), np.concatenate([one.right for one in fitting]))
    share = float(np.concatenate([one.right for one in fitting]).mean())
    said = [np.array([model.probability(row) for row in one.features]) for one in judging]
    before = np.array([((share - one.right) ** 2).mean() for one in judging])
    after = np.array([((p - one.right) ** 2).mean() for p, one in zip(said, judging, strict=True)])
    error = _calibration_error(np.concatenate(said), np.concatenate([one.right for one in judging]))
    notes = {"ECE": round(error, 4), "share relevant": round(share, 3)}
    part = judged(row, "logistic", before, after, patients, seed=seed, losses=True, notes=notes)
    return part, model if part.kept else None


def _calibration_error(said: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Expected calibration error over 15 equal bins."""
    bins = np.minimum((said * _BINS).astype(int), _BINS - 1)
    return float(sum(abs((said - right)[bins == one].sum()) for one in range(_BINS)) / len(said))
