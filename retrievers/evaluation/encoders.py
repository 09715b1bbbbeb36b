"""`eval encoders`: each domain's encoder beside a general head, an untrained one, the bare tower, and texts alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.encoders.base import unit_rows
from indexing.training.home_features import HomeFeatures, Row
from retrievers.evaluation.measures import (
    Interval,
    bootstrap_mean,
    paired_difference,
    places_before,
    precision_at_k,
    random_success,
)
from retrievers.evaluation.spaces import OWN, DomainCases, Space, domain_cases, domain_spaces

__all__ = ["DIRECTIONS", "Direction", "DomainResult", "Judged", "evaluate_encoders", "judge_domain"]

DIRECTIONS = {
    "image→text": ("R@1", "R@5", "R@10"),
    "text→image": ("success@1", "success@5", "success@10"),
    "image→image": ("P@5",),
}
"""Directions with their measures, the headline last."""

_SAME = 0.98  # texts nearer than this to the right one say the same
_DEPTH = 5

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Questions:
    """Who asks whom, as rows of the domain: `asked` (q,), `gallery` (g,).

    `right` (q, g) are the right answers, `hidden` (q, g) what must not be found. One row stands for each distinct text.
    """

    asked: Rows
    gallery: Rows
    right: Mask
    hidden: Mask | None = None


@dataclass(frozen=True)
class Judged:
    """One encoder's answers to q queries.

    `values` by measure (q,); `found` (q, 5) the first answers as rows of the domain, −1 for none, `hits` (q, 5) which
    of them are right; `before` (q,) how many wrong answers stand before the first right one.
    """

    values: Mapping[str, Values]
    found: Rows
    hits: Mask
    before: Values


@dataclass(frozen=True)
class Direction:
    """One direction of one domain: the same queries answered by each encoder, the one that serves first.

    `means[encoder][measure]` and `differences[encoder][measure]` (that which serves − the other, paired) have 95 %
    bootstrap intervals over patients. `chance` is the expected value of each measure for a random order, `best` that of
    a perfect one, which is below 1 where too few other patients share a label.
    """

    domain: str
    name: str
    judged_by: str
    gallery: int
    asked: Rows
    chance: Mapping[str, float]
    best: Mapping[str, float]
    answers: Mapping[str, Judged]
    means: Mapping[str, Mapping[str, Interval]]
    differences: Mapping[str, Mapping[str, Interval]]

    @property
    def serving(self) -> str:
        """The encoder that serves this domain."""
        return next(iter(self.answers))

    def figures(self) -> dict[str, Any]:
        """What is told of it, without the single queries."""
        return {
            "domain": self.domain, "direction": self.name, "judged_by": self.judged_by, "queries": len(self.asked),
            "gallery": self.gallery, "chance": self.chance, "best": self.best, "serving": self.serving,
            "measures": self.means, "differences": self.differences,
        }  # fmt: skip

    def lines(self, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
        """One line a query: who asked, what the serving encoder found, and every encoder's values."""
        answer = self.answers[self.serving]
        for number, row in enumerate(self.asked.tolist()):
            found = [place for place in answer.found[number].tolist() if place >= 0]
            yield {
                "domain": self.domain,
                "direction": self.name,
                "record": _named(rows[row]),
                "picture": rows[row].digest,
                "found": [_named(rows[place]) for place in found],
                "right": answer.hits[number, : len(found)].tolist(),
                "before": float(answer.before[number]),
                "values": {
                    name: {measure: float(values[number]) for measure, values in judged.values.items()}
                    for name, judged in self.answers.items()
                },
            }


@dataclass(frozen=True)
class DomainResult:
    """What was asked in one domain, and every direction that has queries."""

    cases: DomainCases
    directions: tuple[Direction, ...]


def evaluate_encoders(
    rows: Sequence[Row],
    features: HomeFeatures,
    frozen: HomeFeatures | None,
    weights: Path,
    held_out: bool = False,
    own: Mapping[str, Space] | None = None,
) -> Iterator[DomainResult]:
    """Results of every domain with pictures to ask for.

    Args:
        rows: Pictures, as `evaluated_rows` gives them.
        features: Their features, by the tower of the heads.
        frozen: Their features by the tower as it came, where the heads have a tuned one.
        weights: The folder of the heads.
        held_out: Ask only for patients that no shipped fit has seen; galleries hold all.
        own: By domain, what the encoder makes of its rows that serves there instead of a head of the folder.

    Raises:
        UnknownNameError: the folder holds no general head.
        ModelError: a head is damaged.
    """
    for cases in domain_cases(rows, features, frozen, held_out):
        if cases.asked.any():
            serving = {OWN: own[cases.domain]} if own and cases.domain in own else {}
            yield judge_domain(cases, serving | domain_spaces(cases, weights))


