"""Search through FAISS: Flat, HNSW or IVF on the CPU, Flat or IVF on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora.errors import IndexDamagedError, InputError, MissingDependencyError
from indexing.vectors.base import NO_ID, IdFilter, checked, checked_queries, padded

__all__ = ["FaissIndex", "has_faiss", "has_gpu"]

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]

_HNSW_LINKS = 32
_HNSW_BUILD = 120
_HNSW_SEARCH = 128
_IVF_PROBES = 32
_FEW = 4
_GPU_MOST = 2048  # hits that FAISS' GPU indexes can return
_GPU_WORK = 256 * 2**20  # bytes of a GPU to search in
_gpu_thread = ThreadPoolExecutor(1, thread_name_prefix="faiss-gpu")


def has_faiss() -> bool:
    """Whether one of the two packages that provide `faiss` is installed."""
    return find_spec("faiss") is not None


def has_gpu() -> bool:
    """Whether the installed `faiss` can use a GPU that is there."""
    if not has_faiss():
        return False
    faiss = _faiss()
    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


class FaissIndex:
    """Inner-product search. The metric is given to the constructor: set afterwards, HNSW would ignore it.

    Per-query settings travel in `SearchParameters`, so that concurrent searches do not disturb each other.

    With a `copy` of it on a GPU, searches go there. FAISS' GPU indexes ignore filters without a word, so what may be
    found is asked of the index itself, unless so few ids are excluded that more can be asked for and those dropped.
    Copies share the memory they work in, which no two threads may use at once: every search of one goes through one.
    """

    def __init__(self, index: Any, kind: str, dim: int, copy: Any = None) -> None:
        self._index, self._kind, self._copy = index, kind, copy
        self.dim = dim

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @classmethod
    def build(cls, vectors: NDArray[np.floating], ids: Ids, kind: str = "flat", device: str = "cpu") -> FaissIndex:
        """An index over unit vectors (n, d) with ids (n,).

        Args:
            vectors: Float array. FAISS keeps float32; a flat index keeps float16 as it is on the CPU: same scores, half
                the memory.
            ids: Stable 63-bit ids.
            kind: `flat` (exact), `hnsw` (graph) or `ivf` (inverted lists, about 4·√n of them).
            device: `cpu` or `cuda[:n]`; HNSW is for the CPU only.

        Raises:
            InputError: an unknown kind, or one that the device does not have.
            MissingDependencyError: no faiss.
        """
        faiss = _faiss()
        rows, numbers = checked(vectors, ids)
        dim = int(rows.shape[1])
        metric = faiss.METRIC_INNER_PRODUCT
        if kind == "ivf" and not len(rows):
            kind = "flat"  # lists cannot be trained on nothing
        if kind == "flat":
            half = vectors.dtype == np.float16
            index: Any = faiss.IndexIDMap2(_half_flat(dim) if half else faiss.IndexFlat(dim, metric))
        elif kind == "hnsw":
            graph = faiss.IndexHNSWFlat(dim, _HNSW_LINKS, metric)
            graph.hnsw.efConstruction = _HNSW_BUILD
            index = faiss.IndexIDMap2(graph)
        elif kind == "ivf":
            lists = max(1, min(int(4 * np.sqrt(len(rows))), len(rows) // 39 or 1))
            # IVF keeps ids itself; an IDMap2 around it corrupts them after removals.
            index = faiss.IndexIVFFlat(faiss.IndexFlat(dim, metric), dim, lists, metric)
            index.train(rows)
        else:
            raise InputError(f"There is no faiss index of kind {kind!r}; known: flat, hnsw, ivf.")
        index.add_with_ids(rows, numbers)
        return cls(index, kind, dim).on(device)

    def on(self, device: str) -> FaissIndex:
        """This index on that device; raises `InputError` where the device cannot hold it."""
        if device == "cpu":
            return self
        if self._kind == "hnsw":
            raise InputError("HNSW runs on the CPU only; choose flat or ivf for a GPU.")
        if not has_gpu():
            raise InputError(f"faiss finds no GPU for device {device!r}; install 'curbside[gpu]' or use device cpu.")
        faiss = _faiss()
        number = int(device.partition(":")[2] or 0)
        copied = _gpu_thread.submit(lambda: faiss.index_cpu_to_gpu(_gpu_memory(), number, self._index))
        return FaissIndex(self._index, self._kind, self.dim, copied.result())

    def save(self, path: Path) -> None:
        """Write the index in FAISS' own format."""
        _faiss().write_index(self._index, str(path))

    @classmethod
    def load(cls, path: Path, kind: str, device: str = "cpu") -> FaissIndex:
        """The inverse of `save`; raises `IndexDamagedError` where the file cannot be read."""
        faiss = _faiss()
        try:
            index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise IndexDamagedError(f"{path} cannot be read; build the index again.") from error
        return cls(index, kind, int(index.d)).on(device)

    def search(self, queries: Vectors, k: int, allow: IdFilter | None = None) -> tuple[Vectors, Ids]:
        """Scores (q, k) and ids (q, k), best first; −1 where fewer are found."""
        rows = checked_queries(queries, self.dim)
        k_here = min(k, len(self))
        if k_here == 0:
            return padded(np.zeros((len(rows), 0), np.float32), np.zeros((len(rows), 0), np.int64), k)
        wanted = k_here if allow is None else min(k_here + len(allow.ids), len(self))
        if self._copy is not None and wanted <= _GPU_MOST and (allow is None or allow.excluding):
            scores, ids = _gpu_thread.submit(self._copy.search, rows, wanted, params=self._lists(allow)).result()
            ids = ids if allow is None else np.where(allow.mask(ids), ids, NO_ID)
        else:
            with nullcontext() if len(rows) > _FEW else _one_core():
                scores, ids = self._index.search(rows, k_here, params=self._parameters(k_here, allow))
        scores = np.where(ids < 0, -np.inf, scores).astype(np.float32)
        order = np.lexsort((ids, -scores), axis=1)
        return padded(np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1), k)

    def _parameters(self, k: int, allow: IdFilter | None) -> Any:
        faiss = _faiss()
        selector = None
        if allow is not None:
            selector = faiss.IDSelectorBatch(np.ascontiguousarray(allow.ids, dtype=np.int64))
            if allow.excluding:
                selector = faiss.IDSelectorNot(selector)
        if self._kind == "hnsw":
            # A filtered graph is walked through forbidden nodes too: the narrower the filter, the wider the walk.
            wide = _HNSW_SEARCH if allow is None or allow.excluding else _HNSW_SEARCH * 8
            return faiss.SearchParametersHNSW(efSearch=max(wide, 2 * k), sel=selector)
        if self._kind == "ivf":
            return self._lists(allow, selector)
        return None if selector is None else faiss.SearchParameters(sel=selector)

    def _lists(self, allow: IdFilter | None, selector: Any = None) -> Any:
        if self._kind != "ivf":
            return None
        lists = int(self._index.nlist)
        return _faiss().SearchParametersIVF(nprobe=lists if allow else min(_IVF_PROBES, lists), sel=selector)


@cache
def _gpu_memory() -> Any:
    """What the copies of every index work in: each of its own would set 1.5 GB aside, of every side of every domain."""
    resources = _faiss().StandardGpuResources()
    resources.setTempMemory(_GPU_WORK)
    return resources


def _half_flat(dim: int) -> Any:
    faiss = _faiss()
    index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index.train(np.zeros((1, dim), np.float32))
    return index


@contextmanager
def _one_core() -> Iterator[None]:
    """FAISS without its team of threads, which a few queries do not need.

    It would start one for every asking thread, if only to number the hits, and the team's idle threads look for work
    for some milliseconds, on cores that the towers of the next questions need.
    """
    faiss = _faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # of the calling thread alone
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _faiss() -> Any:
    try:
        return import_module("faiss")
    except ImportError as error:
        raise MissingDependencyError("faiss-cpu", "cpu", "The faiss backend") from error
