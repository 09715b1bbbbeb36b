"""When a fitted value is kept: its gain on patients that did not fit it must lie above zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrievers.calibration.values import Part
from retrievers.evaluation.measures import bootstrap_mean

__all__ = ["LEAST_PATIENTS", "Row", "judged", "refused", "too_few"]

LEAST_PATIENTS = 20
"""Patients that each half must have: below, neither a fit nor a bootstrap over patients means much."""


@dataclass(frozen=True, slots=True)
class Row:
    """Which part of which domain is judged, and by what measure."""

    name: str
    domain: str
    measure: str


def too_few(row: Row, fitting: Sequence[str], judging: Sequence[str]) -> Part | None:
    """The refusal where one half has too few patients, else None."""
    counts = len(set(fitting)), len(set(judging))
    if min(counts) >= LEAST_PATIENTS:
        return None
    said = f"too few patients: {counts[0]} to fit and {counts[1]} to judge, {LEAST_PATIENTS} each are needed"
    return Part(row.name, row.domain, row.measure, False, said, patients=counts[1])


def refused(row: Row, reason: str) -> Part:
    """A part that was not even judged, with the reason."""
    return Part(row.name, row.domain, row.measure, False, reason)


def judged(
    row: Row,
    value: str,
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    patients: Sequence[str],
    *,
    seed: int = 0,
    losses: bool = False,
    notes: Mapping[str, float] | None = None,
) -> Part:
    """Kept where the lower bound of the paired gain is above zero.

    Args:
        row: What is judged.
        value: The fitted value in words.
        before: The measure of each query (q,) with the defaults.
        after: With the fitted value, in the same order.
        patients: Whose query each is: the bootstrap draws patients, each with both of its measures.
        seed: Of the bootstrap.
        losses: Smaller is better.
        notes: Further figures for the table.
    """
    gains = before - after if losses else after - before
    gain = bootstrap_mean(gains.tolist(), patients, seed=seed)
    kept = gain.low > 0
    if kept:
        reason = "the gain's 95 % interval lies above zero"
    elif gain.mean <= 0:
        reason = "no gain on the judging patients"
    else:
        reason = "the gain's 95 % interval includes zero"
    return Part(
        row.name, row.domain, row.measure, kept, reason, value,
        round(float(before.mean()), 4), round(float(after.mean()), 4), gain.mean, gain.low, gain.high,
        len(before), len(set(patients)), dict(notes or {}),
    )  # fmt: skip