def judge_domain(cases: DomainCases, spaces: Mapping[str, Space]) -> DomainResult:
    """Every direction of one domain.

    * image→text: the gallery is every distinct text of the domain. Right is the picture's own text, and any text whose
      sentence vector has a cosine above 0.98 with it.
    * text→image: distinct texts of the asked pictures against these pictures, judged in the same way.
    * image→image: every picture of other patients. Right is one that shares a tag; pictures without a tag do not ask,
      and where tags are regions, are not found either.
    """
    both = {name: space for name, space in spaces.items() if space.texts is not None}
    texts, text_of = _distinct(cases.pairs.said)
    same = _alike(cases.pairs.texts[texts])
    asked = np.flatnonzero(cases.asked)
    said = np.unique(text_of[asked])  # numbers of the distinct texts that the asked pictures have
    first = np.array([asked[text_of[asked] == number][0] for number in said.tolist()], np.intp)
    to_text = Questions(asked, texts, same[text_of[asked]])
    to_image = Questions(first, asked, same[said][:, text_of[asked]])
    directions = [
        _direction(cases, "image→text", to_text, {name: (s.images, s.texts) for name, s in both.items()}),
        _direction(cases, "text→image", to_image, {name: (s.texts, s.images) for name, s in both.items()}),
    ]
    alike = _among_pictures(cases)
    if len(alike.asked):
        sides = {name: (space.images, space.images) for name, space in spaces.items()}
        directions.append(_direction(cases, "image→image", alike, sides))
    return DomainResult(cases, tuple(directions))


def _direction(cases: DomainCases, name: str, questions: Questions, sides: Mapping[str, tuple[Any, Any]]) -> Direction:
    patients = [cases.pairs.patients[row] for row in questions.asked.tolist()]
    measures = DIRECTIONS[name]
    answers = {
        encoder: _judged(questions, asking[questions.asked] @ asked[questions.gallery].T, measures)
        for encoder, (asking, asked) in sides.items()
    }
    means = {
        encoder: {measure: bootstrap_mean(values.tolist(), patients) for measure, values in judged.values.items()}
        for encoder, judged in answers.items()
    }
    serving = next(iter(answers.values())).values
    differences = {
        encoder: {
            measure: paired_difference(serving[measure].tolist(), values.tolist(), patients)
            for measure, values in judged.values.items()
        }
        for encoder, judged in list(answers.items())[1:]
    }
    judged_by = cases.judged_by if name == "image→image" else "texts"
    chance, best = _bounds(questions, measures)
    return Direction(
        cases.domain,
        name,
        judged_by,
        len(questions.gallery),
        questions.asked,
        chance,
        best,
        answers,
        means,
        differences,
    )


def _judged(questions: Questions, scores: NDArray[np.float32], measures: Sequence[str]) -> Judged:
    right = questions.right
    if questions.hidden is not None:
        scores = np.where(questions.hidden, -np.inf, scores)
        right = right & ~questions.hidden
    order = np.argsort(-scores, axis=1, kind="stable")[:, :_DEPTH]
    order = np.where(np.isfinite(np.take_along_axis(scores, order, axis=1)), order, -1)
    before = places_before(scores, right)
    values = {
        name: precision_at_k(right, order) if name.startswith("P@") else (before < _cut(name)).astype(np.float64)
        for name in measures
    }
    hits = np.take_along_axis(right, np.maximum(order, 0), axis=1) & (order >= 0)
    return Judged(values, np.where(order >= 0, questions.gallery[order], -1), hits, before)


def _bounds(questions: Questions, measures: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    """What a random and what a perfect order of the gallery would reach."""
    hidden = np.zeros_like(questions.right) if questions.hidden is None else questions.hidden
    right, there = (questions.right & ~hidden).sum(axis=1), (~hidden).sum(axis=1)
    chance, best = {}, {}
    for name in measures:
        k = _cut(name)
        if name.startswith("P@"):
            each, most = right / there, np.minimum(right, k) / np.minimum(there, k)
        else:
            pairs = zip(there.tolist(), right.tolist(), strict=True)
            each, most = np.array([random_success(size, count, k) for size, count in pairs]), right > 0
        chance[name], best[name] = round(float(each.mean()), 4), round(float(most.mean()), 4)
    return chance, best


def _among_pictures(cases: DomainCases) -> Questions:
    """Pictures against those of other patients; only those with tags ask, and where tags are regions, are found."""
    tagged = np.array([bool(tags) for tags in cases.tags], bool)
    names = {tag: number for number, tag in enumerate(sorted({tag for tags in cases.tags for tag in tags}))}
    carries = np.zeros((len(tagged), len(names)), np.float32)
    for row, tags in enumerate(cases.tags):
        carries[row, [names[tag] for tag in tags]] = 1.0
    patients = np.array(cases.pairs.patients)
    gallery = np.flatnonzero(tagged) if cases.judged_by == "body region" else np.arange(len(tagged))
    asked = np.flatnonzero(cases.asked & tagged)
    hidden = patients[asked][:, None] == patients[gallery][None]
    answered = ~hidden.all(axis=1)
    asked, hidden = asked[answered], hidden[answered]
    return Questions(asked, gallery, carries[asked] @ carries[gallery].T > 0, hidden)


def _distinct(said: Sequence[str]) -> tuple[Rows, Rows]:
    """The first row of each distinct text (t,), and the number of its text for each row (n,)."""
    numbers: dict[str, int] = {}
    text_of = np.array([numbers.setdefault(text, len(numbers)) for text in said], np.intp)
    return np.unique(text_of, return_index=True)[1].astype(np.intp), text_of


def _alike(texts: NDArray[np.float32]) -> Mask:
    """Which of the distinct texts (t, d) say the same (t, t)."""
    vectors = unit_rows(texts)
    same = vectors @ vectors.T > _SAME
    np.fill_diagonal(same, True)
    return np.asarray(same, bool)


def _cut(name: str) -> int:
    return int(name.rsplit("@", 1)[1])


def _named(row: Row) -> str:
    return f"{row.record.corpus}/{row.record.id}"
