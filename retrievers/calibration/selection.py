"""The threshold of the policy `ratio`: does cutting by scores beat a fixed number at the same mean number?

A rule that keeps fewer hits has better precision for that alone, so it is compared with a fixed k that keeps as many on
average: the first k hits, k between two whole numbers by interpolation. A published gap rule fired on none of 299
questions; the share of questions on which the rule cuts is therefore told beside the gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrievers.calibration.judging import Row, judged, refused, too_few
from retrievers.calibration.values import Part
from retrievers.selection import TopRatio

__all__ = ["MOST", "Judged", "fit_ratio"]

MOST = 12
"""Hits that are looked at: as many as a context may hold."""

_RATIOS = tuple(round(float(value), 3) for value in np.geomspace(1.02, 6.0, 40))
_LEAST_MEAN = MOST / 2  # how much context there is, is for the settings to say: a threshold only moves it about

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """The cases found by one question, best first: their scores, and which of them are right."""

    patient: str
    scores: tuple[float, ...]
    right: tuple[bool, ...]

    def kept(self, ratio: float) -> tuple[int, int, bool]:
        """How many are kept, how many of those are right, and whether the rule cut anything."""
        most = min(MOST, len(self.scores))
        kept = TopRatio(ratio).select(self.scores, most).kept
        return kept, sum(self.right[:kept]), kept < most

    def fixed(self, k: float) -> float:
        """Right ones among the first k, between whole numbers by interpolation."""
        whole = int(k)
        return sum(self.right[:whole]) + (k - whole) * sum(self.right[whole : whole + 1])


def fit_ratio(
    fitting: Sequence[Judged], judging: Sequence[Judged], present: float = TopRatio().ratio, *, seed: int = 0
) -> tuple[Part, float | None]:
    """The ratio of largest gain over a fixed k that keeps as many on average.

    Args:
        fitting: Questions that choose the ratio.
        judging: Questions that judge it.
        present: The ratio of the settings, whose figures are told beside.
        seed: Of the bootstrap.

    Returns:
        The part (the measure is the share of what is kept that is right), and the ratio where it is kept.
    """
    row = Row("selection, ratio", "all", "precision at equal mean k")
    patients = [one.patient for one in judging]
    short = too_few(row, [one.patient for one in fitting], patients)
    if short is not None:
        return short, None
    gains = [_gain(fitting, ratio) for ratio in _RATIOS]
    best = _RATIOS[int(np.argmax(gains))]
    if max(gains) <= 0:
        return refused(row, "no threshold beats a fixed number on the fitting patients"), None
    fixed, ruled, mean, fired = _compared(judging, best)
    now_fixed, now_ruled, now_mean, now_fired = _compared(judging, present)
    notes = {
        "mean k": round(mean, 2),
        "fire rate": round(fired, 3),
        f"mean k at {present:g}": round(now_mean, 2),
        f"fire rate at {present:g}": round(now_fired, 3),
        f"gain at {present:g}": round(float((now_ruled - now_fixed).mean()), 4),
    }
    part = judged(row, f"ratio {best:g}", fixed, ruled, patients, seed=seed, notes=notes)
    return part, best if part.kept else None


def _compared(asked: Sequence[Judged], ratio: float) -> tuple[Numbers, Numbers, float, float]:
    """Right ones a question by fixed k and by the rule, both over the mean number kept; that number; the fire rate."""
    outcomes = [one.kept(ratio) for one in asked]
    mean = float(np.mean([kept for kept, _, _ in outcomes]))
    if mean == 0:
        return np.zeros(len(asked)), np.zeros(len(asked)), 0.0, 0.0
    fixed = np.array([one.fixed(mean) for one in asked]) / mean
    ruled = np.array([right for _, right, _ in outcomes]) / mean
    return fixed, ruled, mean, float(np.mean([fired for _, _, fired in outcomes]))


def _gain(asked: Sequence[Judged], ratio: float) -> float:
    fixed, ruled, mean, _ = _compared(asked, ratio)
    return float((ruled - fixed).mean()) if mean >= _LEAST_MEAN else -1.0
