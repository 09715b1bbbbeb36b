"""Which records a question may see: corpora, access groups, exclusions and removals, before any search."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from corpora.catalog import Catalog, Corpus
from corpora.errors import UnknownNameError
from indexing.vectors import IdFilter
from retrievers.query import Query

__all__ = ["Scope"]

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class _Snapshot:
    """The catalogue at one revision: a row a record, sorted by its number; `owner` is the place of its corpus, −1 where
    that was put away while this was read."""

    revision: int
    corpora: dict[str, Corpus]
    uids: Ids
    corpus: NDArray[np.object_]
    owner: NDArray[np.int32]
    key: NDArray[np.object_]
    patient: NDArray[np.object_]
    day: NDArray[np.float64]

    def outside(self, corpora: Collection[str]) -> NDArray[np.bool_]:
        """For each record, whether it is in none of these corpora."""
        return np.array([*(name not in corpora for name in self.corpora), True], np.bool_)[self.owner]


@dataclass(frozen=True)
class View:
    """The records that one question may see, by number (sorted); its patient: in which corpora, and the name there."""

    uids: Ids
    patient: tuple[tuple[str, ...], str]
    _known: _Snapshot = field(repr=False)

    def __contains__(self, record: int) -> bool:
        row = int(np.searchsorted(self.uids, record))
        return row < len(self.uids) and int(self.uids[row]) == record

    def filter(self, indexed: Ids) -> IdFilter | None:
        """The filter for an index of these records (sorted numbers), or None where all of them may be found."""
        if np.array_equal(indexed, self.uids):
            return None
        gone = np.setdiff1d(indexed, self.uids, assume_unique=True)
        if not len(gone):
            return None
        if len(gone) <= len(indexed) // 2:
            return IdFilter(gone, excluding=True)
        return IdFilter(np.intersect1d(indexed, self.uids, assume_unique=True))

    def visible(self, records: Collection[int]) -> frozenset[int]:
        """Those of some records that may be found."""
        return frozenset(record for record in records if record in self)

    def names(self, records: Collection[int]) -> dict[int, str]:
        """`corpus/id` of those of some records that may be found."""
        found = self.visible(records)
        rows = zip(found, np.searchsorted(self._known.uids, list(found)).tolist(), strict=True) if found else ()
        return {record: f"{self._known.corpus[row]}/{self._known.key[row]}" for record, row in rows}


class Scope:
    """Answers "which records may be found" for any question. Safe from several threads.

    The catalogue is asked for its revision at every question, so that a removed record is gone from the next one on.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._begun = 0  # looks at the catalogue
        self._seen: tuple[int, _Snapshot | None] = 0, None  # by the last one that ended well

    def filter(self, query: Query, indexed: Ids) -> IdFilter | None:
        """The records that the question may find, or None where it may find all of `indexed` (sorted numbers)."""
        return self.view(query).filter(indexed)

    def view(self, query: Query) -> View:
        """What the question may see of the catalogue as it is now.

        Raises:
            UnknownNameError: it names a corpus that is not there, or that it may not see.
        """
        known = self._now()
        corpora = _visible_corpora(query, known)
        hidden = known.outside(corpora)
        if query.exclude:
            wanted = list(query.exclude)
            hidden = hidden | np.isin(known.key, wanted) | np.isin(known.corpus + "/" + known.key, wanted)
        if query.exclude_patients:
            hidden = hidden | np.isin(known.corpus + "/" + known.patient, list(query.exclude_patients))
        owner, _, rest = query.patient.partition("/")
        owned, patient = ((owner,), rest) if rest and owner in known.corpora else (tuple(corpora), query.patient)
        if query.before is not None:
            later = known.day >= query.before
            if query.patient:
                later &= (known.patient == patient) & np.isin(known.corpus, owned)
            hidden = hidden | later
        return View(known.uids[~hidden], (tuple(name for name in owned if name in corpora), patient), known)

    def _now(self) -> _Snapshot:
        """The catalogue as it is; one look serves all who asked before it began."""
        before = self._begun
        with self._lock:
            look, known = self._seen
            if known is None or look <= before:
                self._begun = look = self._begun + 1
                revision = self._catalog.revision
                if known is None or known.revision != revision:
                    known = self._read(revision)
                self._seen = look, known
            return known

    def _read(self, revision: int) -> _Snapshot:
        keys = list(self._catalog.keys())
        corpora = {corpus.name: corpus for corpus in self._catalog.corpora()}
        place = {name: number for number, name in enumerate(corpora)}
        return _Snapshot(
            revision=revision,
            corpora=corpora,
            uids=np.array([key.uid for key in keys], np.int64),
            corpus=np.array([key.corpus for key in keys], dtype=object),
            owner=np.array([place.get(key.corpus, -1) for key in keys], np.int32),
            key=np.array([key.key for key in keys], dtype=object),
            patient=np.array([key.patient for key in keys], dtype=object),
            day=np.array([np.nan if key.day is None else key.day for key in keys], np.float64),
        )


def _visible_corpora(query: Query, known: _Snapshot) -> list[str]:
    """The corpora that the question may look into; one that it may not see is as if it were not there."""
    groups = None if query.groups is None else frozenset(query.groups)
    seen = [name for name, corpus in known.corpora.items() if corpus.open_to(groups)]
    for name in sorted(query.corpora or ()):
        if name not in seen:
            raise UnknownNameError("corpus", name, seen)
    return [name for name in seen if query.corpora is None or name in query.corpora]
