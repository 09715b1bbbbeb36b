"""The risk-controlled number of hits: the most for which the share of questions led astray is proved to be small."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrievers.calibration.selection import Judged
from retrievers.calibration.values import Part
from retrievers.found import Hit
from retrievers.selection.risk import KS, controlled_ks

__all__ = ["ALPHAS", "DELTA", "fit_risk", "vote_wrong"]

ALPHAS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
"""Bounds that are tried, the strictest first."""

DELTA = 0.05
"""Share of calibration sets for which the bound may fail; shared among the bounds that are tried."""


def vote_wrong(hits: Sequence[Hit], labels: Sequence[str]) -> tuple[bool, ...]:
    """For each number of hits in `KS`: is the label that most of them carry none of the question's?

    Each hit has one vote, shared among its labels; of equal ones the label of the nearest hit wins. No hit, no label:
    wrong.
    """
    result = []
    for k in KS:
        votes: dict[str, float] = {}
        for hit in hits[:k]:
            for label in hit.record.labels:
                votes[label] = votes.get(label, 0.0) + 1.0 / len(hit.record.labels)
        chosen = max(votes, key=votes.__getitem__, default=None)
        result.append(chosen not in labels)
    return tuple(result)


def fit_risk(fitting: Sequence[Judged], judging: Sequence[Judged]) -> tuple[Part, tuple[int, float, int]]:
    """The strictest bound that some number of hits passes, and among those numbers the largest.

    One question a patient counts, since the proof needs exchangeable ones. It is proved on the judging half, at δ over
    all bounds and numbers tried: weights and relevance were fitted on the other one, though whether they are in force
    was decided on this one too. What the other half shows is told as well.

    Returns:
        The part, and (k, alpha, questions); k is 0 where no number passes any bound.
    """
    name, measure = "selection, risk", "share led astray"
    asked = _one_each(judging)
    for alpha in ALPHAS:
        passed = controlled_ks(asked, KS, alpha, DELTA / len(ALPHAS)) if len(asked) else ()
        if passed:
            k = max(passed)
            column = KS.index(k)
            seen = _one_each(fitting)
            risk = float(seen[:, column].mean()) if len(seen) else None
            said = f"k {k}: at most {alpha:.0%}, confidence {1 - DELTA:.0%}"
            part = Part(
                name, "all", measure, True, f"proved on {len(asked)} questions", said,
                None if risk is None else round(risk, 4), round(float(asked[:, column].mean()), 4),
                queries=len(asked), patients=len(asked),
            )  # fmt: skip
            return part, (k, alpha, len(asked))
    refusal = f"no number passes a bound on {len(asked)} questions: no guarantee"
    return Part(name, "all", measure, False, refusal), (0, 0.0, 0)


def _one_each(asked: Sequence[Judged]) -> NDArray[np.bool_]:
    """(patients, len(KS)): the first question by picture of each patient."""
    first: dict[str, tuple[bool, ...]] = {}
    for one in asked:
        if one.wrong:
            first.setdefault(one.patient, one.wrong)
    return np.array(list(first.values()), bool).reshape(-1, len(KS))
