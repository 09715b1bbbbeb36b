"""The illustrated primer, as it is written and as the ordinary reader reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from corpora.readers.base import ReaderOptions
from corpora.readers.openstax import OpenStaxReader
from corpora.records import Record, Skipped
from corpora.teaching import primer
from corpora.teaching.primer_diagrams import DIAGRAMS


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("primer")
    assert primer.write(folder) == len(list((folder / "media").iterdir()))
    return folder


@pytest.fixture(scope="module")
def records(book: Path) -> list[Record]:
    found = list(OpenStaxReader().read(book, ReaderOptions("primer", extra={"drawn": "true"})))
    assert not [item for item in found if isinstance(item, Skipped)]
    return [item for item in found if isinstance(item, Record)]


def test_five_chapters_with_enough_figures(records: list[Record]) -> None:
    figures = [record for record in records if record.kind == "figure"]
    assert len(figures) >= 40
    chapters = [record.attributes["chapter"] for record in figures]
    assert set(chapters) == {"Radiology", "Ultrasound", "Ophthalmology", "Dermatology", "Pathology"}
    assert all(chapters.count(chapter) >= 6 for chapter in set(chapters))


def test_every_figure_is_explained(records: list[Record]) -> None:
    for figure in (record for record in records if record.kind == "figure"):
        assert figure.caption
        assert figure.mentions, figure.id
        assert figure.drawn
        assert all(picture.description for picture in figure.pictures)
        assert all(re.search(r"Figure \d\.\d", mention) for mention in figure.mentions)


def test_panels_stay_together(records: list[Record]) -> None:
    panels = next(record for record in records if record.id.endswith("fig-path-white"))
    assert len(panels.pictures) == 5
    assert panels.modality == "blood smear"


def test_passages_name_their_figures(records: list[Record]) -> None:
    known = {record.id for record in records if record.kind == "figure"}
    passages = [record for record in records if record.kind == "passage"]
    assert len(passages) >= 25
    assert {key for passage in passages for key in passage.attributes["figures"]} == known


def test_each_picture_of_the_text_is_drawn_and_each_drawing_used(book: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in book.glob("modules/*/index.cnxml"))
    assert set(re.findall(r'media/([\w-]+)\.png"', text)) == {*primer.DRAWINGS, *DIAGRAMS}


def test_pictures_say_that_they_are_drawn(book: Path) -> None:
    for path in (book / "media").iterdir():
        with Image.open(path) as picture:
            assert picture.info["Comment"] == "drawn, not a patient"


def test_diagrams_are_always_the_same() -> None:
    for name in ("eye-landmarks", "rad-hounsfield", "path-white-a"):
        assert DIAGRAMS[name]().tobytes() == DIAGRAMS[name]().tobytes()
