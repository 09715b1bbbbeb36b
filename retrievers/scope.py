"""Which records a question may see: corpora, access groups, exclusions and removals, before any search."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

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
    """The catalogue at one revision: a row a record, sorted by its number."""

    revision: int
    corpora: dict[str, Corpus]
    uids: Ids
    corpus: NDArray[np.object_]
    key: NDArray[np.object_]
    patient: NDArray[np.object_]
    day: NDArray[np.float64]


class Scope:
    """Answers "which records may be found" for any question. Safe from several threads.

    The catalogue is asked for its revision at every question, so that a removed record is gone from the next one on.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._snapshot: _Snapshot | None = None

    def filter(self, query: Query, indexed: Ids) -> IdFilter | None:
        """The records that the question may find, or None where it may find all of `indexed` (sorted numbers)."""
        known = self._current()
        hidden = self._hidden(query, known)
        visible = known.uids[~hidden]
        gone = np.setdiff1d(indexed, visible, assume_unique=True)
        if not len(gone):
            return None
        if len(gone) <= len(indexed) // 2:
            return IdFilter(gone, excluding=True)
        return IdFilter(np.intersect1d(indexed, visible, assume_unique=True))

    def visible(self, query: Query, records: Sequence[int]) -> frozenset[int]:
        """Those of some records, by number, that the question may find."""
        if not records:
            return frozenset()
        known = self._current()
        rows = np.searchsorted(known.uids, np.asarray(records, np.int64))
        rows = rows[rows < len(known.uids)]
        there = rows[np.isin(known.uids[rows], np.asarray(records, np.int64))]
        return frozenset(known.uids[there[~self._hidden(query, known)[there]]].tolist())

    def corpora_of(self, query: Query) -> tuple[str, ...]:
        """The corpora that the question may look into."""
        known = self._current()
        denied = set(self._denied_corpora(query, known))
        return tuple(name for name in known.corpora if name not in denied)

    def _hidden(self, query: Query, known: _Snapshot) -> NDArray[np.bool_]:
        hidden = np.zeros(len(known.uids), dtype=bool)
        denied = self._denied_corpora(query, known)
        if denied:
            hidden |= np.isin(known.corpus, denied)
        if query.exclude:
            wanted = list(query.exclude)
            hidden |= np.isin(known.key, wanted) | np.isin(known.corpus + "/" + known.key, wanted)
        if query.exclude_patients:
            hidden |= np.isin(known.corpus + "/" + known.patient, list(query.exclude_patients))
        if query.before is not None:
            later = known.day >= query.before
            if query.patient:
                corpus, _, patient = query.patient.rpartition("/")
                later &= (known.patient == patient) & ((known.corpus == corpus) if corpus else True)
            hidden |= later
        return hidden

    def _denied_corpora(self, query: Query, known: _Snapshot) -> list[str]:
        for name in sorted(query.corpora or ()):
            if name not in known.corpora:
                raise UnknownNameError("corpus", name, known.corpora)
        return [
            name
            for name, corpus in known.corpora.items()
            if (query.corpora is not None and name not in query.corpora)
            or (query.groups is not None and corpus.groups and not set(corpus.groups) & set(query.groups))
        ]

    def _current(self) -> _Snapshot:
        with self._lock:
            revision = self._catalog.revision
            if self._snapshot is None or self._snapshot.revision != revision:
                self._snapshot = self._read(revision)
            return self._snapshot

    def _read(self, revision: int) -> _Snapshot:
        keys = list(self._catalog.keys())
        return _Snapshot(
            revision=revision,
            corpora={corpus.name: corpus for corpus in self._catalog.corpora()},
            uids=np.array([key.uid for key in keys], np.int64),
            corpus=np.array([key.corpus for key in keys], dtype=object),
            key=np.array([key.key for key in keys], dtype=object),
            patient=np.array([key.patient for key in keys], dtype=object),
            day=np.array([np.nan if key.day is None else key.day for key in keys], np.float64),
        )
