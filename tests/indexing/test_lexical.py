"""BM25 over words and lexicon terms."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.catalog import Catalog, Corpus
from corpora.errors import IndexDamagedError
from corpora.home import Home
from corpora.records import Record
from indexing import jobs
from indexing.describe import lexical_text
from indexing.encoders import EncoderPlan
from indexing.jobs import BuildOptions, build_index
from indexing.lexical import LexicalIndex, tokenize
from indexing.opened import OpenedIndex
from indexing.shards import IndexFolder
from indexing.tokens import stem
from indexing.vectors import IdFilter
from tests.conftest import fill

TEXTS = ["Large pleural effusion on the right.", "Pneumothorax on the left.", "Effusions on both sides.", "", "Normal."]
IDS = [2**62 + 5, 7, 2**63 - 1, 9, 11]


@pytest.fixture
def index() -> LexicalIndex:
    return LexicalIndex.build(TEXTS, IDS)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The Lungs: masses", "lung mass finding:mass anatomy:lung"),
        ("3.5 cm, 35mm and 5 x 3 cm", "35mm 35mm 50mm 30mm"),
        ("T2-weighted", "t2 weighted t2weighted modality:mr"),
        ("CD20 and Ki-67", "cd20 ki 67 ki67"),
        ("L4-5, L4/L5", "l4 l5 l4-5 l4 l5 l4-5"),
        ("β-amyloid 20/40", "beta amyloid betaamyloid 20/40"),
        ("Neumotórax", "neumotorax finding:pneumothorax"),
        ("haemorrhages of the oesophagus", "hemorrhage esophagus finding:hemorrhage anatomy:esophagus"),
        ("vertebrae and metastases", "vertebra metastasis finding:metastasis anatomy:spine"),
        ("फेफड़े में", "फेफड़े में"),
        ("No pleural effusion.", "denied:pleural_effusion"),
        ("Is there an effusion?", "effusion finding:pleural_effusion"),
        ("Possible effusion", "possible effusion finding:pleural_effusion"),
        ("The heart is not enlarged.", "heart enlarged denied:cardiomegaly anatomy:heart"),
        ("No effusion, but a mass", "mass denied:pleural_effusion finding:mass"),
        ("chest x-ray", "chest ray xray anatomy:chest modality:chest_radiograph"),
        ("", ""),
        ("is the of", ""),
        ("\u202e\x00", ""),
    ],
)
def test_tokens(text: str, tokens: str) -> None:
    assert tokenize(text) == tokens.split()


@given(st.text(max_size=200))
def test_any_text_has_tokens_that_stay(text: str) -> None:
    assert tokenize(text) == tokenize(text)
    assert all(token and not token.isspace() for token in tokenize(text))


@pytest.mark.parametrize(
    ("word", "stemmed"),
    [
        ("effusions", "effusion"),
        ("masses", "mass"),
        ("biopsies", "biopsy"),
        ("metastases", "metastasis"),
        ("stenoses", "stenosis"),
        ("diseases", "disease"),
        ("nuclei", "nucleus"),
        ("reflexes", "reflex"),
        ("pathologically", "pathologic"),
        ("bilaterally", "bilateral"),
        ("tumours", "tumor"),
        ("oedema", "edema"),
        ("leucocyte", "leukocyte"),
        ("fibre", "fiber"),
        ("thrombus", "thrombus"),
        ("basis", "basis"),
        ("gas", "gas"),
        ("t2s", "t2s"),
    ],
)
def test_stems(word: str, stemmed: str) -> None:
    assert stem(word) == stemmed


def test_a_denied_finding_is_not_found_by_who_asks_for_it() -> None:
    index = LexicalIndex.build(["No pleural effusion.", "Small pleural effusion.", "Hydrothorax."], [1, 2, 3])
    for asked in ("pleural effusion", "is there a pleural effusion?"):
        assert set(index.search(asked, 3)[1].tolist()) == {2, 3, -1}
    assert index.search("cases without effusion", 3)[1].tolist() == [1, -1, -1]


def test_the_vocabulary_holds_words_and_terms(index: LexicalIndex) -> None:
    assert {"large", "pneumothorax", "finding:pneumothorax", "anatomy:pleura"} <= index.vocabulary
    assert "the" not in index.vocabulary
    assert LexicalIndex.build([], []).vocabulary == frozenset()


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


def test_an_index_of_another_tokenisation_still_answers_and_says_so(
    index: LexicalIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for domain in ("one", "two"):
        index.save(tmp_path / domain)
    LexicalIndex.load(tmp_path / "one")
    assert caplog.messages == []
    (tmp_path / "one" / "tokens.txt").unlink()
    (tmp_path / "two" / "tokens.txt").write_text("1/older")
    for domain in ("one", "two"):
        assert LexicalIndex.load(tmp_path / domain).search("pneumothorax", 1)[1].tolist() == [7]
    (said,) = caplog.messages  # once for all domains
    assert "curbside index build" in said


def test_another_tokenisation_builds_the_index_again_and_embeds_nothing(
    home: Home, tiny: EncoderPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(home, 5)
    options = BuildOptions(plan=tiny)
    assert build_index(home, options=options).embedded == 5
    assert not build_index(home, options=options).fresh
    monkeypatch.setattr(jobs, "tokenisation", lambda: "3/newer")
    again = build_index(home, options=options)
    assert (again.fresh, again.embedded, again.reused) == (True, 0, 5)
    assert not build_index(home, options=options).fresh


def test_labels_alone_find_a_record_in_the_built_index(home: Home, tiny: EncoderPlan) -> None:
    record = Record("a", "c", "case", "dermatology", "dermoscopy", labels=("melanoma",), attributes={"site": "back"})
    with Catalog.open(home.catalog_url) as catalog:
        catalog.put_corpus(Corpus("c"))
        catalog.add([record])
    build_index(home, options=BuildOptions(plan=tiny))
    opened = OpenedIndex.open(IndexFolder(home))
    for asked in ("melanoma", "on the back", "dermatoscopy"):
        assert opened.lexical["dermatology"].search(asked, 1)[1].tolist() == [record.uid]


def test_lexical_texts() -> None:
    case = Record(
        "a", "c", "case", "radiology", "CT", report="A mass on CT.", labels=("mass", "cyst"), absent=("cyst",)
    )
    assert lexical_text(case) == "A mass on CT.\ncyst. no cyst"
    assert lexical_text(Record("p", "c", "passage", "textbook", "page", report="Text.")) == "Text."
