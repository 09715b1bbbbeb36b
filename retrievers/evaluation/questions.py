"""What the whole retriever is asked in an evaluation: held-out cases and figures, and which answers are how right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from corpora.images import ImageStore
from corpora.records import Record
from indexing.opened import OpenedIndex
from indexing.training.split import patient_groups, split_by_patient
from retrievers.duplicates import collapse
from retrievers.query import Query

__all__ = ["SIDES", "Subject", "Subjects", "words_of"]

SIDES = ("picture", "words", "picture + words", "picture + question")
"""The sides from which a record is asked. The question names a label of the domain, at even odds the record's own."""

_NEAR = 0.985  # of pictures; what a search would fold into one
_SAME_TEXT = 0.98  # of sentence vectors; what `eval encoders` takes for the same text
_COMMON = 0.5  # of a domain; a label of more of its cases tells nothing


@dataclass(frozen=True)
class Subject:
    """A record that is asked, and what its answers are worth.

    `grades` by uid: 2 for the same labels (a figure: a passage that names it), 1 for a shared label (a figure: the same
    section). `alike` are records whose text says the same. `hidden` must not be found: the record itself, its near
    duplicates, its patient's other records. `gallery` are the uids of all that may be found and is judged; `corpora`
    are those asked. `patient` names the group of patients that is drawn together by the bootstrap. `question` is empty
    for a figure.
    """

    record: Record
    patient: str
    grades: Mapping[int, int]
    alike: frozenset[int]
    hidden: frozenset[int]
    gallery: frozenset[int]
    corpora: frozenset[str]
    excluded: tuple[str, ...]
    question: str = ""

    def queries(self, store: ImageStore) -> Iterator[tuple[str, Query]]:
        """The record asked by each of `SIDES` that it has.

        Raises:
            SourceError: its picture cannot be read.
        """
        record, words = self.record, words_of(self.record)
        pictures = [store.open(record.pictures[0].digest)]
        patient = [record.patient_key] if record.patient else []
        for sides in SIDES:
            text = words if "words" in sides else self.question if "question" in sides else ""
            if (sides == "picture") or text:
                images = pictures if "picture" in sides else []
                yield (
                    sides,
                    Query(text, images, exclude=self.excluded, exclude_patients=patient, corpora=self.corpora),
                )


def words_of(record: Record) -> str:
    """How a record is asked in words: by its caption and findings (or report), else by its modality and labels.

    >>> words_of(Record("1", "c", "case", "radiology", modality="CT", labels=("head", "hemorrhage")))
    'CT, head, hemorrhage'
    """
    said = " ".join(part for part in (record.caption, record.findings or record.report) if part)
    return " ".join(said.split()) or ", ".join(filter(None, (record.modality, *record.labels)))


