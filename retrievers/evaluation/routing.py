"""`eval routing`: are pictures sent to their domain, and is what is no medical picture turned away?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpora.errors import SourceError
from corpora.images import ImageStore
from corpora.records import Record
from indexing.training.everyday_pictures import everyday_pictures
from indexing.training.heads import split_by_patient
from retrievers.evaluation.measures import Interval, bootstrap_mean
from retrievers.query import Query
from retrievers.router import Router

__all__ = ["RoutingResult", "evaluate_routing"]

_EVERYDAY_SEED = 977  # other pictures than those that the router was fitted on


@dataclass(frozen=True)
class RoutingResult:
    """Accuracy by domain, their mean, how often medical and everyday pictures are turned away, and the calibration."""

    accuracy: Mapping[str, Interval]
    macro: float
    rejected_medical: Interval
    rejected_everyday: Interval
    ece: float
    queries: tuple[Mapping[str, Any], ...]


def evaluate_routing(
    router: Router,
    records: Iterable[Record],
    store: ImageStore,
    domains: Iterable[str],
    *,
    everyday: int = 105,
    most: int = 200,
    held_out: bool = False,
) -> RoutingResult:
    """Route the first picture of up to `most` cases a domain, and `everyday` pictures that are not medical."""
    known = sorted(set(domains))
    lines: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for record in records:
        patient = f"{record.corpus}/{record.patient or record.id}"
        if record.kind != "case" or not record.pictures or counts.get(record.domain, 0) >= most:
            continue
        if held_out and not split_by_patient([patient])[0]:
            continue
        try:
            found = router.route(Query(images=[store.path(record.pictures[0].digest)]), known)
        except SourceError:
            continue
        counts[record.domain] = counts.get(record.domain, 0) + 1
        lines.append(_line(f"{record.corpus}/{record.id}", patient, record.domain, found.name, found.probability))
    for number, picture in enumerate(everyday_pictures(everyday, seed=_EVERYDAY_SEED)):
        found = router.route(Query(images=[picture]), known)
        lines.append(_line(f"everyday/{number}", f"everyday/{number}", None, found.name, found.probability))
    return _summary(lines)


def _line(name: str, patient: str, gold: str | None, found: str | None, probability: float) -> dict[str, Any]:
    return {"record": name, "patient": patient, "domain": gold, "found": found, "probability": probability}


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
        queries=tuple(lines),
    )


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
