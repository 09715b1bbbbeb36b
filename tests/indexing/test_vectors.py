"""One contract for every vector index, against brute force in NumPy."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from corpora.errors import IndexDamagedError, InputError, UnknownNameError
from indexing.encoders.base import unit_rows
from indexing.vectors import IdFilter, VectorIndex, make_index
from indexing.vectors.exact import ExactIndex
from indexing.vectors.faiss_index import FaissIndex, has_faiss, has_gpu
from indexing.vectors.registry import chosen_kind, usable_device

DIM, COUNT = 12, 900

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]
Build = Callable[[Vectors, Ids], VectorIndex]

faiss_needed = pytest.mark.skipif(not has_faiss(), reason="faiss is not installed")
EXACT = ["exact", pytest.param("flat", marks=faiss_needed)]
ON_GPU = ["flat on cuda", "ivf on cuda"] if has_gpu() else []
ALL = [*EXACT, pytest.param("hnsw", marks=faiss_needed), pytest.param("ivf", marks=faiss_needed), *ON_GPU]


def some(count: int, seed: int = 1) -> tuple[Vectors, Ids]:
    """Unit vectors and distinct ids that need 63 bits."""
    random = np.random.default_rng(seed)
    ids = np.unique(random.integers(2**62, 2**63 - 1, count, dtype=np.int64))
    return unit_rows(random.standard_normal((len(ids), DIM))), random.permutation(ids)


def made(vectors: NDArray[np.floating], ids: Ids, kind: str) -> VectorIndex:
    kind, _, device = kind.partition(" on ")
    return make_index(vectors, ids, kind, device or "cpu")


def brute_force(vectors: Vectors, ids: Ids, queries: Vectors, k: int, allow: IdFilter | None = None) -> list[set[int]]:
    keep = np.ones(len(ids), bool) if allow is None else allow.mask(ids)
    scores = queries @ vectors[keep].T
    return [set(ids[keep][np.argsort(-row)[:k]].tolist()) for row in scores]


def recall(found: Ids, wanted: list[set[int]]) -> float:
    shared = [len(want & set(row.tolist())) / max(len(want), 1) for row, want in zip(found, wanted, strict=True)]
    return float(np.mean(shared))


@pytest.fixture(scope="module")
def data() -> tuple[Vectors, Ids, Vectors]:
    vectors, ids = some(COUNT)
    return vectors, ids, some(40, seed=2)[0]


@pytest.mark.parametrize("kind", ALL)
class TestVectorIndex:
    """What every kind must do."""

    def test_it_is_a_vector_index(self, kind: str, data: tuple[Vectors, Ids, Vectors]) -> None:
        index = made(data[0], data[1], kind)
        assert isinstance(index, VectorIndex)
        assert (index.dim, len(index)) == (DIM, len(data[1]))

    def test_it_finds_what_brute_force_finds(self, kind: str, data: tuple[Vectors, Ids, Vectors]) -> None:
        vectors, ids, queries = data
        scores, found = made(vectors, ids, kind).search(queries, 10)
        assert scores.shape == found.shape == (len(queries), 10)
        assert scores.dtype == np.float32
        assert found.dtype == np.int64
        least = 1.0 if kind in ("exact", "flat", "flat on cuda") else 0.95
        assert recall(found, brute_force(vectors, ids, queries, 10)) >= least
        assert (np.diff(scores, axis=1) <= 0).all()
        row = {entry: number for number, entry in enumerate(ids.tolist())}
        own = np.array([[queries[q] @ vectors[row[e]] for e in found[q].tolist()] for q in range(len(queries))])
        assert np.allclose(scores, own, atol=1e-5)

    def test_every_entry_finds_itself_first(self, kind: str, data: tuple[Vectors, Ids, Vectors]) -> None:
        vectors, ids, _ = data
        scores, found = made(vectors, ids, kind).search(vectors, 1)
        assert (found[:, 0] == ids).mean() > 0.99
        assert np.allclose(scores[found[:, 0] == ids], 1.0, atol=1e-5)

    @pytest.mark.parametrize("share", [0.01, 0.2, 0.9])
    @pytest.mark.parametrize("excluding", [False, True])
    def test_filters_are_respected(
        self, kind: str, data: tuple[Vectors, Ids, Vectors], share: float, excluding: bool
    ) -> None:
        vectors, ids, queries = data
        chosen = np.sort(np.random.default_rng(3).choice(ids, int(share * len(ids)), replace=False))
        allow = IdFilter(chosen, excluding)
        scores, found = made(vectors, ids, kind).search(queries, 10, allow)
        assert allow.mask(found[found >= 0]).all()
        assert np.isneginf(scores[found < 0]).all()
        least = 0.9 if kind == "hnsw" else 1.0
        assert recall(found, brute_force(vectors, ids, queries, 10, allow)) >= least

    @pytest.mark.parametrize("excluding", [False, True])
    def test_a_filter_of_no_ids(self, kind: str, data: tuple[Vectors, Ids, Vectors], excluding: bool) -> None:
        vectors, ids, queries = data
        scores, found = made(vectors, ids, kind).search(queries, 3, IdFilter(np.zeros(0, np.int64), excluding))
        assert (found >= 0).all() == excluding
        assert np.isneginf(scores).all() != excluding

    def test_more_than_there_are_is_padded(self, kind: str) -> None:
        vectors, ids = some(5)
        scores, found = made(vectors, ids, kind).search(vectors[:2], 9)
        assert found.shape == (2, 9)
        assert set(found[0, :5].tolist()) == set(ids.tolist())
        assert (found[:, 5:] == -1).all()
        assert np.isneginf(scores[:, 5:]).all()

    def test_an_empty_index_finds_nothing(self, kind: str) -> None:
        index = made(np.zeros((0, DIM), np.float32), np.zeros(0, np.int64), kind)
        assert len(index) == 0
        for allow in (None, IdFilter(np.array([3]))):
            scores, found = index.search(some(2)[0], 4, allow)
            assert (found == -1).all()
            assert np.isneginf(scores).all()
            assert found.dtype == np.int64

    def test_no_queries_find_nothing(self, kind: str, data: tuple[Vectors, Ids, Vectors]) -> None:
        scores, found = made(data[0], data[1], kind).search(np.zeros((0, DIM), np.float32), 4)
        assert scores.shape == found.shape == (0, 4)

    @pytest.mark.parametrize("shape", [(1, DIM + 1), (1, 1), (DIM,)])
    def test_a_query_of_another_dimension_is_refused(
        self, kind: str, data: tuple[Vectors, Ids, Vectors], shape: tuple[int, ...]
    ) -> None:
        with pytest.raises(InputError, match="dimensions"):
            made(data[0], data[1], kind).search(np.ones(shape, np.float32), 3)

    def test_ids_that_do_not_fit_are_refused(self, kind: str) -> None:
        with pytest.raises(IndexDamagedError, match="do not fit"):
            made(np.zeros((3, DIM), np.float32), np.zeros(2, np.int64), kind)

    def test_half_precision_is_taken(self, kind: str, data: tuple[Vectors, Ids, Vectors]) -> None:
        vectors, ids, queries = data
        _, found = made(vectors.astype(np.float16), ids, kind).search(queries, 10)
        assert recall(found, brute_force(vectors, ids, queries, 10)) > 0.93

    def test_threads_with_different_filters_do_not_disturb_each_other(
        self, kind: str, data: tuple[Vectors, Ids, Vectors]
    ) -> None:
        vectors, ids, queries = data
        index = made(vectors, ids, kind)
        random = np.random.default_rng(5)
        filters = [None, *(IdFilter(np.sort(random.choice(ids, 300, replace=False)), n % 2 == 0) for n in range(7))]
        ks = [3, 50, 7, 120, 9, 11, 30, 60]
        serial = [index.search(queries, k, allow) for k, allow in zip(ks, filters, strict=True)]
        with ThreadPoolExecutor(8) as pool:
            for _ in range(5):
                for (scores, found), (own, known) in zip(
                    pool.map(index.search, [queries] * 8, ks, filters), serial, strict=True
                ):
                    assert np.array_equal(found, known)
                    assert np.array_equal(scores, own)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 50), st.integers(0, 2**32 - 1), st.booleans())
def test_exact_search_is_brute_force_with_ties_in_the_order_of_ids(n: int, k: int, seed: int, excluding: bool) -> None:
    random = np.random.default_rng(seed)
    vectors = random.integers(-1, 2, (n, 3)).astype(np.float32)  # many equal scores
    ids = random.permutation(n * 3)[:n].astype(np.int64)
    allow = IdFilter(np.sort(ids[random.random(n) < 0.4]), excluding)
    query = random.integers(-1, 2, (1, 3)).astype(np.float32)
    scores, found = ExactIndex(vectors, ids).search(query, k, allow)
    rows = [(-float(query[0] @ vectors[row]), int(ids[row])) for row in np.flatnonzero(allow.mask(ids))]
    wanted = sorted(rows)[:k] + [(np.inf, -1)] * (k - len(rows))
    assert [(-score, entry) for score, entry in zip(scores[0].tolist(), found[0].tolist(), strict=True)] == wanted


@faiss_needed
@pytest.mark.parametrize("kind", ["flat", "hnsw", "ivf"])
def test_saved_and_loaded_is_the_same_index(kind: str, data: tuple[Vectors, Ids, Vectors], tmp_path: Path) -> None:
    vectors, ids, queries = data
    built = FaissIndex.build(vectors, ids, kind)
    built.save(tmp_path / "index.faiss")
    loaded = FaissIndex.load(tmp_path / "index.faiss", kind)
    assert (len(loaded), loaded.dim) == (len(ids), DIM)
    allow = IdFilter(np.sort(ids[:100]))
    (ours, found), (theirs, again) = built.search(queries, 7, allow), loaded.search(queries, 7, allow)
    assert np.array_equal(ours, theirs)
    assert np.array_equal(found, again)


@faiss_needed
@pytest.mark.parametrize("queries", [1, 9])
def test_flat_half_precision_loses_nothing_of_what_is_stored(queries: int) -> None:
    vectors, ids = some(COUNT)
    stored, asked = vectors.astype(np.float16), some(queries, seed=2)[0]
    half, full = (make_index(rows, ids, "flat").search(asked, 20) for rows in (stored, stored.astype(np.float32)))
    assert np.array_equal(half[1], full[1])
    assert np.allclose(half[0], full[0], atol=1e-6)


@faiss_needed
def test_a_question_asks_for_no_team_of_threads_and_changes_nothing_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    import faiss

    vectors, ids = some(100)
    index, seen = make_index(vectors, ids, "flat"), list[int]()
    inner, before = faiss.IndexIDMap.search, faiss.omp_get_max_threads()
    monkeypatch.setattr(
        faiss.IndexIDMap,
        "search",
        lambda *given, **more: seen.append(faiss.omp_get_max_threads()) or inner(*given, **more),
    )
    faiss.omp_set_num_threads(3)
    try:
        index.search(vectors[:1], 5)
        index.search(vectors[:20], 5)
        assert seen == [1, 3]
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


@faiss_needed
def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "index.faiss").write_bytes(b"no index")
    with pytest.raises(IndexDamagedError, match="build the index again"):
        FaissIndex.load(tmp_path / "index.faiss", "flat")


def test_what_auto_chooses() -> None:
    assert chosen_kind("auto", 10) == ("flat" if has_faiss() else "exact")
    if has_faiss():
        assert chosen_kind("auto", 10**6) == "hnsw"
        assert chosen_kind("auto", 10**6, "cuda") == "ivf"
    with pytest.raises(UnknownNameError, match="known: auto, exact, flat, hnsw, ivf"):
        chosen_kind("annoy", 10)


@pytest.mark.skipif(has_gpu(), reason="faiss has a GPU here")
class TestWithoutGpu:
    """A GPU that is asked for and not there."""

    def test_searching_falls_back_to_the_processor_and_says_so(self, caplog: pytest.LogCaptureFixture) -> None:
        vectors, ids = some(50)
        with caplog.at_level(logging.WARNING):
            index = make_index(vectors, ids, "auto", "cuda")
        assert "no GPU for device cuda" in caplog.text
        assert index.search(vectors[:1], 1)[1][0, 0] == ids[0]
        assert usable_device("cpu") == "cpu"

    @faiss_needed
    def test_an_index_put_on_it_by_hand_is_refused(self) -> None:
        vectors, ids = some(50)
        with pytest.raises(InputError, match="finds no GPU"):
            FaissIndex.build(vectors, ids, "flat", "cuda:1")
        with pytest.raises(InputError, match="CPU only"):
            FaissIndex.build(vectors, ids, "hnsw", "cuda")


class Copy:
    """What a GPU holds: an index that ignores filters without a word, and returns 2,048 hits at most."""

    def __init__(self, index: Any) -> None:
        self._index, self.asked = index, list[int]()

    def search(self, queries: Vectors, k: int, params: Any = None) -> tuple[Vectors, Ids]:
        assert k <= 2048
        self.asked.append(k)
        found: tuple[Vectors, Ids] = self._index.search(queries, k)
        return found


@faiss_needed
@pytest.mark.parametrize("half", [False, True])
class TestBesideACopy:
    """An index with a copy on a GPU finds what it finds without; the copy answers where no filter stands between."""

    @pytest.fixture
    def both(self, half: bool, data: tuple[Vectors, Ids, Vectors]) -> tuple[FaissIndex, FaissIndex, Copy]:
        vectors = data[0].astype(np.float16) if half else data[0]
        alone = FaissIndex.build(vectors, data[1], "flat")
        copy = Copy(alone._index)
        return alone, FaissIndex(alone._index, "flat", DIM, copy), copy

    @pytest.mark.parametrize(
        ("few", "excluding", "asked"), [(None, False, [9]), (20, True, [29]), (20, False, []), (0, False, [])]
    )
    def test_filters_hold(
        self,
        both: tuple[FaissIndex, FaissIndex, Copy],
        data: tuple[Vectors, Ids, Vectors],
        few: int | None,
        excluding: bool,
        asked: list[int],
    ) -> None:
        alone, index, copy = both
        allow = None if few is None else IdFilter(np.sort(data[1][:few]), excluding)
        (scores, found), (known, wanted) = index.search(data[2], 9, allow), alone.search(data[2], 9, allow)
        assert np.array_equal(found, wanted)
        assert np.allclose(scores, known, atol=1e-6)
        assert copy.asked == asked

    def test_more_than_a_gpu_returns(self, both: tuple[FaissIndex, FaissIndex, Copy]) -> None:
        _, index, copy = both
        vectors, ids = some(2300)
        index = FaissIndex.build(vectors, ids, "flat")
        index = FaissIndex(index._index, "flat", DIM, copy)
        assert (index.search(vectors[:2], 2100)[1] >= 0).all()
        assert copy.asked == []

    def test_it_is_saved_as_it_is(
        self, both: tuple[FaissIndex, FaissIndex, Copy], data: tuple[Vectors, Ids, Vectors], tmp_path: Path
    ) -> None:
        alone, index, _ = both
        index.save(tmp_path / "index.faiss")
        again = FaissIndex.load(tmp_path / "index.faiss", "flat")
        assert np.array_equal(again.search(data[2], 5)[1], alone.search(data[2], 5)[1])


@faiss_needed
def test_an_unknown_kind_of_faiss_index() -> None:
    with pytest.raises(InputError, match="known: flat, hnsw, ivf"):
        FaissIndex.build(*some(5), "pq")
