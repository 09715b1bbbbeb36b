"""Which fusion: reciprocal ranks, standardised scores, or learned weights, by the order that each gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from retrievers.calibration.judging import Row, judged, refused, too_few
from retrievers.calibration.values import Part
from retrievers.calibration.weights import GROUPS
from retrievers.fusion import Fusion, LearnedWeights, ReciprocalRank, StandardisedScores
from retrievers.fusion.learned import fit_learned_weights
from retrievers.fusion.standardised import standardised
from retrievers.search import RankedList

__all__ = ["FusedQuestion", "fit_fusion"]

_K = 10


@dataclass(frozen=True)
class FusedQuestion:
    """The lists that one question found in its own domain, and which records are relevant."""

    patient: str
    domain: str
    group: str
    lists: tuple[RankedList, ...]
    relevant: frozenset[int]

    def gain(self, fusion: Fusion) -> float:
        """nDCG@10 of the fused list."""
        ranked = [record for record, _ in fusion.fuse(self.lists)[:_K]]
        discounts = 1.0 / np.log2(np.arange(2, _K + 2))
        hits = np.array([record in self.relevant for record in ranked], bool)
        return float(discounts[: len(hits)] @ hits / discounts[: min(_K, len(self.relevant))].sum())

    def table(
        self,
    ) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
        """Standardised scores (candidates, lists of the group) times the lists' own weights, and which are right."""
        by_sides = {one.name.removeprefix(f"{one.domain} "): one for one in self.lists}
        found = sorted({record for one in self.lists for record in one.records})
        row = {record: number for number, record in enumerate(found)}
        scores = np.zeros((len(found), len(GROUPS[self.group])))
        for column, sides in enumerate(GROUPS[self.group]):
            if sides in by_sides:
                one = by_sides[sides]
                scores[[row[record] for record in one.records], column] = one.weight * standardised(one.scores)
        return scores, np.array([record in self.relevant for record in found], bool)


def fit_fusion(
    fitting: Sequence[FusedQuestion], judging: Sequence[FusedQuestion], *, seed: int = 0
) -> tuple[tuple[Part, ...], str, Mapping[str, Mapping[str, float]]]:
    """The fusion of best mean nDCG@10 on the fitting questions, judged on the judging ones.

    Returns:
        A part a fusion, the one that won over reciprocal ranks (empty where none did), and the learned weights by
        domain and sides, won or not.
    """
    row = Row("fusion", "all", f"nDCG@{_K}")
    patients = [one.patient for one in judging]
    short = too_few(row, [one.patient for one in fitting], patients)
    if short is not None:
        return (replace(short, name="fusion, standardised"), replace(short, name="fusion, learned")), "", {}
    learned = _learned(fitting)
    tried: dict[str, Fusion] = {"standardised": StandardisedScores(), "learned": LearnedWeights(learned)}
    means = {name: _mean(fitting, fusion) for name, fusion in tried.items()}
    usual, best = _mean(fitting, ReciprocalRank()), max(means, key=means.__getitem__)
    before = np.array([one.gain(ReciprocalRank()) for one in judging])
    parts = []
    for name, fusion in tried.items():
        own = replace(row, name=f"fusion, {name}")
        if means[name] <= usual:
            parts.append(refused(own, "reciprocal ranks are better on the fitting patients"))
            continue
        part = judged(own, name, before, np.array([one.gain(fusion) for one in judging]), patients, seed=seed)
        if part.kept and name != best:
            part = replace(part, kept=False, reason=f"{best} was better on the fitting patients")
        parts.append(part)
    won = next((name for name, part in zip(tried, parts, strict=True) if part.kept), "")
    return tuple(parts), won, learned


def _learned(questions: Sequence[FusedQuestion]) -> dict[str, dict[str, float]]:
    weights: dict[str, dict[str, float]] = {}
    for domain, group in sorted({(one.domain, one.group) for one in questions}):
        tables = [one.table() for one in questions if (one.domain, one.group) == (domain, group)]
        found = fit_learned_weights([(x, right) for x, right in tables if len(right)])
        if len(found):
            weights.setdefault(domain, {}).update(zip(GROUPS[group], found.round(4).tolist(), strict=True))
    return weights


def _mean(asked: Collection[FusedQuestion], fusion: Fusion) -> float:
    return float(np.mean([one.gain(fusion) for one in asked]))
