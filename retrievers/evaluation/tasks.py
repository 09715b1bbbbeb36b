"""What retrieval is asked in an evaluation: queries, gallery, and which answers are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from corpora.records import Record
from indexing.describe import joint_text
from indexing.opened import OpenedSide
from indexing.training.split import patient_groups, split_by_patient
from retrievers.evaluation.measures import random_success

__all__ = ["Rows", "Task", "cross_task", "within_task"]

_DEPTH = 100


@dataclass(frozen=True)
class Rows:
    """One entry a record: vectors (n, d), and what is needed to judge; `patients` who stay together go by one name."""

    records: list[Record]
    vectors: NDArray[np.float32]
    patients: list[str]
    held: NDArray[np.bool_]

    @classmethod
    def of(cls, side: OpenedSide, records: Mapping[int, Record]) -> Rows:
        """The first entry of every record with pictures."""
        _, first = np.unique(side.records, return_index=True)
        kept = [row for row in first.tolist() if _has_picture(records.get(int(side.records[row])))]
        chosen = [records[int(side.records[row])] for row in kept]
        groups = patient_groups(records.values())
        patients = [groups[record.uid] for record in chosen]
        return cls(chosen, np.asarray(side.vectors[kept], np.float32), patients, split_by_patient(patients))

    def subset(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Rows:
        """The rows of a mask (n,) or of row numbers."""
        numbers = np.arange(len(self.records))[chosen].tolist()
        return Rows(
            [self.records[n] for n in numbers],
            self.vectors[numbers],
            [self.patients[n] for n in numbers],
            self.held[numbers],
        )


@dataclass(frozen=True)
class Task:
    """One direction of one domain.

    `relevant[q]` are the right rows of the gallery for query q; `hidden` (q, g) marks what must not be found.
    `chance` is Success@10 of a random order (across sides) or P@5 of one (within a side).
    """

    domain: str
    direction: str
    queries: Rows
    gallery: Rows
    relevant: tuple[frozenset[int], ...]
    chance: float
    hidden: NDArray[np.bool_] | None = None

    def asking(self, chosen: NDArray[np.intp]) -> Task:
        """The same task for some of its queries, by their row numbers."""
        hidden = None if self.hidden is None else self.hidden[chosen]
        relevant = tuple(self.relevant[row] for row in chosen.tolist())
        return replace(self, queries=self.queries.subset(chosen), relevant=relevant, hidden=hidden)

    def judged(self) -> dict[str, dict[str, int]]:
        """Grades of the right answers by query, as `measure_queries` takes them."""
        return {str(row): {str(n): 1 for n in sorted(right)} for row, right in enumerate(self.relevant)}

    def ranked(self, vectors: NDArray[np.float32], depth: int = _DEPTH) -> dict[str, list[str]]:
        """The gallery's rows for each query, best first, when the queries (q, d) look like this."""
        scores = vectors @ self.gallery.vectors.T
        if self.hidden is not None:
            scores[self.hidden] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
        return {
            str(row): [str(n) for n in columns if np.isfinite(scores[row, n])]
            for row, columns in enumerate(order.tolist())
        }


def cross_task(domain: str, direction: str, asked: Rows, target: Rows, held_out: bool = False) -> Task | None:
    """From one side to the other; None where a side is empty.

    Gallery: the distinct texts, or every picture, of the pictures that are asked for. Relevant is every text equal to
    the picture's own, or every picture under an equal text.
    """
    queries, gallery = (rows.subset(rows.held) if held_out else rows for rows in (asked, target))
    if not queries.records or not gallery.records:
        return None
    names = [joint_text(record) for record in gallery.records]
    if direction == "image→text":
        last = sorted({name: row for row, name in enumerate(names)}.values())
        gallery, names = gallery.subset(np.array(last)), [names[row] for row in last]
    by_text: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        by_text.setdefault(name, []).append(row)
    relevant = tuple(frozenset(by_text.get(joint_text(record), ())) for record in queries.records)
    chance = float(np.mean([random_success(len(names), len(right), 10) for right in relevant]))
    return Task(domain, direction, queries, gallery, relevant, chance)


def within_task(domain: str, direction: str, rows: Rows, held_out: bool = False) -> Task | None:
    """Within one side; None where no query has an answer.

    Relevant are cases of *other* patients that share a label; the own patient is never found.
    """
    asked = np.flatnonzero(rows.held) if held_out else np.arange(len(rows.records))
    labels = [frozenset(record.labels) for record in rows.records]
    patients = np.array(rows.patients, dtype=object)
    hidden = np.asarray(patients[asked][:, None] == patients[None], bool)
    relevant = tuple(
        frozenset(n for n, other in enumerate(labels) if other & labels[row] and not own[n])
        for row, own in zip(asked.tolist(), hidden, strict=True)
    )
    if not any(relevant):
        return None
    chance = float(np.mean([len(right) / max(1, len(labels)) for right in relevant if right]))
    return Task(domain, direction, rows.subset(asked), rows, relevant, chance, hidden)


def _has_picture(record: Record | None) -> bool:
    return record is not None and bool(record.pictures)
