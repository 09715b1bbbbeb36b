"""BM25 over words and lexicon terms."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from corpora.errors import IndexDamagedError
from indexing.lexical import LexicalIndex, tokenize
from indexing.vectors import IdFilter

TEXTS = ["Large pleural effusion on the right.", "Pneumothorax on the left.", "Effusions on both sides.", "", "Normal."]
IDS = [2**62 + 5, 7, 2**63 - 1, 9, 11]


@pytest.fixture
def index() -> LexicalIndex:
    return LexicalIndex.build(TEXTS, IDS)


def test_words_and_findings() -> None:
    assert tokenize("The Lungs: 3.5 cm masses") == ["lung", "3.5", "cm", "masse", "finding:mass"]
    assert tokenize("") == []
    assert tokenize("is the of") == []


def test_synonyms_find_each_other(index: LexicalIndex) -> None:
    scores, found = index.search("hydrothorax or fluid in the pleura: pleural effusion?", 5)
    assert set(found[:2].tolist()) == {IDS[0], IDS[2]}
    assert (np.diff(scores[found >= 0]) <= 0).all()
    assert (found[2:] >= -1).all()


def test_the_shape_is_always_k(index: LexicalIndex) -> None:
    for text in ("pneumothorax", "unknown word", "", "the of"):
        scores, found = index.search(text, 7)
        assert scores.shape == found.shape == (7,)
        assert np.isneginf(scores[found < 0]).all()
    assert index.search("pneumothorax", 7)[1].tolist()[0] == 7


def test_filters_hide(index: LexicalIndex) -> None:
    only = IdFilter(np.array([IDS[2]]))
    assert index.search("effusion", 3, only)[1].tolist() == [IDS[2], -1, -1]
    without = IdFilter(np.array([IDS[2]]), excluding=True)
    assert IDS[2] not in index.search("effusion", 3, without)[1].tolist()


@pytest.mark.parametrize("texts", [[], ["", "the"]])
def test_without_any_word_it_is_empty(texts: list[str], tmp_path: Path) -> None:
    index = LexicalIndex.build(texts, IDS[: len(texts)])
    index.save(tmp_path)
    for one in (index, LexicalIndex.load(tmp_path)):
        assert len(one) == 0
        assert one.search("effusion", 2)[1].tolist() == [-1, -1]


def test_saved_and_loaded_is_the_same(index: LexicalIndex, tmp_path: Path) -> None:
    index.save(tmp_path)
    loaded = LexicalIndex.load(tmp_path)
    for text in ("effusion on the left", "normal"):
        (ours, found), (theirs, again) = index.search(text, 5), loaded.search(text, 5)
        assert np.array_equal(ours, theirs)
        assert np.array_equal(found, again)
    for path in tmp_path.iterdir():
        if path.suffix == ".npy":
            path.write_bytes(b"")
    with pytest.raises(IndexDamagedError, match="build the index again"):
        LexicalIndex.load(tmp_path)
    with pytest.raises(IndexDamagedError):
        LexicalIndex.load(tmp_path / "none")


def test_threads_search_as_one(index: LexicalIndex) -> None:
    asked = ["effusion", "pneumothorax left", "normal", "right"] * 20
    serial = [index.search(text, 4)[1].tolist() for text in asked]
    with ThreadPoolExecutor(8) as pool:
        assert [found.tolist() for _, found in pool.map(lambda text: index.search(text, 4), asked)] == serial
