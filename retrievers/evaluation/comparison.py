"""Means over domains, their paired differences, and how sure these are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrievers.evaluation.measures import Interval

__all__ = ["Difference", "Values", "adjusted", "macro", "macro_difference"]

_DRAWS = 10_000

Numbers = NDArray[np.float64]
Values = Mapping[str, tuple[Sequence[float], Sequence[str]]]
"""By domain: a measure of each query, and whose patient it asks for."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference with its 95 % interval, the two-sided p-value of "there is none", and that after Holm.

    `adjusted` is None where the difference stands alone. Where a domain has one patient alone (`patients` is 0 then, as
    of `macro`), p is 1, and `low` and `high` say nothing.
    """

    mean: float
    low: float
    high: float
    p: float
    queries: int
    patients: int
    adjusted: float | None = None

    @property
    def has_interval(self) -> bool:
        """Whether `low`, `high` and p say how sure the difference is."""
        return self.patients > 1


def macro(values: Values, seed: int = 0) -> Interval:
    """The mean over domains of their means; its 95 % interval draws patients within each domain.

    There is none where a domain has one patient alone: it would add no width.

    >>> macro({"a": ([1.0, 0.0], ["p", "q"]), "b": ([1.0], ["r"])}).mean
    0.75
    """
    mean, draws, queries, patients = _drawn(values, seed)
    low, high = np.percentile(draws, (2.5, 97.5))
    return Interval(round(mean, 4), round(float(low), 4), round(float(high), 4), queries, patients)


def macro_difference(one: Values, other: Values, seed: int = 0) -> Difference:
    """The macro mean of one − other on the same queries, with a paired bootstrap test over patients.

    The p-value is twice the smaller share of 10,000 draws that lie on one side of zero, those at zero on both sides
    (Efron & Tibshirani 1993, ch. 15); it is never below 2/10,001. Without any difference it is 1, and where a domain
    has one patient alone, of whom nothing can be drawn.

    >>> macro_difference({"a": ([1.0] * 9, list("abcdefghi"))}, {"a": ([0.0] * 9, list("abcdefghi"))}).p < 0.001
    True
    """
    differences = {
        domain: (np.subtract(values, other[domain][0], dtype=np.float64).tolist(), patients)
        for domain, (values, patients) in one.items()
    }
    mean, draws, queries, patients = _drawn(differences, seed)
    low, high = np.percentile(draws, (2.5, 97.5))
    tail = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    p = min(1.0, 2 * (tail + 1) / (len(draws) + 1)) if patients > 1 else 1.0
    return Difference(round(mean, 4), round(float(low), 4), round(float(high), 4), round(p, 5), queries, patients)


def adjusted(ps: Sequence[float]) -> list[float]:
    """P-values after Holm's step-down correction (1979), in the same order.

    >>> adjusted([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    result, worst = [0.0] * len(ps), 0.0
    for place, number in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        worst = max(worst, min(1.0, ps[number] * (len(ps) - place)))
        result[number] = round(worst, 5)
    return result


def _drawn(values: Values, seed: int) -> tuple[float, Numbers, int, int]:
    """The macro mean, that of each draw (draws,), and the numbers of queries and of patients: 0 where one of several
    domains has one alone."""
    generator = np.random.default_rng(seed)
    means, draws, queries, patients = [], np.zeros(_DRAWS), 0, list[int]()
    for domain in sorted(values):
        array = np.asarray(values[domain][0], np.float64)
        names, group = np.unique(np.asarray(values[domain][1], dtype=object).astype(str), return_inverse=True)
        sums, counts = np.bincount(group, weights=array), np.bincount(group)
        chosen = generator.integers(0, len(names), (_DRAWS, len(names)))
        means.append(float(array.mean()))
        draws += sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1)
        queries += len(array)
        patients.append(len(names))
    alone = len(patients) > 1 and min(patients) < 2
    return float(np.mean(means)), draws / max(1, len(values)), queries, 0 if alone else sum(patients)
