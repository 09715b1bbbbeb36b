"""Which of a home's own records are asked, by which half of the patients, and what each question finds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from corpora.errors import SourceError
from corpora.records import Record
from indexing.describe import joint_text
from indexing.opened import OpenedIndex
from indexing.training.split import patient_groups, split_by_patient
from retrievers.calibration.fusion import FusedQuestion
from retrievers.calibration.risk import vote_wrong
from retrievers.calibration.selection import MOST, Judged
from retrievers.calibration.values import Calibration
from retrievers.calibration.weights import GROUPS, Ranks, reweighted
from retrievers.duplicates import collapse
from retrievers.found import DomainFound, Hit
from retrievers.query import Query
from retrievers.relevance import carried
from retrievers.retriever import Retriever
from retrievers.search import RankedList

__all__ = ["Asked", "Case", "Neighbours", "ask", "held_cases", "opened_picture", "some_of"]

_NEAR = 0.985


@dataclass(frozen=True)
class Case:
    """A record with a picture whose patient no fit has seen; `judging` says to which half the patient belongs, who goes
    by the name of those that must stay together (`patient_groups`)."""

    record: Record
    patient: str
    judging: bool


@dataclass(frozen=True)
class Asked:
    """A case asked by its picture or by words within its domain: the lists, and which records are right."""

    case: Case
    group: str
    lists: tuple[RankedList, ...]
    relevant: frozenset[int]

    def ranks(self) -> Ranks:
        """The lists of the case's own domain, as weights are fitted on them."""
        by_name = {found.name: found.records for found in self.lists}
        lists = [by_name.get(f"{self.case.record.domain} {sides}", ()) for sides in GROUPS[self.group]]
        return Ranks.of(self.case.patient, lists, self.relevant)

    def hits(self, retriever: Retriever, calibration: Calibration) -> list[Hit]:
        """The hits that a search with this calibration gives in the case's own domain."""
        name = self.case.record.domain
        domain = DomainFound(name, 1.0, {name: 1.0}, (name,))
        lists = reweighted(self.lists, calibration.domains)
        return retriever.fused(lists, domain, MOST, with_pictures=self.group == "picture", calibration=calibration)

    def judged(self, retriever: Retriever, calibration: Calibration) -> Judged:
        """Those hits as the selection is judged on them."""
        hits = self.hits(retriever, calibration)
        return Judged(
            self.case.patient,
            tuple(carried(hits) or [hit.score for hit in hits]),
            self.right(hits),
            self.case.record.corpus,
            vote_wrong(hits, self.case.record.labels) if self.group == "picture" else (),
        )

    def right(self, hits: Sequence[Hit]) -> tuple[bool, ...]:
        """Which of the hits are relevant."""
        return tuple(hit.record.uid in self.relevant for hit in hits)

    def fused(self, calibration: Calibration) -> FusedQuestion:
        """Its lists with this calibration's weights, as fusions are judged on them."""
        record = self.case.record
        lists = tuple(reweighted(self.lists, calibration.domains))
        return FusedQuestion(self.case.patient, record.domain, self.group, lists, self.relevant)


