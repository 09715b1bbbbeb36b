"""Vector indexes behind one protocol: exact (NumPy) and faiss."""

from indexing.vectors.base import IdFilter, VectorIndex
from indexing.vectors.registry import IndexKind, make_index

__all__ = ["IdFilter", "IndexKind", "VectorIndex", "make_index"]
