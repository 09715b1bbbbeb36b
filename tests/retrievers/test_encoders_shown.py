"""What `eval encoders` shows: the page of the worst queries, and the bars."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from corpora.errors import MissingDependencyError, SourceError
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from indexing.training.home_features import Row
from retrievers.evaluation.encoders import DomainResult
from retrievers.evaluation.encoders_plot import plot_encoders
from retrievers.evaluation.spaces import DOMAIN, GENERAL, OWN, Space
from retrievers.evaluation.worst import worst_queries, write_worst_page
from tests.conftest import picture, png_bytes
from tests.retrievers.planted_spaces import by_name, cases, dead, judged, perfect


@pytest.fixture
def store(home: Home) -> ImageStore:
    return ImageStore(home.images)


@pytest.fixture
def records(store: ImageStore) -> list[Record]:
    return cases(store)


@pytest.fixture
def result(records: list[Record], store: ImageStore) -> DomainResult:
    """A perfect space, but picture 7 lies farthest from its own text and group; its text is hostile."""
    odd = [*records]
    odd[7] = replace(records[7], report='<script>alert("no")</script> & more')
    vectors = perfect().images.copy()
    vectors[7] = -vectors[7]
    return judged(odd, store, {DOMAIN: Space(vectors, perfect().images), GENERAL: dead()})


class TestWorst:
    """The page shows where it goes most wrong."""

    def test_the_worst_come_first_one_a_patient(self, result: DomainResult) -> None:
        patients = result.cases.pairs.patients
        found = by_name(result)
        assert worst_queries(found["image→text"], patients) == [7]
        numbers = worst_queries(found["image→image"], patients)
        assert numbers[0] == 7
        assert len({patients[number] for number in numbers}) == len(numbers) <= 12

    def test_the_page_escapes_and_loads_nothing(self, result: DomainResult, store: ImageStore, tmp_path: Path) -> None:
        path = tmp_path / "run" / "worst.html"
        write_worst_page([result], store, path, True)
        page = path.read_text(encoding="utf-8")
        for part in (
            "not a medical device",
            "holds pictures and texts of the home",
            "prefers-color-scheme",
            "held-out",
        ):
            assert part in page
        assert "default-src 'none'" in page
        assert "<script" not in page
        assert "&lt;script&gt;alert(&#34;no&#34;)&lt;/script&gt; &amp; more" in page
        assert "its text came at place 24 of 24" in page
        assert set(re.findall(r'(?:src|href)="([^"]{0,5})', page)) == {"data:", "#ultr"}
        assert "http" not in page.replace("http-equiv", "")

    def test_pictures_are_small(self, result: DomainResult, store: ImageStore, tmp_path: Path) -> None:
        digest, *_ = store.add(png_bytes(picture(7, (900, 600))))
        row = result.cases.rows[7]
        large = Row(replace(row.record, pictures=(Picture(digest=digest),)), digest)
        rows = [large if number == 7 else other for number, other in enumerate(result.cases.rows)]
        shown = replace(result, cases=replace(result.cases, rows=rows))
        write_worst_page([shown], store, tmp_path / "worst.html", False)
        assert (tmp_path / "worst.html").stat().st_size < 200_000

    def test_a_lost_picture_is_told(self, result: DomainResult, store: ImageStore, tmp_path: Path) -> None:
        store.discard(result.cases.rows[7].digest)
        with pytest.raises(SourceError, match="add its corpus again"):
            write_worst_page([result], store, tmp_path / "worst.html", False)


class TestPlot:
    """The bars."""

    def test_it_draws_every_direction(self, result: DomainResult, tmp_path: Path) -> None:
        plot_encoders([result], tmp_path / "encoders.png", True)
        with Image.open(tmp_path / "encoders.png") as image:
            assert image.width > 1200
            assert len(image.convert("RGB").getcolors(1 << 24) or ()) > 50

    def test_the_encoder_of_the_home_has_bars_of_its_own(
        self, result: DomainResult, records: list[Record], store: ImageStore, tmp_path: Path
    ) -> None:
        own = judged(records, store, {OWN: perfect(), GENERAL: dead()})
        dark = []
        for name, results in (("without", [result]), ("with", [own])):
            plot_encoders(results, tmp_path / f"{name}.png", True)
            with Image.open(tmp_path / f"{name}.png") as image:
                pixels = np.asarray(image.convert("RGB"))
            dark.append(int((pixels == (0x0B, 0x3D, 0x2E)).all(axis=2).sum()))
        assert dark[0] == 0
        assert dark[1] > 1000

    def test_without_matplotlib_it_says_what_to_install(
        self, result: DomainResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(MissingDependencyError, match="curbside\\[plots\\]"):
            plot_encoders([result], tmp_path / "encoders.png", True)
