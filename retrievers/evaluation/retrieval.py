"""`eval retrieval`: every direction of every domain, on stored vectors, without the case itself or its patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora.records import Record
from indexing.describe import joint_text
from indexing.opened import OpenedIndex, OpenedSide
from indexing.training.heads import split_by_patient
from retrievers.evaluation.measures import Interval, bootstrap_mean, measure_queries

__all__ = ["DirectionResult", "evaluate_retrieval"]

_DEPTH = 100
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
        for direction, (asked, target) in _CROSS.items():
            if (domain, asked) in index.sides and (domain, target) in index.sides:
                result = _cross(
                    domain, direction, index.sides[domain, asked], index.sides[domain, target], records, held_out
                )
                if result is not None:
                    yield result
        for direction, side in _WITHIN.items():
            if (domain, side) in index.sides:
                result = _within(domain, direction, index.sides[domain, side], records, held_out)
                if result is not None:
                    yield result


@dataclass(frozen=True)
class _Rows:
    """One entry a record: vectors (n, d), and what is needed to judge."""

    records: list[Record]
    vectors: NDArray[np.float32]
    patients: list[str]
    held: NDArray[np.bool_]


def _rows(side: OpenedSide, records: Mapping[int, Record]) -> _Rows:
    _, first = np.unique(side.records, return_index=True)
    kept = [row for row in first.tolist() if _is_case(records.get(int(side.records[row])))]
    chosen = [records[int(side.records[row])] for row in kept]
    patients = [f"{record.corpus}/{record.patient or record.id}" for record in chosen]
    return _Rows(chosen, np.asarray(side.vectors[kept], np.float32), patients, split_by_patient(patients))


def _is_case(record: Record | None) -> bool:
    return record is not None and bool(record.pictures)


def _cross(
    domain: str, direction: str, asked: OpenedSide, target: OpenedSide, records: Mapping[int, Record], held_out: bool
) -> DirectionResult | None:
    """Gallery: the distinct texts, or every picture, of the pictures that are asked for."""
    queries, gallery = _rows(asked, records), _rows(target, records)
    if held_out:
        queries, gallery = _subset(queries, queries.held), _subset(gallery, gallery.held)
    if not queries.records or not gallery.records:
        return None
    names = [joint_text(record) for record in gallery.records]
    if direction == "image→text":
        place = {name: row for row, name in enumerate(names)}
        gallery = _subset(gallery, np.isin(np.arange(len(names)), list(place.values())))
        names = [joint_text(record) for record in gallery.records]
    by_text: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        by_text.setdefault(name, []).append(row)
    relevant = {str(row): {str(n): 1 for n in by_text.get(joint_text(r), [])} for row, r in enumerate(queries.records)}
    ranked = _ranked(queries.vectors @ gallery.vectors.T)
    chance = float(np.mean([_random_success(len(names), len(grades), 10) for grades in relevant.values()]))
    return _result(domain, direction, queries, len(names), chance, relevant, ranked, gallery)


def _within(
    domain: str, direction: str, side: OpenedSide, records: Mapping[int, Record], held_out: bool
) -> DirectionResult | None:
    rows = _rows(side, records)
    asked = np.flatnonzero(rows.held) if held_out else np.arange(len(rows.records))
    labels = [frozenset(record.labels) for record in rows.records]
    patients = np.array(rows.patients, dtype=object)
    scores = rows.vectors[asked] @ rows.vectors.T
    scores[patients[asked][:, None] == patients[None]] = -np.inf
    relevant = {
        str(place): {
            str(n): 1 for n, other in enumerate(labels) if other & labels[row] and patients[n] != patients[row]
        }
        for place, row in enumerate(asked.tolist())
    }
    if not any(relevant.values()):
        return None
    ranked = _ranked(scores)
    chance = float(np.mean([len(grades) / max(1, len(labels)) for grades in relevant.values() if grades]))
    queries = _subset(rows, np.isin(np.arange(len(labels)), asked))
    return _result(domain, direction, queries, len(labels), chance, relevant, ranked, rows)


def _result(
    domain: str,
    direction: str,
    queries: _Rows,
    gallery: int,
    chance: float,
    relevant: Mapping[str, Mapping[str, int]],
    ranked: Mapping[str, Sequence[str]],
    found: _Rows,
) -> DirectionResult:
    measured = measure_queries(relevant, ranked)
    rows = [int(query) for query in measured]
    patients = [queries.patients[row] for row in rows]
    names = list(next(iter(measured.values()))) if measured else []
    intervals = {name: bootstrap_mean([measured[str(row)][name] for row in rows], patients) for name in names}
    lines = tuple(
        {
            "domain": domain,
            "direction": direction,
            "record": f"{queries.records[row].corpus}/{queries.records[row].id}",
            "found": [f"{found.records[int(n)].corpus}/{found.records[int(n)].id}" for n in ranked[str(row)][:5]],
            **measured[str(row)],
        }
        for row in rows
    )
    return DirectionResult(domain, direction, gallery, round(chance, 4), intervals, lines)


def _ranked(scores: NDArray[np.float32]) -> dict[str, list[str]]:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :_DEPTH]
    return {
        str(row): [str(n) for n in columns if np.isfinite(scores[row, n])] for row, columns in enumerate(order.tolist())
    }


def _random_success(gallery: int, relevant: int, k: int) -> float:
    """Chance that k random ones of a gallery hold one of the relevant ones."""
    missed = 1.0
    for step in range(min(k, gallery)):
        missed *= max(0.0, gallery - relevant - step) / (gallery - step)
    return 1.0 - missed


def _subset(rows: _Rows, chosen: NDArray[np.bool_]) -> _Rows:
    numbers = np.flatnonzero(chosen).tolist()
    return _Rows(
        [rows.records[n] for n in numbers],
        rows.vectors[numbers],
        [rows.patients[n] for n in numbers],
        rows.held[numbers],
    )
