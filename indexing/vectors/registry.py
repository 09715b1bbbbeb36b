"""Which index is made for which number of vectors."""

from __future__ import annotations

import logging
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from corpora.errors import UnknownNameError
from indexing.vectors.base import VectorIndex
from indexing.vectors.exact import ExactIndex
from indexing.vectors.faiss_index import FaissIndex, has_faiss, has_gpu

__all__ = ["IndexKind", "chosen_kind", "make_index", "usable_device"]

IndexKind = Literal["auto", "exact", "flat", "hnsw", "ivf"]

_GRAPH_FROM = 100_000
_log = logging.getLogger(__name__)


def chosen_kind(kind: str, count: int, device: str = "cpu") -> str:
    """The kind that `auto` stands for at this size: exact without faiss, flat when small, then a graph (GPU: lists).

    >>> chosen_kind("ivf", 10)
    'ivf'
    """
    if kind not in get_args(IndexKind):
        raise UnknownNameError("kind of vector index", kind, get_args(IndexKind))
    if kind != "auto":
        return kind
    if not has_faiss():
        return "exact"
    if count < _GRAPH_FROM:
        return "flat"
    return "hnsw" if device == "cpu" else "ivf"


def usable_device(device: str) -> str:
    """The device itself, or `cpu` with a warning where faiss finds no GPU."""
    if device != "cpu" and not has_gpu():
        _log.warning("faiss finds no GPU for device %s; searching on the CPU instead", device)
        return "cpu"
    return device


def make_index(
    vectors: NDArray[np.floating], ids: NDArray[np.int64], kind: str = "auto", device: str = "cpu"
) -> VectorIndex:
    """An index over unit vectors (n, d) with stable ids (n,)."""
    chosen = chosen_kind(kind, len(ids), device)
    if chosen == "exact":
        return ExactIndex(vectors, ids)
    return FaissIndex.build(vectors, ids, chosen, usable_device(device))
