"""How much each list counts: weights of reciprocal rank fusion, fitted on a home's own cases.

A question's picture and its words are asked apart, and only the shares within the picture's lists and within the words'
lists are fitted: how words weigh beside a picture is no matter of retrieval ("Is there an effusion?" must not bring the
cases whose reports talk of one). There are two shares of pictures and three of words, so a grid holds every choice.

Learned fusion of scores is another part, `calibration.fusion`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrievers.calibration.judging import Row, judged, refused, too_few
from retrievers.calibration.values import DomainCalibration, Part
from retrievers.fusion import CONSTANT
from retrievers.search import LIST_WEIGHTS, RankedList

__all__ = ["GROUPS", "Ranks", "fit_weights", "reweighted"]

GROUPS: Mapping[str, tuple[str, ...]] = {
    "picture": ("image→image", "image→text"),
    "words": ("text→text", "text→image", "words"),
}
"""The lists that a picture and that words are asked in."""

_STEPS = 10
_K = 10

Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class Ranks:
    """What the lists of one group found for one question.

    `shares` (n, lists) holds 1 / (60 + rank) of each record found, 0 where a list does not hold it; `right` (n,) tells
    which records are relevant; `ideal` is the gain that the best order of all relevant records would have.
    """

    patient: str
    shares: Vectors
    right: NDArray[np.bool_]
    ideal: float

    @classmethod
    def of(cls, patient: str, lists: Sequence[Sequence[int]], relevant: Collection[int]) -> Ranks:
        """From the records of each list, best first."""
        found = sorted({record for ranked in lists for record in ranked})
        row = {record: number for number, record in enumerate(found)}
        shares = np.zeros((len(found), len(lists)))
        for column, ranked in enumerate(lists):
            for rank, record in enumerate(ranked, 1):
                shares[row[record], column] = 1.0 / (CONSTANT + rank)
        right = np.array([record in relevant for record in found], bool)
        return cls(patient, shares, right, float(_discounts(min(_K, len(relevant))).sum()))

    def gain(self, weights: Vectors) -> float:
        """nDCG@10 of the fused list, with weights (lists,)."""
        fused = self.shares @ weights
        best = np.argsort(-fused, kind="stable")[:_K]
        hits = self.right[best] & (fused[best] > 0)
        return float((_discounts(len(best)) * hits).sum() / self.ideal)


def fit_weights(
    domain: str, group: str, fitting: Sequence[Ranks], judging: Sequence[Ranks], *, seed: int = 0
) -> tuple[Part, dict[str, float]]:
    """The shares of best mean nDCG@10 on the fitting questions, judged on the judging ones.

    Args:
        domain: For the table.
        group: A key of `GROUPS`.
        fitting: Questions that choose the weights.
        judging: Questions that judge them.
        seed: Of the bootstrap.

    Returns:
        The part, and the weights by sides (empty where they are refused); they sum to what the defaults sum to.
    """
    row = Row(f"list weights, {group}", domain, f"nDCG@{_K}")
    patients = [one.patient for one in judging]
    short = too_few(row, [one.patient for one in fitting], patients)
    if short is not None:
        return short, {}
    sides = GROUPS[group]
    usual = np.array([LIST_WEIGHTS[name] for name in sides])
    usual_shares = usual / usual.sum()
    scored = [(_mean(fitting, shares), -float(np.abs(shares - usual_shares).sum()), shares) for shares in _grid(sides)]
    best_gain, _, best = max(scored, key=lambda one: one[:2])
    if best_gain <= _mean(fitting, usual_shares):
        return refused(row, "the default weights are best on the fitting patients"), {}
    before = np.array([one.gain(usual_shares) for one in judging])
    after = np.array([one.gain(best) for one in judging])
    fitted = {name: round(float(value), 4) for name, value in zip(sides, best * usual.sum(), strict=True)}
    said = ", ".join(f"{name} {share:.2f}" for name, share in zip(sides, best, strict=True))
    part = judged(row, said, before, after, patients, seed=seed)
    return part, fitted if part.kept else {}


def reweighted(lists: Sequence[RankedList], domains: Mapping[str, DomainCalibration]) -> list[RankedList]:
    """Lists that were run with the default weights, with those of a calibration."""
    result = []
    for found in lists:
        sides = found.name.removeprefix(f"{found.domain} ")
        own = domains[found.domain].weights if found.domain in domains else {}
        result.append(replace(found, weight=found.weight * own.get(sides, LIST_WEIGHTS[sides]) / LIST_WEIGHTS[sides]))
    return result


def _mean(asked: Sequence[Ranks], weights: Vectors) -> float:
    return float(np.mean([one.gain(weights) for one in asked]))


def _grid(sides: Sequence[str]) -> Iterator[Vectors]:
    """Every way to share one whole among the lists in tenths."""
    for parts in np.ndindex(*(_STEPS + 1,) * (len(sides) - 1)):
        if sum(parts) <= _STEPS:
            yield np.array([*parts, _STEPS - sum(parts)]) / _STEPS


def _discounts(count: int) -> Vectors:
    return np.asarray(1.0 / np.log2(np.arange(2, count + 2)), np.float64)
