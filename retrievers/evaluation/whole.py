"""`eval retrieval` of the whole retriever: held-out records asked from every side, beside chance and its own parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from corpora.errors import SourceError
from corpora.records import Record
from indexing.training.split import folds_by_patient
from retrievers.calibration.fusion import FusedQuestion
from retrievers.calibration.selection import Judged
from retrievers.calibration.weights import GROUPS
from retrievers.duplicates import collapse
from retrievers.evaluation.measures import measure_queries
from retrievers.evaluation.questions import Subject, Subjects
from retrievers.evaluation.variants import LEARNED, WHOLE, Heard, Listening, Variant
from retrievers.fusion import Fusion, LearnedWeights
from retrievers.fusion.learned import fit_learned_weights
from retrievers.relevance import carried
from retrievers.retriever import Retriever

__all__ = ["BEST", "MEASURES", "RANDOM", "Row", "evaluate_whole"]

RANDOM, BEST = "random", "best possible"
MEASURES = ("Success@1", "Success@5", "Success@10", "P@5", "P(rel=2)@5", "RR", "nDCG@10", "AP")

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Row:
    """One question answered in one way.

    `found` are uids, best first. `measures` count shared labels, `text` records whose text says the same (empty where
    there is none). `searched` is the domain it was sent to, None if turned away. `duplicates` counts near-identical
    records among the hits or with the asked one, `same_patient` those of its patient: both must be 0. `context` is what
    a selection policy sees, for the whole alone.
    """

    subject: Subject
    sides: str
    variant: str
    found: tuple[int, ...]
    searched: str | None
    duplicates: int
    same_patient: int
    context: Judged | None = None
    measures: Mapping[str, float] = field(default_factory=dict)
    text: Mapping[str, float] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        """Of the asked record."""
        return self.subject.record.domain

    def line(self, records: Mapping[int, Record]) -> dict[str, Any]:
        """As a line of `queries.jsonl`."""
        own = self.subject.record
        return {
            "domain": self.domain,
            "sides": self.sides,
            "variant": self.variant,
            "record": f"{own.corpus}/{own.id}",
            "patient": self.subject.patient,
            "found": [f"{records[uid].corpus}/{records[uid].id}" for uid in self.found],
            "grades": [self.subject.grades.get(uid, 0) for uid in self.found],
            "relevant": len(self.subject.grades),
            "routed": self.searched,
            "duplicates": self.duplicates,
            "same patient": self.same_patient,
            **self.measures,
            **{f"text {name}": value for name, value in self.text.items()},
        }


def evaluate_whole(
    retriever: Retriever,
    records: Mapping[int, Record],
    listening: Listening,
    *,
    ablation: bool = False,
    domains: Sequence[str] | None = None,
    most: int = 60,
    held_out: bool = False,
    seed: int = 0,
    progress: Progress = lambda done, total, stage: None,
) -> list[Row]:
    """Every question by the whole, by chance, by the best order there is, and with `ablation` by each variant.

    Args:
        retriever: The whole one.
        records: All of the home, by uid.
        listening: On the same retriever.
        ablation: Also with each part taken away.
        domains: Only these.
        most: Patients of each domain, one record of each.
        held_out: Only patients that no shipped fit has seen.
        seed: Of the choice of records and of the random evidence.
        progress: Called with what is done, what there is, and what is being done.
    """
    subjects = Subjects(retriever.index, records)
    names = [name for name in retriever.index.domains if domains is None or name in domains]
    chosen = [one for name in names for one in subjects.chosen(name, most=most, held_out=held_out, seed=seed)]
    rows: list[Row] = []
    heard: list[tuple[Subject, str, Heard]] = []
    for number, subject in enumerate(chosen):
        progress(number, len(chosen), f"asking {subject.record.domain}")
        try:
            asked = list(subject.queries(retriever.images))
        except SourceError:
            continue
        for sides, query in asked:
            heard.append((subject, sides, listening.hear(query, ablation)))
            rows += _plain_rows(retriever, *heard[-1], seed)
    if ablation:
        learned = _learned(heard)
        for number, (subject, sides, one) in enumerate(heard):
            progress(number, len(heard), f"fusing {subject.record.domain}")
            for variant in listening.variants:
                if sides in variant.asked:
                    fusion = learned.get(_fold(subject)) if variant.name == LEARNED else None
                    found = listening.hits(one, variant, subject.record.domain, fusion)
                    rows.append(_row(retriever, subject, sides, variant.name, found, _searched(variant, subject, one)))
    progress(len(chosen), len(chosen), "measuring")
    return _measured(rows)


def _plain_rows(retriever: Retriever, subject: Subject, sides: str, heard: Heard, seed: int) -> Iterator[Row]:
    hits = heard.found.hits
    found = tuple(hit.record.uid for hit in hits)
    context = None
    if hits:
        right = tuple(uid in subject.grades for uid in found)
        scores = carried(hits) or [hit.score for hit in hits]
        context = Judged(subject.patient, tuple(scores), right, subject.record.corpus)
    yield _row(retriever, subject, sides, WHOLE, found, heard.found.domain.name, context)
    gallery = np.array(sorted(subject.gallery), np.int64)
    drawn = np.random.default_rng([seed, subject.record.uid % 2**32]).permutation(gallery)[:10].tolist()
    best = sorted(subject.grades, key=lambda uid: (-subject.grades[uid], uid))[:10]
    for name, uids in ((RANDOM, drawn), (BEST, best)):
        yield Row(subject, sides, name, tuple(uids), subject.record.domain, 0, 0)


def _row(
    retriever: Retriever,
    subject: Subject,
    sides: str,
    variant: str,
    found: tuple[int, ...],
    searched: str | None,
    context: Judged | None = None,
) -> Row:
    stored = retriever.catalog.get([*found, subject.record.uid])
    own = stored.pop(subject.record.uid)
    kept = collapse([own, *(stored[uid] for uid in found if uid in stored)], retriever.index)
    duplicates = len(stored) + 1 - len(kept)
    same = sum(bool(own.patient) and one.patient_key == own.patient_key for one in stored.values())
    return Row(subject, sides, variant, found, searched, duplicates, same, context)


def _searched(variant: Variant, subject: Subject, heard: Heard) -> str | None:
    return subject.record.domain if variant.domains != "routed" else heard.found.domain.name


def _fold(subject: Subject) -> int:
    return int(folds_by_patient([subject.patient], 2)[0])


def _learned(heard: Sequence[tuple[Subject, str, Heard]]) -> dict[int, Fusion]:
    """For each half of the patients the weights that the other half teaches."""
    tables: dict[tuple[int, str, str], list[Any]] = {}
    for subject, sides, one in heard:
        domain = subject.record.domain
        if sides in GROUPS and domain in one.lists:
            question = FusedQuestion(subject.patient, domain, sides, one.lists[domain], frozenset(subject.grades))
            scores, right = question.table()
            if len(right):
                tables.setdefault((1 - _fold(subject), domain, sides), []).append((scores, right))
    weights: dict[int, dict[str, dict[str, float]]] = {0: {}, 1: {}}
    for (fold, domain, sides), questions in sorted(tables.items()):
        fitted = fit_learned_weights(questions).round(4).tolist()
        weights[fold].setdefault(domain, {}).update(zip(GROUPS[sides], fitted, strict=True))
    return {fold: LearnedWeights(found) for fold, found in weights.items()}


def _measured(rows: Sequence[Row]) -> list[Row]:
    """The rows with their measures, by `ir_measures`."""
    ranked = {str(number): [str(uid) for uid in row.found] for number, row in enumerate(rows)}
    graded = {
        str(number): {str(uid): grade for uid, grade in row.subject.grades.items()} for number, row in enumerate(rows)
    }
    alike = {str(number): dict.fromkeys(map(str, sorted(row.subject.alike)), 1) for number, row in enumerate(rows)}
    found = measure_queries(graded, ranked, MEASURES)
    said = measure_queries(alike, ranked, ("Success@5", "RR"))
    return [
        replace(row, measures=found.get(str(number), {}), text=said.get(str(number), {}))
        for number, row in enumerate(rows)
    ]
