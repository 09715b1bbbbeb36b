"""Selection policies: does cutting by scores beat a fixed number of hits at the same mean number?

A rule that keeps fewer hits has better precision for that alone, so it is compared with a fixed k that keeps as many on
average: the first k hits, k between two whole numbers by interpolation. A published gap rule fired on none of 299
questions; the share of questions on which a rule cuts is therefore told beside the gain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrievers.calibration.judging import Row, judged, refused, too_few
from retrievers.calibration.values import Part
from retrievers.evaluation.measures import bootstrap_mean
from retrievers.selection import Gap, Mass, Policy, TopRatio

__all__ = ["MOST", "Judged", "fit_policies"]

MOST = 12
"""Hits that are looked at: as many as a context may hold."""

_LEAST_MEAN = MOST / 2  # how much context there is, is for the settings to say: a threshold only moves it about

Numbers = NDArray[np.float64]

_FAMILIES: Mapping[str, tuple[Callable[[float], Policy], tuple[float, ...]]] = {
    "gap": (Gap, tuple(np.geomspace(0.005, 3.0, 40).round(4).tolist())),
    "ratio": (TopRatio, tuple(np.geomspace(1.02, 60.0, 48).round(3).tolist())),
    "mass": (Mass, tuple(np.linspace(0.3, 0.99, 47).round(3).tolist())),
}


@dataclass(frozen=True)
class Judged:
    """The cases found by one question, best first: what a policy sees of them, and which of them are right.

    `wrong` (len(KS),) tells for each number of hits whether their vote on the label would be wrong; empty where the
    question was asked in words.
    """

    patient: str
    scores: tuple[float, ...]
    right: tuple[bool, ...]
    corpus: str = ""
    wrong: tuple[bool, ...] = ()

    def kept(self, policy: Policy) -> tuple[int, int, bool]:
        """How many are kept, how many of those are right, and whether the rule cut anything."""
        most = min(MOST, len(self.scores))
        kept = policy.select(self.scores, most).kept
        return kept, sum(self.right[:kept]), kept < most

    def fixed(self, k: float) -> float:
        """Right ones among the first k, between whole numbers by interpolation."""
        whole = int(k)
        return sum(self.right[:whole]) + (k - whole) * sum(self.right[whole : whole + 1])


def fit_policies(
    fitting: Sequence[Judged], judging: Sequence[Judged], *, seed: int = 0
) -> tuple[tuple[Part, ...], dict[str, float], str]:
    """The value of largest gain of each policy, over a fixed k that keeps as many on average.

    Only the policy whose gain is surest on the fitting patients (the highest lower end of its 95 % interval) may win:
    a threshold tried forty times gains by luck, and most where questions are few. It must gain on the judging ones,
    and on at least two corpora where there are two.

    Args:
        fitting: Questions that choose values and the policy.
        judging: Questions that judge them.
        seed: Of the bootstrap.

    Returns:
        A part a policy (the measure is the share of what is kept that is right), the fitted values by policy, and the
        policy that won, empty where none did.
    """
    patients = [one.patient for one in judging]
    row = Row("selection", "all", "precision at equal mean k")
    short = too_few(row, [one.patient for one in fitting], patients)
    if short is not None:
        return tuple(replace(short, name=f"selection, {name}") for name in _FAMILIES), {}, ""
    values: dict[str, float] = {}
    gains: dict[str, float] = {}
    surely: dict[str, float] = {}
    for name, (make, grid) in _FAMILIES.items():
        found = [_gain(fitting, make(value)) for value in grid]
        values[name], gains[name] = grid[int(np.argmax(found))], max(found)
        if gains[name] > 0:  # one that never cuts loses nothing, surely: it must not stand before one that gains
            surely[name] = _sure_gain(fitting, make(values[name]), seed)
    first = max(surely, key=surely.__getitem__, default="")
    parts = []
    for name in _FAMILIES:
        own = replace(row, name=f"selection, {name}")
        if gains[name] <= 0:
            parts.append(refused(own, "no value beats a fixed number on the fitting patients"))
            continue
        part = _judged(own, _FAMILIES[name][0](values[name]), values[name], judging, seed)
        if part.kept and name != first:
            part = replace(part, kept=False, reason=f"{first} gained more surely on the fitting patients")
        parts.append(part)
    won = next((name for name, part in zip(_FAMILIES, parts, strict=True) if part.kept), "")
    return tuple(parts), {name: value for name, value in values.items() if gains[name] > 0}, won


def _judged(row: Row, policy: Policy, value: float, asked: Sequence[Judged], seed: int) -> Part:
    fixed, ruled, mean, fired = _compared(asked, policy)
    corpora = {name: _gain([one for one in asked if one.corpus == name], policy, 0) for name in _names(asked)}
    notes = {
        "mean k": round(mean, 2),
        "fire rate": round(fired, 3),
        **{f"gain in {name}": round(gain, 4) for name, gain in corpora.items()},
    }
    patients = [one.patient for one in asked]
    part = judged(row, f"{policy.name} {value:g}", fixed, ruled, patients, seed=seed, notes=notes)
    gaining = sum(gain > 0 for gain in corpora.values())
    if part.kept and gaining < min(2, len(corpora)):
        return replace(part, kept=False, reason=f"it gains in {gaining} of {len(corpora)} corpora; two are needed")
    return part


def _names(asked: Sequence[Judged]) -> list[str]:
    return sorted({one.corpus for one in asked if one.corpus})


def _compared(asked: Sequence[Judged], policy: Policy) -> tuple[Numbers, Numbers, float, float]:
    """Right ones a question by fixed k and by the rule, both over the mean number kept; that number; the fire rate."""
    outcomes = [one.kept(policy) for one in asked]
    mean = float(np.mean([kept for kept, _, _ in outcomes]))
    if mean == 0:
        return np.zeros(len(asked)), np.zeros(len(asked)), 0.0, 0.0
    fixed = np.array([one.fixed(mean) for one in asked]) / mean
    ruled = np.array([right for _, right, _ in outcomes]) / mean
    return fixed, ruled, mean, float(np.mean([fired for _, _, fired in outcomes]))


def _sure_gain(asked: Sequence[Judged], policy: Policy, seed: int) -> float:
    """The lower end of the 95 % interval of the gain."""
    fixed, ruled, _, _ = _compared(asked, policy)
    return bootstrap_mean((ruled - fixed).tolist(), [one.patient for one in asked], seed=seed).low


def _gain(asked: Sequence[Judged], policy: Policy, least: float = _LEAST_MEAN) -> float:
    fixed, ruled, mean, _ = _compared(asked, policy)
    return float((ruled - fixed).mean()) if mean >= least else -1.0
