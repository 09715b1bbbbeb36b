"""Calibrating a home: every part fitted on one half of the held-out patients and judged on the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np

from corpora.domains import TEXTBOOK
from corpora.errors import InputError
from corpora.records import Record
from indexing.describe import joint_text
from indexing.opened import OpenedIndex
from indexing.training.everyday_pictures import everyday_pictures
from indexing.training.split import patient_groups
from retrievers.calibration.fusion import fit_fusion
from retrievers.calibration.gap import fit_gap, pairs_of
from retrievers.calibration.questions import Asked, Case, Neighbours, ask, held_cases, opened_picture, some_of
from retrievers.calibration.relevance import HitsJudged, fit_domain_relevance
from retrievers.calibration.risk import DELTA, fit_risk
from retrievers.calibration.router import Routed, fit_floor, fit_temperature
from retrievers.calibration.selection import fit_policies
from retrievers.calibration.values import (
    Calibration,
    DomainCalibration,
    Part,
    RouterCalibration,
    SelectionCalibration,
)
from retrievers.calibration.weights import GROUPS, fit_weights
from retrievers.query import Query
from retrievers.retriever import Retriever

__all__ = ["CalibrationReport", "calibrate"]

_MOST_PAIRS = 1000  # of a half and domain, for the gap: each is compared with the whole domain
_EVERYDAY = 70
_EVERYDAY_SEED = 1871  # other pictures than those that the router is fitted and measured on

Row = TypeVar("Row")
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class CalibrationReport:
    """A fitted calibration, not yet stored; how many patients fitted and judged it, by domain; how long it took."""

    calibration: Calibration
    fitting: Mapping[str, int]
    judging: Mapping[str, int]
    seconds: float


def calibrate(
    retriever: Retriever,
    *,
    seed: int = 0,
    share: float = 0.15,
    most: int = 60,
    rejection: float = 0.01,
    progress: Progress = lambda done, total, stage: None,
) -> CalibrationReport:
    """Fit what can be fitted to a home's own records, and keep what wins.

    Everything is compared with the defaults, whatever calibration the home has now; nothing is stored.

    Args:
        retriever: On the home.
        seed: Of the halves, of the choice of cases, and of the bootstrap.
        share: Of patients that are asked. 0.15 are those that no shipped fit has seen; with records that no fit has
            ever seen, as those of a site's own, it may be 1.
        most: Cases asked of each domain and half.
        rejection: Share of medical pictures that the router may turn away.
        progress: Called with what is done, what there is, and what is being done.

    Raises:
        InputError: a share is not above 0 and at most 1, or `most` is below 1.
        IndexMissingError: nothing is indexed.
    """
    for name, value in (("share", share), ("rejection", rejection)):
        if not 0 < value <= 1:
            raise InputError(f"{name} is {value:g}; it must be above 0 and at most 1.")
    if most < 1:
        raise InputError(f"most is {most}; it must be 1 or more.")
    started = time.monotonic()
    index = retriever.index
    records = {record.uid: record for record in retriever.catalog.records()}
    indexed = set(index.records.tolist())
    cases = held_cases((record for uid, record in records.items() if uid in indexed), seed=seed, share=share)
    parts: list[Part] = []
    domains: dict[str, DomainCalibration] = {}
    for part, domain, values in _gaps(index, list(records.values()), cases, seed):
        parts.append(part)
        if values is not None:
            domains[domain] = values
    found = Calibration(domains=domains)
    heard = _Heard(retriever, found, some_of(cases, most, seed), records, progress)
    router, routed = _router(retriever, heard, rejection, seed)
    for part, domain, weights in _weights(heard.asked, index.domains, seed):
        parts.append(part)
        if weights:
            old = domains.get(domain, DomainCalibration())
            domains[domain] = replace(old, weights={**old.weights, **weights})
    calibration = Calibration(
        version=index.manifest.label,
        encoders=index.manifest.fingerprints,
        router=router,
        domains=dict(sorted(domains.items())),
        parts=(*routed, *parts),
        seed=seed,
        share=share,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    for step in (_fusion, _relevance, _selection):
        calibration = step(retriever, heard.asked, calibration, seed)
    seconds = round(time.monotonic() - started, 1)
    return CalibrationReport(calibration, _patients(cases, False), _patients(cases, True), seconds)


class _Heard:
    """Every chosen case, asked once: what the router sees of it, and the lists that its picture and its words find."""

    def __init__(
        self,
        retriever: Retriever,
        calibration: Calibration,
        cases: Sequence[Case],
        records: Mapping[int, Record],
        progress: Progress,
    ) -> None:
        neighbours = Neighbours(retriever.index, records)
        features = retriever.base_router.features
        self.asked: list[Asked] = []
        self.pictures: list[tuple[Case, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]] = []
        self.texts: list[tuple[Case, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]] = []
        for number, case in enumerate(cases):
            progress(number, len(cases), f"asking {case.record.domain}")
            picture = opened_picture(retriever, case.record)
            if picture is None:
                continue
            self.pictures.append((case, features.image(Query(images=[picture]).pictures[0])))
            if joint_text(case.record):
                self.texts.append((case, features.text(joint_text(case.record))))
            self.asked += ask(retriever, case, picture, neighbours, calibration)
        progress(len(cases), len(cases), "fitting")


def _gaps(
    index: OpenedIndex, records: Sequence[Record], cases: Sequence[Case], seed: int
) -> Iterator[tuple[Part, str, DomainCalibration | None]]:
    halves = {case.record.uid: case.judging for case in some_of(cases, _MOST_PAIRS, seed)}
    groups = patient_groups(records)
    for domain in index.domains:
        pairs, kept = pairs_of(index, domain, [record for record in records if record.domain == domain], groups)
        if not kept:
            continue
        fitting, judging = (
            np.array([row for row, record in enumerate(kept) if halves.get(record.uid) is half], np.int64)
            for half in (False, True)
        )
        names = [groups[record.uid] for record in kept]
        part, values = fit_gap(domain, pairs, fitting, judging, names, seed=seed)
        yield part, domain, values


def _router(
    retriever: Retriever, heard: _Heard, rejection: float, seed: int
) -> tuple[RouterCalibration, tuple[Part, ...]]:
    base = retriever.base_router
    pictures = [_routed(heard.pictures, judging) for judging in (False, True)]
    texts = [_routed(heard.texts, judging) for judging in (False, True)]
    seen, temperature = fit_temperature("picture", base.image, pictures[0], pictures[1], seed=seed)
    read, text_temperature = fit_temperature("words", base.text, texts[0], texts[1], seed=seed)
    photographs = np.stack([base.features.image(one) for one in everyday_pictures(_EVERYDAY, seed=_EVERYDAY_SEED)])
    scaled = base.image if temperature is None else replace(base.image, temperature=temperature)
    near, floor = fit_floor(scaled, pictures[0], pictures[1], photographs, rejection=rejection, seed=seed)
    fitted = any(value is not None for value in (temperature, text_temperature, floor))
    fingerprint = base.fingerprint if fitted else ""
    return RouterCalibration(temperature, text_temperature, floor, fingerprint), (seen, read, near)


def _routed(rows: Sequence[tuple[Case, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]], judging: bool) -> Routed:
    mine = [(case, features) for case, features in rows if case.judging is judging]
    return Routed(
        np.stack([features for _, features in mine]) if mine else np.zeros((0, 1), np.float32),
        tuple(case.record.domain for case, _ in mine),
        tuple(case.patient for case, _ in mine),
    )


def _weights(
    asked: Sequence[Asked], domains: Sequence[str], seed: int
) -> Iterator[tuple[Part, str, Mapping[str, float]]]:
    for domain in domains:
        if domain == TEXTBOOK:  # its figures and passages have no labels by which lists could be judged
            continue
        for group in GROUPS:
            mine = [one for one in asked if one.case.record.domain == domain and one.group == group]
            fitting = [one.ranks() for one in mine if not one.case.judging]
            judging = [one.ranks() for one in mine if one.case.judging]
            part, weights = fit_weights(domain, group, fitting, judging, seed=seed)
            yield part, domain, weights


def _fusion(retriever: Retriever, asked: Sequence[Asked], calibration: Calibration, seed: int) -> Calibration:
    questions = [(one.case.judging, one.fused(calibration)) for one in asked]
    parts, won, learned = fit_fusion(*_halves(questions), seed=seed)
    domains = dict(calibration.domains)
    for name, weights in learned.items():
        domains[name] = replace(domains.get(name, DomainCalibration()), learned=weights)
    return replace(calibration, parts=calibration.parts + parts, fusion=won, domains=domains)


def _relevance(retriever: Retriever, asked: Sequence[Asked], calibration: Calibration, seed: int) -> Calibration:
    domains, parts = dict(calibration.domains), list(calibration.parts)
    for domain, group in sorted({(one.case.record.domain, one.group) for one in asked}):
        mine = [one for one in asked if (one.case.record.domain, one.group) == (domain, group)]
        found = [(one, one.hits(retriever, calibration)) for one in mine]
        rows = [
            (one.case.judging, row)
            for one, hits in found
            if (row := HitsJudged.of(one.case.patient, hits, one.right(hits))) is not None
        ]
        part, model = fit_domain_relevance(domain, group, *_halves(rows), seed=seed)
        parts.append(part)
        if model is not None:
            own = domains.get(domain, DomainCalibration())
            domains[domain] = replace(own, relevance={**own.relevance, group: model})
    return replace(calibration, parts=tuple(parts), domains=domains)


def _selection(retriever: Retriever, asked: Sequence[Asked], calibration: Calibration, seed: int) -> Calibration:
    fitting, judging = _halves([(one.case.judging, one.judged(retriever, calibration)) for one in asked])
    policies, values, won = fit_policies(fitting, judging, seed=seed)
    risk, (k, alpha, questions) = fit_risk(fitting, judging)
    chosen = SelectionCalibration(won, **values, k=k, alpha=alpha, delta=DELTA if k else 0.0, questions=questions)
    return replace(calibration, parts=(*calibration.parts, *policies, risk), selection=chosen)


def _halves(rows: Iterable[tuple[bool, Row]]) -> tuple[list[Row], list[Row]]:
    """Those that fit and those that judge."""
    halves: tuple[list[Row], list[Row]] = ([], [])
    for judging, row in rows:
        halves[judging].append(row)
    return halves


def _patients(cases: Sequence[Case], judging: bool) -> dict[str, int]:
    found: dict[str, set[str]] = {}
    for case in cases:
        if case.judging is judging:
            found.setdefault(case.record.domain, set()).add(case.patient)
    return {domain: len(names) for domain, names in sorted(found.items())}