class Subjects:
    """The records of an index that can be asked: cases with labels, and figures of books.

    Cases are asked of the corpora that hold cases and figures of those that hold figures: how many places pages of a
    book take beside cases no label can judge.
    """

    def __init__(self, index: OpenedIndex, records: Mapping[int, Record]) -> None:
        indexed = set(index.records.tolist())
        self._index = index
        self._records = {uid: record for uid, record in records.items() if uid in indexed}
        self._groups = patient_groups(self._records.values())
        self._by_domain: dict[str, list[Record]] = {}
        for record in self._records.values():
            self._by_domain.setdefault(record.domain, []).append(record)
        self._telling = {domain: _telling(mine) for domain, mine in self._by_domain.items()}

    def chosen(self, domain: str, *, most: int, held_out: bool, seed: int = 0) -> Iterator[Subject]:
        """One record of each of at most `most` patients of a domain, drawn at random, that some other record answers.

        Args:
            domain: Whose records are asked.
            most: Patients.
            held_out: Only patients that no shipped fit has seen (the split of `indexing.training`).
            seed: Another one draws others.
        """
        mine = [record for record in self._by_domain.get(domain, ()) if record.pictures and record.kind != "passage"]
        mine.sort(key=lambda record: (record.corpus, record.id))
        if held_out and mine:
            held = split_by_patient([self._groups[record.uid] for record in mine]).tolist()
            mine = [record for record, chosen in zip(mine, held, strict=True) if chosen]
        asked: set[str] = set()
        for row in np.random.default_rng(seed).permutation(len(mine)).tolist():
            if len(asked) >= most:
                return
            group = self._groups[mine[row].uid]
            subject = None if group in asked else self._subject(mine[row], seed)
            if subject is not None:
                asked.add(group)
                yield subject

    def _subject(self, record: Record, seed: int) -> Subject | None:
        hidden = self._hidden(record)
        grades = {uid: grade for uid, grade in self._graded(record) if uid not in hidden}
        if not grades:
            return None
        judged = ("case",) if record.kind == "case" else ("figure", "passage")
        gallery = frozenset(
            other.uid for other in self._by_domain[record.domain] if other.kind in judged and other.uid not in hidden
        )
        excluded = tuple(sorted(f"{one.corpus}/{one.id}" for one in map(self._records.__getitem__, hidden)))
        corpora = self._corpora["case" if record.kind == "case" else "figure"]
        alike = self._alike(record) & gallery
        question = self._question(record, seed) if record.kind == "case" else ""
        return Subject(record, self._groups[record.uid], grades, alike, hidden, gallery, corpora, excluded, question)

    def _question(self, record: Record, seed: int) -> str:
        """As people ask beside a picture: about a label that it may have or not."""
        telling = self._telling[record.domain]
        own, others = sorted(telling & set(record.labels)), sorted(telling - set(record.labels))
        generator = np.random.default_rng([seed, record.uid % 2**32])
        asked = own if own and (not others or generator.random() < 0.5) else others
        return f"Is there {asked[int(generator.integers(len(asked)))]}?" if asked else ""

    @cached_property
    def _corpora(self) -> Mapping[str, frozenset[str]]:
        return {
            kind: frozenset(record.corpus for record in self._records.values() if record.kind == kind)
            for kind in ("case", "figure")
        }

    def _graded(self, record: Record) -> Iterator[tuple[int, int]]:
        if record.kind == "case":
            telling, own = self._telling[record.domain], set(record.labels)
            for other in self._by_domain[record.domain]:
                if other.kind == "case" and own & telling & set(other.labels):
                    yield other.uid, 2 if own == set(other.labels) else 1
            return
        section = record.attributes.get("section")
        for other in self._by_domain[record.domain]:
            if other.corpus != record.corpus:
                continue
            if record.id in (other.attributes.get("figures") or ()):
                yield other.uid, 2
            elif section and other.attributes.get("section") == section:
                yield other.uid, 1

    def _hidden(self, record: Record) -> frozenset[int]:
        """The record, its patient's records, and those that a search would fold into one of it."""
        group = self._groups[record.uid]
        same = {other.uid for other in self._by_domain[record.domain] if self._groups[other.uid] == group}
        near = self._near(record, "image", _NEAR) - same
        twins = [other for other in near if len(collapse([record, self._records[other]], self._index)) == 1]
        return frozenset(same | {record.uid} | set(twins))

    def _alike(self, record: Record) -> frozenset[int]:
        """Cases of a report or caption that says the same; none for a record that has neither."""
        if not (record.caption or record.findings or record.report):
            return frozenset()
        near = self._near(record, "sentence", _SAME_TEXT)
        return frozenset(uid for uid in near if self._records[uid].caption or self._records[uid].report)

    def _near(self, record: Record, side: str, least: float) -> set[int]:
        opened = self._index.sides.get((record.domain, side))
        vector = None if opened is None else opened.vector(record.uid)
        if opened is None or vector is None:
            return set()
        close = np.asarray(opened.vectors, np.float32) @ vector > least
        return {uid for uid in opened.records[close].tolist() if uid in self._records} - {record.uid}


def _telling(records: list[Record]) -> frozenset[str]:
    """Labels that not more than half of the cases carry."""
    cases = [record for record in records if record.kind == "case"]
    counts: dict[str, int] = {}
    for record in cases:
        for label in set(record.labels):
            counts[label] = counts.get(label, 0) + 1
    return frozenset(label for label, count in counts.items() if count <= _COMMON * len(cases) or len(counts) == 1)
