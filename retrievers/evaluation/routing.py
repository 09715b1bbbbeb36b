"""`eval routing`: are pictures sent to their domain, and is what is no medical picture turned away?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpora.errors import InputError, SourceError
from corpora.images import ImageStore
from corpora.records import Record
from indexing.training.everyday_pictures import everyday_pictures
from indexing.training.split import patient_groups, split_by_patient
from retrievers.evaluation.measures import Interval, bootstrap_mean
from retrievers.found import DomainFound
from retrievers.query import Query
from retrievers.router import Router

__all__ = ["RoutingResult", "evaluate_routing"]

_MADE = 135
_EVERYDAY_SEED = 977  # other pictures than those that the router was fitted on

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class RoutingResult:
    """Accuracy by domain, their mean, how often medical and everyday pictures are turned away, and the calibration.

    `auroc` is that of the router's strangeness: how surely an everyday picture is stranger than a medical one.
    """

    accuracy: Mapping[str, Interval]
    macro: float
    rejected_medical: Interval
    rejected_everyday: Interval
    ece: float
    auroc: float
    queries: tuple[Mapping[str, Any], ...]


def evaluate_routing(
    router: Router,
    records: Iterable[Record],
    store: ImageStore,
    domains: Iterable[str],
    *,
    everyday: Sequence[Path] = (),
    most: int = 200,
    held_out: bool = False,
    progress: Progress = lambda done, total, stage: None,
) -> RoutingResult:
    """Route the first picture of up to `most` cases a domain, and pictures that are not medical.

    Args:
        router: The router.
        records: Cases with a domain.
        store: Their pictures.
        domains: Those that the index holds.
        everyday: Files of pictures that are not medical; where empty, pictures made by code.
        most: Cases of a domain at most.
        held_out: Only patients that no shipped fit has seen.
        progress: Called with pictures done, pictures in all, and what is being done.

    Raises:
        InputError: there is no picture of a case to route.
    """
    known = sorted(set(domains))
    lines: list[dict[str, Any]] = []
    cases = _cases(records, held_out)
    there = Counter(record.domain for record, _ in cases)
    total = sum(min(most, count) for count in there.values()) + (len(everyday) or _MADE)
    counts: Counter[str] = Counter()
    for record, patient in cases:
        if counts[record.domain] >= most:
            continue
        progress(len(lines), total, f"routing {record.domain}")
        try:
            query = Query(images=[store.path(record.pictures[0].digest)])
            found = router.route(query, known)
        except SourceError:
            continue
        counts[record.domain] += 1
        lines.append(_line(f"{record.corpus}/{record.id}", patient, record.domain, found, router.strangeness(query)))
    if not lines:
        only = " of held-out patients; ask without --held-out" if held_out else "; add cases and build the index"
        raise InputError(f"There is no picture of a case to route{only}.")
    for name, query in _everyday(everyday):
        progress(len(lines), total, "routing everyday pictures")
        lines.append(_line(name, name, None, router.route(query, known), router.strangeness(query)))
    progress(total, total, "measuring")
    return _summary(lines)


def _cases(records: Iterable[Record], held_out: bool) -> list[tuple[Record, str]]:
    """Cases with a picture, each with its group of patients."""
    records = list(records)
    groups = patient_groups(records)
    cases = [(record, groups[record.uid]) for record in records if record.kind == "case" and record.pictures]
    held = split_by_patient([patient for _, patient in cases]).tolist()
    return [case for case, chosen in zip(cases, held, strict=True) if chosen or not held_out]


def _everyday(files: Sequence[Path]) -> Iterator[tuple[str, Query]]:
    for path in files:
        yield f"everyday/{path.name}", Query(images=[path])
    if not files:
        for number, picture in enumerate(everyday_pictures(_MADE, seed=_EVERYDAY_SEED)):
            yield f"everyday/{number}", Query(images=[picture])


def _line(name: str, patient: str, gold: str | None, found: DomainFound, strangeness: float) -> dict[str, Any]:
    return {
        "record": name,
        "patient": patient,
        "domain": gold,
        "found": found.name,
        "probability": found.probability,
        "strangeness": round(strangeness, 4),
    }


def _summary(lines: list[dict[str, Any]]) -> RoutingResult:
    medical = [line for line in lines if line["domain"] is not None]
    everyday = [line for line in lines if line["domain"] is None]
    accuracy = {}
    for name in sorted({line["domain"] for line in medical}):
        mine = [line for line in medical if line["domain"] == name]
        right = [float(line["found"] == name) for line in mine]
        accuracy[name] = bootstrap_mean(right, [line["patient"] for line in mine])
    routed = [line for line in medical if line["found"] is not None]
    return RoutingResult(
        accuracy=accuracy,
        macro=round(float(np.mean([interval.mean for interval in accuracy.values()])), 4) if accuracy else 0.0,
        rejected_medical=_rejected(medical),
        rejected_everyday=_rejected(everyday),
        ece=expected_calibration_error(
            [line["probability"] for line in routed], [line["found"] == line["domain"] for line in routed]
        ),
        auroc=_auroc(lines),
        queries=tuple(lines),
    )


def _auroc(lines: list[dict[str, Any]]) -> float:
    """The chance that an everyday picture is stranger than a medical one; ties count half."""
    medical = np.array([line["strangeness"] for line in lines if line["domain"] is not None])
    everyday = np.array([line["strangeness"] for line in lines if line["domain"] is None])
    if not len(medical) or not len(everyday):
        return 0.0
    stranger = (everyday[:, None] > medical[None]).mean() + (everyday[:, None] == medical[None]).mean() / 2
    return round(float(stranger), 4)


def _rejected(lines: list[dict[str, Any]]) -> Interval:
    return bootstrap_mean([float(line["found"] is None) for line in lines], [line["patient"] for line in lines])


def expected_calibration_error(probabilities: list[float], right: list[bool], bins: int = 15) -> float:
    """The mean gap between probability and accuracy over equal bins (Guo et al., ICML 2017).

    >>> expected_calibration_error([1.0, 1.0], [True, False])
    0.5
    """
    if not probabilities:
        return 0.0
    said, truth = np.asarray(probabilities), np.asarray(right, dtype=float)
    place = np.minimum((said * bins).astype(int), bins - 1)
    gaps = [abs(truth[place == b].mean() - said[place == b].mean()) * (place == b).mean() for b in set(place.tolist())]
    return round(float(sum(gaps)), 4)
