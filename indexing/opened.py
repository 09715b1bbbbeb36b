"""A published index version, opened for searching."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.errors import EncoderMismatchError
from indexing.confusables import Confusables
from indexing.encoders.adapted import AdaptedEncoder, adapters_of, side_vectors
from indexing.encoders.base import Encoder
from indexing.lexical import LexicalIndex
from indexing.shards import IndexFolder, Manifest, SideManifest, load_rows
from indexing.vectors.base import IdFilter, VectorIndex
from indexing.vectors.faiss_index import FaissIndex, has_faiss
from indexing.vectors.registry import make_index, usable_device

__all__ = ["OpenedIndex", "OpenedSide"]

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class OpenedSide:
    """One searchable side: the vector index, and which record each entry belongs to."""

    manifest: SideManifest
    index: VectorIndex
    vectors: NDArray[np.floating]
    ids: Ids
    records: Ids

    @cached_property
    def _by_id(self) -> Ids:
        return np.argsort(self.ids)

    def rows(self, entries: Ids) -> Ids:
        """The rows (n,) of entry ids (n,), all of which are of this side."""
        rows: Ids = self._by_id[np.searchsorted(self.ids, entries, sorter=self._by_id)]
        return rows

    @cached_property
    def _first_row(self) -> dict[int, int]:
        first: dict[int, int] = {}
        for row, record in enumerate(self.records.tolist()):
            first.setdefault(record, row)
        return first

    def vector(self, record: int) -> Vectors | None:
        """The vector of the record's first entry (d,), or None."""
        row = self._first_row.get(record)
        return None if row is None else np.asarray(self.vectors[row], dtype=np.float32)

    def part(self, row: int) -> int:
        """Which part of its record a row is: 0 the whole, 1, 2, … its sentences, or the number of its picture."""
        return row - self._first_row[int(self.records[row])]

    def entries(self, records: IdFilter | None) -> IdFilter | None:
        """A filter of records as a filter of this side's entries."""
        if records is None:
            return None
        inside = np.isin(self.records, records.ids)
        return IdFilter(np.sort(self.ids[inside]), records.excluding)


class OpenedIndex:
    """Everything of one version. Immutable; safe from several threads."""

    def __init__(self, path: Path, manifest: Manifest, device: str = "cpu") -> None:
        self._path, self.manifest, self._device = path, manifest, usable_device(device)
        self._adapters = adapters_of(path, manifest)
        self._confusables = {
            side.domain: Confusables.load(path / side.folder) for side in manifest.sides if side.side == "image"
        }
        self.sides = {(side.domain, side.side): self._side(side) for side in manifest.sides}
        self.lexical = {domain: LexicalIndex.load(path / "lexical" / domain) for domain in manifest.records}
        # The number of every indexed record, sorted. All is read now: the files go once two newer versions are there.
        self.records: Ids = np.sort(np.concatenate([load_rows(path / d / "content", "uids") for d in self.domains]))

    @classmethod
    def open(cls, folder: IndexFolder, device: str = "cpu") -> OpenedIndex:
        """The published version of an index."""
        manifest = folder.manifest()
        return cls(folder.version(manifest.version), manifest, device)

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains that hold records."""
        return tuple(sorted(self.manifest.records))

    def confusable(self, domain: str, record: int) -> tuple[int, ...]:
        """The records that this one's picture is easily taken for, though they show something else."""
        found = self._confusables.get(domain)
        return () if found is None else found.of(record)

    def require(self, encoder: Encoder) -> None:
        """Raise `EncoderMismatchError` unless the index was built with just this encoder."""
        built = self.manifest.encoders.get(encoder.spec)
        if built != encoder.fingerprint:
            had = built or ", ".join(sorted(self.manifest.encoders))
            raise EncoderMismatchError(
                f"Index {self.manifest.label} was built with {had}, not with {encoder.fingerprint}; run "
                "'curbside index build' to embed again, or set the encoder that built it."
            )

    def joint(self, domain: str, encoder: Encoder) -> Encoder:
        """The encoder of a domain's pictures and texts as its questions need it: through the site adapter, if any.

        Raises:
            EncoderMismatchError: the index was built with another encoder.
        """
        self.require(encoder)
        adapter = self._adapters.get(domain)
        return encoder if adapter is None else AdaptedEncoder(encoder, adapter)

    def _side(self, side: SideManifest) -> OpenedSide:
        folder = self._path / side.folder
        vectors = side_vectors(folder, side.side, self._adapters.get(side.domain))
        ids, records = (load_rows(folder, stem) for stem in ("ids", "records"))
        stored = folder / "index.faiss"
        if stored.is_file() and has_faiss():
            index: VectorIndex = FaissIndex.load(stored, side.kind, self._device if side.kind == "ivf" else "cpu")
        else:
            index = make_index(vectors, ids, side.kind if has_faiss() else "exact", self._device)
        return OpenedSide(side, index, vectors, ids, records)
