"""Missing sides: the same cases asked by picture alone, by words alone, and by both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from corpora.errors import SourceError
from corpora.records import Record
from indexing.describe import joint_text
from indexing.training.split import patient_groups, split_by_patient
from retrievers.evaluation.measures import Interval, bootstrap_mean
from retrievers.query import Query
from retrievers.retriever import Retriever

__all__ = ["SIDES", "SideResult", "evaluate_sides"]

# The subset without picture and without words is no question: `Query` refuses it.
SIDES = {"picture": (True, False), "words": (False, True), "picture and words": (True, True)}
_K = 5
_FETCHED = 3 * _K
_SEED = 0


@dataclass(frozen=True)
class SideResult:
    """One domain asked with these sides: P@5 of the label among the cases found, and the accuracy of routing."""

    domain: str
    sides: str
    precision: Interval
    routing: Interval


def evaluate_sides(
    retriever: Retriever,
    records: Mapping[int, Record],
    *,
    domains: tuple[str, ...] | None = None,
    most: int = 15,
    held_out: bool = False,
    progress: Callable[[int, int, str], None] = lambda done, total, stage: None,
) -> list[SideResult]:
    """Ask whole searches (routing, every list, fusion) for cases that have a picture, words and a label.

    The words are the case's own caption and findings; no record of its patient may be found. Right is a case that
    shares a label, of the first five cases found; figures and passages among the hits are passed over.

    Args:
        retriever: What is asked.
        records: The records by number.
        domains: Only these; all where None.
        most: Cases of one domain, drawn at random (always the same ones).
        held_out: Only patients that no shipped fit has seen.
        progress: Called with searches done, searches in all, and what is being done.
    """
    chosen: dict[str, list[Record]] = {}
    ordered = [records[uid] for uid in sorted(records)]
    groups = patient_groups(ordered)
    for row in np.random.default_rng(_SEED).permutation(len(ordered)).tolist():
        record = ordered[row]
        mine = chosen.setdefault(record.domain, [])
        wanted = domains is None or record.domain in domains
        unseen = not held_out or split_by_patient([groups[record.uid]])[0]
        if wanted and len(mine) < most and _can_be_asked(record) and unseen:
            mine.append(record)
    total = len(SIDES) * sum(len(found) for found in chosen.values())
    results: list[SideResult] = []
    done = 0
    for domain, found in sorted(chosen.items()):
        scores: dict[str, list[tuple[float, float, str]]] = {name: [] for name in SIDES}
        for record in found:
            try:
                picture = retriever.images.open(record.pictures[0].digest)
            except SourceError:
                picture = None
            for name, (with_picture, with_words) in SIDES.items():
                done += 1
                progress(done, total, f"{domain} {name}")
                if picture is not None:
                    scores[name].append(_asked(retriever, record, picture if with_picture else None, with_words))
        for name, rows in scores.items():
            if rows:
                patients = [patient for _, _, patient in rows]
                precision = bootstrap_mean([value for value, _, _ in rows], patients)
                routing = bootstrap_mean([value for _, value, _ in rows], patients)
                results.append(SideResult(domain, name, precision, routing))
    return results


def _asked(
    retriever: Retriever, record: Record, picture: Image.Image | None, with_words: bool
) -> tuple[float, float, str]:
    """P@5, whether it was routed rightly, and the patient."""
    patient = f"{record.corpus}/{record.patient}" if record.patient else ""
    query = Query(
        text=joint_text(record) if with_words else "",
        images=[] if picture is None else [picture],
        exclude=[f"{record.corpus}/{record.id}"],
        exclude_patients=[patient] if patient else [],
    )
    found = retriever.search(query, _FETCHED)
    cases = [hit.record for hit in found.hits if hit.record.kind == "case"][:_K]
    right = sum(bool(set(case.labels) & set(record.labels)) for case in cases)
    return right / _K, float(found.domain.name == record.domain), patient or f"{record.corpus}/{record.id}"


def _can_be_asked(record: Record) -> bool:
    return record.kind == "case" and bool(record.pictures and record.labels and joint_text(record))
