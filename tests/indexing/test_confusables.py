"""Cases that look alike and show something else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from corpora.catalog import Catalog, Corpus
from corpora.errors import IndexDamagedError
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from indexing.confusables import Confusables, LabelledCase, mine_confusables
from indexing.encoders import EncoderPlan
from indexing.encoders.base import unit_rows
from indexing.jobs import BuildOptions, build_index
from indexing.opened import OpenedIndex
from indexing.shards import IndexFolder
from indexing.vectors import make_index
from tests.conftest import case, picture, png_bytes


def labelled(patient: str, *labels: str) -> LabelledCase:
    return LabelledCase(patient, frozenset(labels))


def mined(vectors: list[list[float]], cases: dict[int, LabelledCase]) -> list[list[int]]:
    rows = unit_rows(np.array(vectors, np.float32))
    owners = np.arange(1, len(rows) + 1)
    return mine_confusables(make_index(rows, owners * 10, "exact"), rows, owners * 10, owners, cases).pairs.tolist()


def test_near_pictures_with_nothing_in_common() -> None:
    vectors = [[1, 0.0], [1, 0.1], [1, 0.2], [0, 1.0], [-0.1, 1.0]]
    cases = {
        1: labelled("a", "benign"),
        2: labelled("b", "malignant"),
        3: labelled("b", "malignant", "benign"),
        4: labelled("c", "normal"),
        5: labelled("c", "mass"),
    }
    assert mined(vectors, cases) == [[1, 2]]  # 3 shares a label, 4 and 5 a patient, the others lie far apart


def test_records_without_labels_or_no_cases_have_no_pair() -> None:
    assert mined([[1, 0.0], [1, 0.1]], {1: labelled("a", "benign")}) == []
    assert LabelledCase.of(Record("a", "c", "case", "radiology")) is None
    assert LabelledCase.of(Record("a", "c", "figure", "radiology", labels=("mass",))) is None
    assert LabelledCase.of(Record("a", "c", "case", "radiology", labels=("Mass",))) == labelled("c/a", "mass")


def test_a_build_mines_them_and_an_opened_index_tells(home: Home, tiny: EncoderPlan) -> None:
    store = ImageStore(home.images)
    records = [replace(case(n, home), patient=f"p{n}") for n in range(4)]
    almost = picture(0)
    almost.putpixel((0, 0), (1, 2, 3))
    digest, width, height = store.add(png_bytes(almost))
    twin = replace(
        records[0], id="twin", patient="other", labels=("fracture",), pictures=(Picture("", digest, width, height),)
    )
    with Catalog.open(home.catalog_url) as catalog:
        catalog.put_corpus(Corpus("small"))
        catalog.add([*records, twin])
    build_index(home, options=BuildOptions(plan=tiny))
    index = OpenedIndex.open(IndexFolder(home))
    assert twin.uid in index.confusable("radiology", records[0].uid)
    assert records[0].uid in index.confusable("radiology", twin.uid)
    assert index.confusable("radiology", 1) == index.confusable("nowhere", 1) == ()


def test_older_and_damaged_files(home: Home) -> None:
    assert len(Confusables.load(home.path)) == 0
    pairs = Confusables(np.array([[1, 2], [1, 3]], np.int64))
    pairs.save(home.path)
    assert Confusables.load(home.path).of(1) == (2, 3)
    assert Confusables.load(home.path).of(3) == (1,)
    (home.path / "confusable-00000.npy").write_bytes(b"x")
    with pytest.raises(IndexDamagedError, match="confusable"):
        Confusables.load(home.path)
