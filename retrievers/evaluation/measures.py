"""Retrieval measures of single queries, and their means with intervals over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Interval",
    "bootstrap_mean",
    "measure_queries",
    "paired_difference",
    "places_before",
    "precision_at_k",
    "random_success",
]

_NAMES = ("Success@1", "Success@5", "Success@10", "RR", "nDCG@10", "P@5", "AP")


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % bootstrap interval, and of how many queries and patients.

    Of fewer than two patients none can take another's place: `low` and `high` say nothing then. `patients` is 0 for a
    mean over domains of which one has one patient alone.
    """

    mean: float
    low: float
    high: float
    queries: int
    patients: int

    @property
    def has_interval(self) -> bool:
        """Whether `low` and `high` say how sure the mean is."""
        return self.patients > 1


def measure_queries(
    relevant: Mapping[str, Mapping[str, int]], ranked: Mapping[str, Sequence[str]], names: Sequence[str] = _NAMES
) -> dict[str, dict[str, float]]:
    """Measures of each query (Success@1/5/10, RR, nDCG@10, P@5 and AP), computed by `ir_measures`.

    Args:
        relevant: Grades of relevant documents (1 or more) by query.
        ranked: Documents found, best first, by query.
        names: Of the measures, as `ir_measures` writes them.

    Returns:
        Measures by query; a query without relevant documents is left out.
    """
    ir: Any = import_module("ir_measures")
    asked = [query for query, grades in relevant.items() if grades]
    judged = [ir.Qrel(query, document, grade) for query in asked for document, grade in relevant[query].items()]
    run = [
        ir.ScoredDoc(query, document, float(len(ranked[query]) - place))
        for query in asked
        for place, document in enumerate(ranked[query])
    ]
    measures = [ir.parse_measure(name) for name in names]
    found: dict[str, dict[str, float]] = {query: dict.fromkeys(names, 0.0) for query in asked}
    for metric in ir.iter_calc(measures, judged, run):
        found[metric.query_id][str(metric.measure)] = float(metric.value)
    return found


def bootstrap_mean(values: Sequence[float], patients: Sequence[str], draws: int = 1000, seed: int = 0) -> Interval:
    """The mean, with the 2.5 and 97.5 percentiles of means over resampled patients.

    >>> bootstrap_mean([1.0, 1.0], ["a", "b"]).mean
    1.0
    """
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        return Interval(0.0, 0.0, 0.0, 0, 0)
    names, group = np.unique(np.asarray(patients, dtype=object).astype(str), return_inverse=True)
    sums = np.bincount(group, weights=array, minlength=len(names))
    counts = np.bincount(group, minlength=len(names))
    chosen = np.random.default_rng(seed).integers(0, len(names), (draws, len(names)))
    means = sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    mean = round(float(array.mean()), 4)
    return Interval(mean, round(float(low), 4), round(float(high), 4), len(array), len(names))


def paired_difference(one: Sequence[float], other: Sequence[float], patients: Sequence[str]) -> Interval:
    """The mean of one − other on the same queries, with its 95 % interval over patients.

    >>> paired_difference([1.0, 0.5], [0.5, 0.0], ["a", "b"]).low
    0.5
    """
    return bootstrap_mean(np.subtract(one, other, dtype=np.float64).tolist(), patients)


def places_before(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How many wrong answers stand before the best right one, for scores (q, g); infinity where none is right.

    Half of those that tie with it count as before it: a space in which everything lies on one point finds nothing.

    >>> places_before(np.float32([[3, 2, 2, 1]]), np.array([[False, True, False, False]])).tolist()
    [1.5]
    """
    best = np.where(right, scores, -np.inf).max(axis=1, initial=-np.inf)[:, None]
    before = (~right & (scores > best)).sum(axis=1) + (~right & (scores == best)).sum(axis=1) / 2
    return np.where(right.any(axis=1), before, np.inf)


def precision_at_k(right: NDArray[np.bool_], found: NDArray[np.intp]) -> NDArray[np.float64]:
    """Share of right answers (q, g) among those found (q, k), whose columns are numbered; −1 stands for none.

    >>> precision_at_k(np.array([[True, False, True]]), np.array([[0, 1, -1]])).tolist()
    [0.5]
    """
    there = found >= 0
    hits = np.take_along_axis(right, np.maximum(found, 0), axis=1) & there
    return np.asarray(hits.sum(axis=1) / np.maximum(there.sum(axis=1), 1), np.float64)


def random_success(gallery: int, relevant: int, k: int) -> float:
    """Chance that k random ones of a gallery hold one of the relevant ones.

    >>> random_success(4, 1, 2)
    0.5
    """
    missed = 1.0
    for step in range(min(k, gallery)):
        missed *= max(0.0, gallery - relevant - step) / (gallery - step)
    return 1.0 - missed