class Neighbours:
    """What a case must not find, and what it should: its own, near-identical and tied records; those that share a
    label."""

    def __init__(self, index: OpenedIndex, records: Mapping[int, Record]) -> None:
        self._index, self._records = index, records
        self._group = patient_groups(records.values())
        self._together: dict[str, set[int]] = {}
        for uid, name in self._group.items():
            self._together.setdefault(name, set()).add(uid)
        indexed = set(index.records.tolist())
        self._labelled: dict[tuple[str, str], set[int]] = {}
        self._pictures: dict[str, set[int]] = {}
        for record in records.values():
            if record.uid in indexed and record.kind == "case":
                for label in record.labels:
                    self._labelled.setdefault((record.domain, label), set()).add(record.uid)
                for picture in record.pictures:
                    self._pictures.setdefault(picture.digest, set()).add(record.uid)

    def twins(self, record: Record) -> frozenset[int]:
        """Records that a search would fold into this one: the same picture, or a nearly identical one."""
        near = set().union(*(self._pictures.get(picture.digest, set()) for picture in record.pictures))
        side = self._index.sides.get((record.domain, "image"))
        vector = None if side is None else side.vector(record.uid)
        if side is not None and vector is not None:
            near |= set(side.records[np.asarray(side.vectors, np.float32) @ vector > _NEAR].tolist())
        others = [self._records[uid] for uid in near if uid in self._records and uid != record.uid]
        return frozenset(other.uid for other in others if len(collapse([record, other], self._index)) == 1)

    def together(self, record: Record) -> frozenset[int]:
        """Records of its patient, and of those whom no split parts from that patient."""
        return frozenset(self._together.get(self._group.get(record.uid, ""), ()))

    def relevant(self, record: Record, twins: frozenset[int]) -> frozenset[int]:
        """Cases of its domain and of other patients that share a label, without the twins."""
        alike = set().union(*(self._labelled.get((record.domain, label), set()) for label in record.labels))
        return frozenset(alike - twins - self.together(record))


def held_cases(records: Iterable[Record], *, seed: int, share: float) -> list[Case]:
    """Cases and figures with pictures whose patients no shipped fit has seen, each patient in one half, in fixed order.

    Args:
        records: Those of the home.
        seed: Another one gives other halves.
        share: Of all patients, by the hash that every fit holds out; more than 0.15 asks patients that fits have seen.
    """
    records = list(records)
    groups = patient_groups(records)
    pictured = [record for record in records if record.pictures and record.kind != "passage"]
    pictured.sort(key=lambda record: (record.corpus, record.id))
    patients = [groups[record.uid] for record in pictured]
    held = split_by_patient(patients, share).tolist()
    return [
        Case(record, patient, hashlib.sha256(f"{seed} {patient}".encode()).digest()[0] % 2 == 1)
        for record, patient, chosen in zip(pictured, patients, held, strict=True)
        if chosen
    ]


def some_of(cases: Sequence[Case], most: int, seed: int) -> list[Case]:
    """At most `most` cases of each domain and half, drawn at random; labelled ones first, since only they are asked."""
    chosen: dict[tuple[str, bool], list[Case]] = {}
    order = np.random.default_rng(seed).permutation(len(cases)).tolist()
    for row in sorted(order, key=lambda row: not cases[row].record.labels):
        mine = chosen.setdefault((cases[row].record.domain, cases[row].judging), [])
        if len(mine) < most:
            mine.append(cases[row])
    return [case for _, mine in sorted(chosen.items()) for case in mine]


def ask(
    retriever: Retriever, case: Case, picture: Image.Image, neighbours: Neighbours, calibration: Calibration
) -> Iterator[Asked]:
    """A labelled case asked by its picture, by its own text, and by its labels alone, as a short question would.

    Neither itself, nor its twins, nor any record of its patient or of who stays with that patient can be found; nothing
    is asked of a record that shares a label with no other one.
    """
    record = case.record
    twins = neighbours.twins(record) | {record.uid}
    relevant = neighbours.relevant(record, twins)
    if record.kind != "case" or not relevant:
        return
    hidden = retriever.catalog.get(twins | neighbours.together(record)).values()
    own = Query(
        images=[picture],
        exclude=[f"{other.corpus}/{other.id}" for other in hidden],
        exclude_patients=[record.patient_key] if record.patient else [],
    )
    texts = dict.fromkeys(text for text in (joint_text(record), ", ".join(record.labels)) if text)
    asked = [("picture", own), *(("words", replace(own, images=(), text=text)) for text in texts)]
    for group, query in asked:
        yield Asked(case, group, retriever.lists(query, record.domain, calibration), relevant)


def opened_picture(retriever: Retriever, record: Record) -> Image.Image | None:
    """The record's first picture, or None where it cannot be read."""
    try:
        return retriever.images.open(record.pictures[0].digest)
    except SourceError:
        return None
