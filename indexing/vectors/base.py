"""What every vector index is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from corpora.errors import IndexDamagedError, InputError

__all__ = ["NO_ID", "IdFilter", "VectorIndex", "checked", "checked_queries", "padded"]

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]

NO_ID = -1


@dataclass(frozen=True)
class IdFilter:
    """Which ids may be found: those in `ids` (sorted), or with `excluding` all but those."""

    ids: Ids
    excluding: bool = False

    def mask(self, ids: Ids) -> NDArray[np.bool_]:
        """For each id, whether it may be found.

        >>> IdFilter(np.array([3, 5])).mask(np.array([5, 4])).tolist()
        [True, False]
        """
        inside = np.isin(ids, self.ids, assume_unique=False)
        return ~inside if self.excluding else inside


@runtime_checkable
class VectorIndex(Protocol):
    """Finds the vectors with the largest inner product. Searching is safe from several threads."""

    dim: int

    def __len__(self) -> int: ...

    def search(self, queries: Vectors, k: int, allow: IdFilter | None = None) -> tuple[Vectors, Ids]:
        """Scores (q, k) float32 and ids (q, k) int64, best first; where fewer are found, id −1 and score −inf."""
        ...


def checked(vectors: NDArray[np.floating], ids: Ids) -> tuple[Vectors, Ids]:
    """The arrays as an index takes them; raises `IndexDamagedError` where their shapes do not fit."""
    if vectors.ndim != 2 or ids.shape != (len(vectors),):
        raise IndexDamagedError(f"Vectors of shape {vectors.shape} do not fit ids of shape {ids.shape}.")
    return np.ascontiguousarray(vectors, dtype=np.float32), np.ascontiguousarray(ids, dtype=np.int64)


def checked_queries(queries: NDArray[np.floating], dim: int) -> Vectors:
    """Queries (q, dim) as an index takes them; raises `InputError` where they have another shape."""
    rows = np.ascontiguousarray(queries, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] != dim:
        raise InputError(f"The query has shape {rows.shape}; this index holds vectors of {dim} dimensions.")
    return rows


def padded(scores: Vectors, ids: Ids, k: int) -> tuple[Vectors, Ids]:
    """Scores and ids with exactly k columns."""
    missing = k - scores.shape[1]
    if missing <= 0:
        return scores[:, :k], ids[:, :k]
    return (
        np.pad(scores, ((0, 0), (0, missing)), constant_values=-np.inf),
        np.pad(ids, ((0, 0), (0, missing)), constant_values=NO_ID),
    )
