"""Exact search in NumPy: the reference for every other index, and good to some 100,000 vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexing.vectors.base import NO_ID, IdFilter, checked, padded

__all__ = ["ExactIndex"]

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


class ExactIndex:
    """Compares a query with every vector."""

    def __init__(self, vectors: NDArray[np.floating], ids: Ids) -> None:
        self._vectors, self._ids = checked(vectors, ids)
        self.dim = int(self._vectors.shape[1])

    def __len__(self) -> int:
        return len(self._ids)

    def search(self, queries: Vectors, k: int, allow: IdFilter | None = None) -> tuple[Vectors, Ids]:
        """The k largest inner products; equal scores are ordered by id, so that results are reproducible."""
        ids, vectors = self._ids, self._vectors
        if allow is not None:
            keep = allow.mask(ids)
            ids, vectors = ids[keep], vectors[keep]
        scores = np.asarray(queries, dtype=np.float32) @ vectors.T
        if scores.shape[1] > k:
            top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        else:
            top = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
        found, values = ids[top], np.take_along_axis(scores, top, axis=1)
        order = np.lexsort((found, -values), axis=1)
        values = np.take_along_axis(values, order, axis=1)
        found = np.take_along_axis(found, order, axis=1) if found.size else np.full(values.shape, NO_ID, np.int64)
        return padded(values, found, k)
