"""`eval retrieval`: every direction of every domain, on stored vectors, without the case itself or its patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from corpora.records import Record
from indexing.opened import OpenedIndex
from retrievers.evaluation.measures import Interval, bootstrap_mean, measure_queries
from retrievers.evaluation.tasks import Rows, Task, cross_task, within_task

__all__ = ["DirectionResult", "evaluate_retrieval"]

_CROSS = {"image→text": ("image", "text"), "text→image": ("text", "image")}
_WITHIN = {"image→image": "image", "text→text": "sentence"}


@dataclass(frozen=True)
class DirectionResult:
    """One direction in one domain. `chance` is Success@10 of a random order (cross) or P@5 of one (within)."""

    domain: str
    direction: str
    gallery: int
    chance: float
    measures: Mapping[str, Interval]
    queries: tuple[Mapping[str, Any], ...]


def evaluate_retrieval(
    index: OpenedIndex, records: Mapping[int, Record], held_out: bool = False
) -> Iterator[DirectionResult]:
    """Results of each domain and direction.

    image→text and text→image: relevant is every text equal to the picture's own, or every picture under an equal text.
    image→image and text→text: relevant are cases of *other* patients that share a label; the own patient is left out.

    Args:
        index: The opened index.
        records: The records by number.
        held_out: Ask only for patients that no shipped fit has seen (the split of `indexing.training`).
    """
    for domain in index.domains:
        rows = {
            side: Rows.of(index.sides[domain, side], records)
            for side in ("image", "text", "sentence")
            if (domain, side) in index.sides
        }
        for direction, (asked, target) in _CROSS.items():
            if asked in rows and target in rows:
                task = cross_task(domain, direction, rows[asked], rows[target], held_out)
                if task is not None:
                    yield _result(task)
        for direction, side in _WITHIN.items():
            if side in rows:
                task = within_task(domain, direction, rows[side], held_out)
                if task is not None:
                    yield _result(task)


def _result(task: Task) -> DirectionResult:
    queries, found = task.queries, task.gallery
    ranked = task.ranked(queries.vectors)
    measured = measure_queries(task.judged(), ranked)
    rows = [int(query) for query in measured]
    patients = [queries.patients[row] for row in rows]
    names = list(next(iter(measured.values()))) if measured else []
    intervals = {name: bootstrap_mean([measured[str(row)][name] for row in rows], patients) for name in names}
    lines = tuple(
        {
            "domain": task.domain,
            "direction": task.direction,
            "record": f"{queries.records[row].corpus}/{queries.records[row].id}",
            "patient": queries.patients[row],
            "found": [f"{found.records[int(n)].corpus}/{found.records[int(n)].id}" for n in ranked[str(row)][:5]],
            **measured[str(row)],
        }
        for row in rows
    )
    return DirectionResult(task.domain, task.direction, len(found.records), round(task.chance, 4), intervals, lines)
