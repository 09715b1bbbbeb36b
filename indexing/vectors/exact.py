"""Exact search in NumPy: the reference for every other index, and good to some 100,000 vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexing.vectors.base import IdFilter, checked, checked_queries, padded

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
        rows = checked_queries(queries, self.dim)
        ids, vectors = self._ids, self._vectors
        if allow is not None:
            keep = allow.mask(ids)
            ids, vectors = ids[keep], vectors[keep]
        scores = rows @ vectors.T
        top = np.array([_best(row, ids, k) for row in scores], np.int64).reshape(len(rows), min(k, len(ids)))
        return padded(np.take_along_axis(scores, top, axis=1), ids[top], k)


def _best(scores: Vectors, ids: Ids, k: int) -> Ids:
    """The rows of the k largest scores, best first, equal ones by id."""
    rows = np.arange(len(scores))
    if len(scores) > k:
        rows = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
    order: Ids = rows[np.lexsort((ids[rows], -scores[rows]))[:k]]
    return order
