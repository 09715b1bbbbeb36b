"""Retrieval measures of single queries, and their means with intervals over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

__all__ = ["Interval", "bootstrap_mean", "measure_queries"]

_NAMES = ("Success@1", "Success@5", "Success@10", "RR", "nDCG@10", "P@5", "AP")


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % bootstrap interval, and of how many queries."""

    mean: float
    low: float
    high: float
    queries: int


def measure_queries(
    relevant: Mapping[str, Mapping[str, int]], ranked: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Success@1/5/10, RR, nDCG@10, P@5 and AP of each query, computed by `ir_measures`.

    Args:
        relevant: Grades of relevant documents (1 or more) by query.
        ranked: Documents found, best first, by query.

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
    measures = [ir.parse_measure(name) for name in _NAMES]
    found: dict[str, dict[str, float]] = {query: dict.fromkeys(_NAMES, 0.0) for query in asked}
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
        return Interval(0.0, 0.0, 0.0, 0)
    names, group = np.unique(np.asarray(patients, dtype=object).astype(str), return_inverse=True)
    sums = np.bincount(group, weights=array, minlength=len(names))
    counts = np.bincount(group, minlength=len(names))
    chosen = np.random.default_rng(seed).integers(0, len(names), (draws, len(names)))
    means = sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Interval(round(float(array.mean()), 4), round(float(low), 4), round(float(high), 4), len(array))
