"""What the parent version already holds: vectors of records that did not change are copied."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.catalog import RecordKey
from indexing.describe import REVISION
from indexing.embedding import ShardVectors, SideVectors
from indexing.encoders.base import Encoder
from indexing.shards import IndexFolder, Manifest, load_rows

__all__ = ["ParentVersion"]

Ids = NDArray[np.int64]


class ParentVersion:
    """The published version that a build starts from, if there is one that is whole."""

    def __init__(self, folder: IndexFolder, manifest: Manifest | None) -> None:
        self._path = folder.version(manifest.version) if manifest is not None else None
        self._manifest = manifest
        self._domains: dict[str, _ParentDomain | None] = {}

    @property
    def number(self) -> int | None:
        """The version's number."""
        return self._manifest.version if self._manifest else None

    def split(
        self, domain: str, keys: Sequence[RecordKey], encoders: Sequence[Encoder]
    ) -> tuple[ShardVectors, list[RecordKey]]:
        """The vectors of unchanged records, and the records that must be embedded."""
        parent = self._domain(domain, encoders)
        if parent is None:
            return ShardVectors(()), list(keys)
        same = parent.unchanged(keys)
        return parent.copy(np.array([key.uid for key in keys], np.int64)[same]), [
            key for key, kept in zip(keys, same.tolist(), strict=True) if not kept
        ]

    def _domain(self, domain: str, encoders: Sequence[Encoder]) -> _ParentDomain | None:
        if domain not in self._domains:
            usable = (
                self._path is not None
                and self._manifest is not None
                and domain in self._manifest.records
                and self._manifest.parameters.get("texts") == REVISION
                and all(self._manifest.encoders.get(encoder.spec) == encoder.fingerprint for encoder in encoders)
            )
            self._domains[domain] = _ParentDomain(self._path, self._manifest, domain) if usable else None  # type: ignore[arg-type]
        return self._domains[domain]


class _ParentDomain:
    """One domain of the parent version: hashes by record number, rows of every side."""

    def __init__(self, path: Path, manifest: Manifest, domain: str) -> None:
        self._path = path
        self._sides = [side for side in manifest.sides if side.domain == domain]
        uids = load_rows(path / domain / "content", "uids")
        self._order = np.argsort(uids, kind="stable")
        self._uids = uids[self._order]
        self._hashes = load_rows(path / domain / "content", "hashes")

    def unchanged(self, keys: Sequence[RecordKey]) -> NDArray[np.bool_]:
        """For each key, whether the parent holds it with the same content."""
        uids = np.array([key.uid for key in keys], np.int64)
        place = np.minimum(np.searchsorted(self._uids, uids), len(self._uids) - 1)
        hashes = np.array([list(bytes.fromhex(key.content_hash)) for key in keys], np.uint8)
        same: NDArray[np.bool_] = (self._uids[place] == uids) & (self._hashes[self._order[place]] == hashes).all(axis=1)
        return same

    def copy(self, uids: Ids) -> ShardVectors:
        """Every entry of these records."""
        return ShardVectors(tuple(self._copy_side(number, uids) for number in range(len(self._sides))))

    def _copy_side(self, number: int, uids: Ids) -> SideVectors:
        side = self._sides[number]
        records, ids, vectors = self._rows[number]
        rows = np.flatnonzero(np.isin(records, uids))
        return SideVectors(side.side, side.encoder, np.asarray(vectors[rows], np.float32), ids[rows], records[rows])

    @cached_property
    def _rows(self) -> list[tuple[Ids, Ids, NDArray[np.float16]]]:
        folders = [self._path / side.folder for side in self._sides]
        return [(load_rows(f, "records"), load_rows(f, "ids"), load_rows(f, "vectors")) for f in folders]
