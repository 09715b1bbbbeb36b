"""`eval robustness`: how much retrieval and routing lose when the asked picture is blurred, noisy, too dark, …

The same held-out queries are asked with the clean and with each corrupted picture, and differences are taken query by
query, after MedMNIST-C (Di Salvo et al., 2024), whose error is over classes where ours is over what is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import InputError, SourceError, UnknownNameError
from corpora.images import ImageStore
from corpora.records import Record
from indexing.encoders.base import Encoder
from indexing.opened import OpenedIndex
from indexing.training.corruptions import SEVERITIES, corrupt, corruption_names, reference_picture
from retrievers.evaluation.measures import Interval, bootstrap_mean, measure_queries
from retrievers.evaluation.tasks import Rows, Task, cross_task, within_task
from retrievers.query import Query
from retrievers.router import Router

__all__ = ["MEASURES", "DomainRobustness", "FamilyChange", "Worst", "evaluate_robustness"]

# What is reported: name, direction, the measure of a query. A picture has one right text, so Success is Recall.
_RETRIEVAL = (("Recall@10", "image→text", "Success@10"), ("P@5", "image→image", "P@5"))
_ROUTING = "routing"
MEASURES = (*(name for name, _, _ in _RETRIEVAL), _ROUTING)

_BATCH = 16
_DEPTH = 10
_SEED = 0

Values = Mapping[str, NDArray[np.float64]]
Counter = Callable[[str, int], None]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Worst:
    """The severity at which a measure falls lowest, and its change there."""

    severity: int
    change: Interval


@dataclass(frozen=True)
class FamilyChange:
    """Changes of each measure (corrupted − clean, same queries) by severity, over all severities, and at the worst.

    `turned_away` is the share of the corrupted pictures that the router sends to no domain: lost, but not misled.
    """

    family: str
    severities: Mapping[int, Mapping[str, Interval]]
    mean: Mapping[str, Interval]
    worst: Mapping[str, Worst]
    turned_away: Interval


@dataclass(frozen=True)
class DomainRobustness:
    """One domain: how many pictures were asked, what the clean ones reach, and what each family takes from it.

    `queries` holds one line a picture, family and severity; the clean pictures are family "clean", severity 0.
    """

    domain: str
    pictures: int
    clean: Mapping[str, Interval]
    families: tuple[FamilyChange, ...]
    queries: tuple[Mapping[str, Any], ...]


def evaluate_robustness(
    index: OpenedIndex,
    records: Mapping[int, Record],
    store: ImageStore,
    encoder_of: Callable[[str], Encoder],
    router: Router,
    *,
    domains: Sequence[str] | None = None,
    families: Sequence[str] | None = None,
    most: int = 40,
    held_out: bool = False,
    progress: Progress = lambda done, total, stage: None,
) -> Iterator[DomainRobustness]:
    """Ask clean and corrupted pictures of each domain.

    Every picture is first reduced to a shorter side of 224 pixels, the clean ones too: severities are meant for that
    size, and so the difference is the corruption's alone. Galleries are those of `evaluate_retrieval`.

    Args:
        index: The opened index; the gallery's stored vectors are used as they are.
        records: The records by number.
        store: Where the pictures lie.
        encoder_of: The joint encoder of a domain; must be the one that built the index.
        router: Whose choice of the domain is judged, for cases (a textbook's figure may show any domain).
        domains: Only these; all where None.
        families: Only these, in every domain; where None those that a domain's pictures suffer from.
        most: Pictures of one domain, drawn at random (always the same ones).
        held_out: Only patients that no shipped fit has seen.
        progress: Called with pictures done, pictures in all, and what is being done.

    Raises:
        UnknownNameError: a domain or a family that is not there.
        InputError: there is no picture to ask with.
    """
    named = (("domain in this index", domains, index.domains), ("corruption", families, corruption_names()))
    for kind, asked, known in named:
        unknown = sorted(set(asked or ()) - set(known))
        if unknown:
            raise UnknownNameError(kind, unknown[0], known)
    chosen = [name for name in index.domains if domains is None or name in domains]
    sets = [found for name in chosen if (found := _query_set(index, name, records, store, most, held_out)) is not None]
    if not sets:
        only = " of held-out patients; ask without --held-out" if held_out else "; add cases and build the index"
        raise InputError(f"There is no picture to ask with{only}.")
    plan = {one.domain: tuple(families or corruption_names(one.domain)) for one in sets}
    total = sum(len(one.pictures) * (1 + len(SEVERITIES) * len(plan[one.domain])) for one in sets)
    done = 0

    def count(stage: str, pictures: int) -> None:
        nonlocal done
        done += pictures
        progress(done, total, stage)

    for one in sets:
        yield _domain(_Asking(one, encoder_of(one.domain), router, index.domains), plan[one.domain], count)


@dataclass(frozen=True)
class _QuerySet:
    """The clean pictures of one domain, and the tasks they are asked in, row by row the same."""

    domain: str
    pictures: list[Image.Image]
    queries: Rows
    tasks: Mapping[str, Task]


def _query_set(
    index: OpenedIndex, domain: str, records: Mapping[int, Record], store: ImageStore, most: int, held_out: bool
) -> _QuerySet | None:
    if (domain, "image") not in index.sides:
        return None
    rows = Rows.of(index.sides[domain, "image"], records)
    tasks = [within_task(domain, "image→image", rows, held_out)]
    if (domain, "text") in index.sides:
        texts = Rows.of(index.sides[domain, "text"], records)
        tasks.append(cross_task(domain, "image→text", rows, texts, held_out))
    queries = rows.subset(rows.held) if held_out else rows
    pictures: dict[int, Image.Image] = {}
    for row in np.random.default_rng(_SEED).permutation(len(queries.records)).tolist():
        if len(pictures) == most:
            break
        try:
            pictures[row] = reference_picture(store.open(queries.records[row].pictures[0].digest))
        except SourceError:
            continue
    if not pictures:
        return None
    asked = np.array(list(pictures), np.intp)
    return _QuerySet(
        domain,
        list(pictures.values()),
        queries.subset(asked),
        {task.direction: task.asking(asked) for task in tasks if task is not None},
    )


@dataclass(frozen=True)
class _Answers:
    """Each measure of each query (n,), NaN where it has no right answer, and where the router sends it (None: nowhere;
    "" where that is not judged)."""

    values: Values
    routed: list[str | None]


@dataclass(frozen=True)
class _Asking:
    """Asks one set's pictures, whatever they look like by now."""

    set: _QuerySet
    encoder: Encoder
    router: Router
    domains: Sequence[str]

    def answers(self, pictures: Sequence[Image.Image]) -> _Answers:
        """What is found with these pictures instead of the clean ones."""
        vectors, routed = self._encoded(pictures)
        found: dict[str, NDArray[np.float64]] = {}
        for name, direction, measure in _RETRIEVAL:
            if direction in self.set.tasks:
                task = self.set.tasks[direction]
                measured = measure_queries(task.judged(), task.ranked(vectors, _DEPTH))
                rows = range(len(pictures))
                found[name] = np.array([measured[str(r)][measure] if str(r) in measured else np.nan for r in rows])
        found[_ROUTING] = np.array([np.nan if name == "" else float(name == self.set.domain) for name in routed])
        return _Answers(found, routed)

    def _encoded(self, pictures: Sequence[Image.Image]) -> tuple[NDArray[np.float32], list[str | None]]:
        """Vectors (n, d), and where each picture is sent.

        A batch is encoded as questions are, and then routed: the packaged towers remember a question's features for
        a while, and so each picture passes through them once.
        """
        vectors: list[NDArray[np.float32]] = []
        routed: list[str | None] = []
        for start in range(0, len(pictures), _BATCH):
            batch = pictures[start : start + _BATCH]
            vectors.append(self.encoder.encode_images(batch))
            for record, picture in zip(self.set.queries.records[start:], batch, strict=False):
                judged = record.kind == "case"
                routed.append(self.router.route(Query(images=[picture]), self.domains).name if judged else "")
        return np.concatenate(vectors), routed


def _domain(asking: _Asking, families: Sequence[str], count: Counter) -> DomainRobustness:
    asked = asking.set
    clean = asking.answers(asked.pictures)
    count(f"{asked.domain} clean", len(asked.pictures))
    lines = _lines(asked, "clean", 0, clean)
    changes = []
    for family in families:
        found: dict[int, _Answers] = {}
        for severity in SEVERITIES:
            pictures = [
                corrupt(picture, family, severity, record.uid, asked.domain)
                for picture, record in zip(asked.pictures, asked.queries.records, strict=True)
            ]
            found[severity] = asking.answers(pictures)
            count(f"{asked.domain} {family}", len(pictures))
            lines += _lines(asked, family, severity, found[severity])
        changes.append(_change(family, clean.values, found, asked.queries.patients))
    summary = {name: _interval(values, asked.queries.patients) for name, values in clean.values.items()}
    return DomainRobustness(asked.domain, len(asked.pictures), _judged(summary), tuple(changes), tuple(lines))


def _change(family: str, clean: Values, found: Mapping[int, _Answers], patients: list[str]) -> FamilyChange:
    severities = {
        severity: _judged({name: _interval(answers.values[name] - clean[name], patients) for name in clean})
        for severity, answers in found.items()
    }
    mean = {
        name: _interval(np.mean([answers.values[name] for answers in found.values()], axis=0) - clean[name], patients)
        for name in clean
    }
    worst = {}
    for name in _judged(mean):
        severity = min(severities, key=lambda at: severities[at][name].mean)
        worst[name] = Worst(severity, severities[severity][name])
    away = [[np.nan if name == "" else float(name is None) for name in answers.routed] for answers in found.values()]
    return FamilyChange(family, severities, _judged(mean), worst, _interval(np.mean(away, axis=0), patients))


def _interval(values: NDArray[np.float64], patients: list[str]) -> Interval:
    judged = np.isfinite(values)
    return bootstrap_mean(values[judged].tolist(), [patients[row] for row in np.flatnonzero(judged)])


def _judged(intervals: Mapping[str, Interval]) -> dict[str, Interval]:
    return {name: interval for name, interval in intervals.items() if interval.queries}


def _lines(asked: _QuerySet, family: str, severity: int, answers: _Answers) -> list[Mapping[str, Any]]:
    return [
        {
            "domain": asked.domain,
            "record": f"{record.corpus}/{record.id}",
            "patient": asked.queries.patients[row],
            "family": family,
            "severity": severity,
            **{name: round(float(of[row]), 4) for name, of in answers.values.items() if np.isfinite(of[row])},
            **({"routed_to": answers.routed[row]} if answers.routed[row] != "" else {}),
        }
        for row, record in enumerate(asked.queries.records)
    ]
