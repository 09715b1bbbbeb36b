"""What an evaluation of the whole retriever comes to: means, gains of each part, routing, leaks, and the context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from retrievers.calibration.selection import Judged
from retrievers.evaluation.comparison import Difference, Values, adjusted, macro, macro_difference
from retrievers.evaluation.measures import Interval, bootstrap_mean
from retrievers.evaluation.questions import SIDES
from retrievers.evaluation.variants import VARIANTS, WHOLE
from retrievers.evaluation.whole import BEST, MEASURES, RANDOM, Row
from retrievers.selection import Policy

__all__ = ["ALL", "TESTED", "Context", "Standing", "Summary", "context_of", "summary_of"]

ALL = "all"
"""Beside the sides of `SIDES`: every question; where a variant is no other thing, the whole's answer counts."""

TESTED = ("nDCG@10", "P@5")
"""Measures whose differences are tested."""


@dataclass(frozen=True)
class Standing:
    """How a variant did on the questions of one side.

    `domains` and `macro` hold a mean with its interval by measure; `gains` are whole − variant, over domains, empty for
    the whole, chance and the best possible; `text` is that of records whose text says the same.
    """

    sides: str
    variant: str
    domains: Mapping[str, Mapping[str, Interval]]
    macro: Mapping[str, Interval]
    gains: Mapping[str, Difference]
    text: Mapping[str, Interval]


@dataclass(frozen=True)
class Context:
    """A policy of selection beside a fixed number of hits that keeps as many on average, on the questions of one side.

    Precision is the share of the hits kept, over all questions, that are right.
    """

    sides: str
    policy: str
    mean_k: float
    fires: float
    precision: float
    fixed: float
    gain: Difference


@dataclass(frozen=True)
class Summary:
    """Everything that the tables show; `routing` by side and domain, the leaks summed over every row."""

    standings: tuple[Standing, ...]
    contexts: tuple[Context, ...]
    routing: Mapping[str, Mapping[str, Interval]]
    duplicates: int
    same_patient: int
    questions: int

    def standing(self, sides: str, variant: str = WHOLE) -> Standing | None:
        """That of one side and variant, None where there is none."""
        return next((one for one in self.standings if (one.sides, one.variant) == (sides, variant)), None)


def summary_of(rows: Sequence[Row], policies: Sequence[Policy] = (), seed: int = 0) -> Summary:
    """Means and tests; p-values are corrected over the variants of a side and measure (Holm)."""
    by_way: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_way.setdefault((row.sides, row.variant), []).append(row)
    known = {variant for _, variant in by_way}
    order = [name for name in (WHOLE, RANDOM, BEST, *(one.name for one in VARIANTS)) if name in known]
    standings: list[Standing] = []
    for sides in (*SIDES, ALL):
        whole = _of(by_way, sides, WHOLE)
        if whole:
            tried = [name for name in order if sides == ALL or (sides, name) in by_way]
            standings += _corrected([_standing(sides, name, _of(by_way, sides, name), whole, seed) for name in tried])
    asked = [row for row in rows if row.variant == WHOLE]
    contexts = [
        context_of(sides, policy, mine, seed)
        for sides in SIDES
        if (mine := [row for row in asked if row.sides == sides and row.context is not None])
        for policy in policies
    ]
    sure = adjusted([one.gain.p for one in contexts])
    return Summary(
        tuple(standings),
        tuple(replace(one, gain=replace(one.gain, adjusted=p)) for one, p in zip(contexts, sure, strict=True)),
        {sides: _routing([row for row in asked if row.sides == sides]) for sides in SIDES},
        sum(row.duplicates for row in rows),
        sum(row.same_patient for row in rows),
        len(asked),
    )


def context_of(sides: str, policy: Policy, rows: Sequence[Row], seed: int = 0) -> Context:
    """A policy on the hits of the whole, at equal mean k."""
    judged = [(row.domain, row.context) for row in rows if row.context is not None]
    outcomes = [one.kept(policy) for _, one in judged]
    mean = float(np.mean([kept for kept, _, _ in outcomes])) or 1.0
    ruled = [right / mean for _, right, _ in outcomes]
    fixed = [one.fixed(mean) / mean for _, one in judged]
    gain = macro_difference(_grouped(judged, ruled), _grouped(judged, fixed), seed)
    fired = float(np.mean([fires for _, _, fires in outcomes]))
    precision, plain = (round(float(np.mean(values)), 4) for values in (ruled, fixed))
    return Context(sides, policy.name, round(mean, 2), round(fired, 3), precision, plain, gain)


def _grouped(judged: Sequence[tuple[str, Judged]], values: Sequence[float]) -> Values:
    grouped: dict[str, tuple[list[float], list[str]]] = {}
    for (domain, one), value in zip(judged, values, strict=True):
        numbers, patients = grouped.setdefault(domain, ([], []))
        numbers.append(value)
        patients.append(one.patient)
    return grouped


def _of(by_way: Mapping[tuple[str, str], list[Row]], sides: str, variant: str) -> list[Row]:
    if sides != ALL:
        return by_way.get((sides, variant), [])
    return [row for name in SIDES for row in by_way.get((name, variant), by_way.get((name, WHOLE), []))]


def _standing(sides: str, variant: str, rows: Sequence[Row], whole: Sequence[Row], seed: int) -> Standing:
    domains = sorted({row.domain for row in rows})
    tested = variant not in (WHOLE, RANDOM, BEST)
    return Standing(
        sides,
        variant,
        {
            domain: {name: _interval([row for row in rows if row.domain == domain], name, seed) for name in MEASURES}
            for domain in domains
        },
        {name: macro(_values(rows, name), seed) for name in MEASURES},
        {name: macro_difference(_values(whole, name), _values(rows, name), seed) for name in TESTED if tested},
        _text(rows, seed),
    )


def _corrected(standings: Sequence[Standing]) -> list[Standing]:
    tested = [one for one in standings if one.gains]
    corrected = {name: adjusted([one.gains[name].p for one in tested]) for name in TESTED}
    places = {one.variant: place for place, one in enumerate(tested)}
    return [
        replace(
            one,
            gains={
                name: replace(gain, adjusted=corrected[name][places[one.variant]]) for name, gain in one.gains.items()
            },
        )
        for one in standings
    ]


def _values(rows: Iterable[Row], measure: str) -> Values:
    values: dict[str, tuple[list[float], list[str]]] = {}
    for row in rows:
        numbers, patients = values.setdefault(row.domain, ([], []))
        numbers.append(row.measures[measure])
        patients.append(row.subject.patient)
    return values


def _interval(rows: Sequence[Row], measure: str, seed: int) -> Interval:
    return bootstrap_mean([row.measures[measure] for row in rows], [row.subject.patient for row in rows], seed=seed)


def _text(rows: Sequence[Row], seed: int) -> dict[str, Interval]:
    said = [row for row in rows if row.text]
    patients = [row.subject.patient for row in said]
    names = list(said[0].text) if said else []
    return {name: bootstrap_mean([row.text[name] for row in said], patients, seed=seed) for name in names}


def _routing(rows: Sequence[Row]) -> dict[str, Interval]:
    """By domain, the share of cases sent there; a figure of a book may show any domain, so it is not judged."""
    found: dict[str, Interval] = {}
    cases = [row for row in rows if row.subject.record.kind == "case"]
    for domain in sorted({row.domain for row in cases}):
        mine = [row for row in cases if row.domain == domain]
        right = [float(row.searched == domain) for row in mine]
        found[domain] = bootstrap_mean(right, [row.subject.patient for row in mine])
    return found
