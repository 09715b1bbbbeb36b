"""Questions as values: what they take, what they refuse."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from corpora.errors import DecodeError, QueryError, SourceError
from corpora.records import Region
from retrievers import Query
from retrievers.query import ImageSource
from tests.conftest import picture, png_bytes


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00\x07", "\u200b\ufeff", "\ud800"])
def test_an_empty_question_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="empty"):
        Query(text=text)


def test_control_characters_go_and_spaces_fold() -> None:
    assert Query(text="  pleural\x00\x1b[31m \n\t effusion\u202e ").text == "pleural[31m effusion"
    assert Query(text="बायाँ फेफड़ा, Größe").text == "बायाँ फेफड़ा, Größe"


def test_pictures_as_paths_bytes_and_pil_images_are_the_same(tmp_path: Path) -> None:
    image = picture(3, (30, 20))
    (tmp_path / "x.png").write_bytes(png_bytes(image))
    forms: list[ImageSource] = [
        tmp_path / "x.png",
        str(tmp_path / "x.png"),
        png_bytes(image),
        image,
        image.convert("RGBA"),
    ]
    for shown in Query(images=forms).pictures:
        assert shown.mode == "RGB"
        assert np.array_equal(np.asarray(shown), np.asarray(image))


def test_a_phone_picture_is_upright_however_it_is_given(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(3, (30, 20)).save(tmp_path / "x.jpg", exif=exif)
    with Image.open(tmp_path / "x.jpg") as opened:
        first, second = Query(images=[tmp_path / "x.jpg", opened]).pictures
        assert opened.size == (30, 20)
    assert first.size == second.size == (20, 30)
    assert np.array_equal(np.asarray(first), np.asarray(second))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16"])
def test_pil_images_of_every_mode(mode: str) -> None:
    image = Image.linear_gradient("L").resize((16, 16))
    made = Image.fromarray(np.asarray(image, np.uint16) * 200) if mode == "I;16" else image.convert(mode)
    (shown,) = Query(images=[made]).pictures
    assert (shown.mode, shown.size) == ("RGB", (16, 16))


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="picture 1 is not a picture"):
        Query(images=[b"text"])
    with pytest.raises(SourceError, match="cannot be read"):
        Query(images=[tmp_path / "none.png"])
    with pytest.raises(DecodeError, match="picture 2"):
        Query(images=[picture(1), Image.new("RGB", (0, 5))])
    with pytest.raises(DecodeError, match="picture 1 is damaged"):
        Query(images=[png_bytes(picture(1, (90, 90)))[:-60]])
    with pytest.raises(QueryError, match="picture 1 is of type int"):
        Query(images=[3])  # type: ignore[list-item]


@pytest.mark.parametrize("one", ["x.png", Path("x.png"), b"x", picture(1)])
def test_one_picture_without_a_list_is_refused(one: object) -> None:
    with pytest.raises(QueryError, match="give a list"):
        Query(images=one)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["exclude", "exclude_patients", "corpora", "groups"])
def test_one_name_without_a_list_is_refused(name: str) -> None:
    """A string is an iterable of letters; taken as one, it would exclude nothing, silently."""
    with pytest.raises(QueryError, match=f"{name} is one text; give a list"):
        Query(text="x", **{name: "case-17"})  # type: ignore[arg-type]


def test_names_become_frozen_sets() -> None:
    query = Query(text="x", exclude=(n for n in ["a", "a", "b"]), corpora=["c"], groups=[])
    assert query.exclude == frozenset({"a", "b"})
    assert query.corpora == frozenset({"c"})
    assert query.groups == frozenset()
    assert Query(text="x").corpora is None


def test_a_region_cuts_the_first_picture_only() -> None:
    images = [picture(1, (30, 20)), picture(2, (30, 20))]
    first, second = Query(images=images, region=Region(5, 5, 500, 12)).pictures
    assert first.size == (25, 7)
    assert np.array_equal(np.asarray(first), np.asarray(images[0])[5:12, 5:])
    assert second.size == (30, 20)


def test_a_region_outside_is_refused() -> None:
    query = Query(images=[picture(1, (30, 20))], region=Region(30, 0, 40, 10))
    with pytest.raises(QueryError, match="outside the picture of 30 × 20"):
        query.pictures  # noqa: B018 (it is looked at when the question is asked)


def test_decoding_leaves_the_callers_image_alone() -> None:
    image = picture(1).convert("L")
    image.info["comment"] = "mine"
    Query(images=[image])
    assert (image.mode, image.info) == ("L", {"comment": "mine"})
    buffer = io.BytesIO()
    image.save(buffer, "PNG")


def test_many_large_pictures_are_refused_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrievers.query._MOST_PIXELS", 3 * 64 * 64)
    one = Image.new("RGB", (64, 64))
    assert len(Query(images=[one] * 3).images) == 3
    with pytest.raises(QueryError, match="megapixels together"):
        Query(images=[one] * 4)


def test_a_region_needs_its_picture() -> None:
    with pytest.raises(QueryError, match="without a picture"):
        Query(text="effusion", region=Region(0, 0, 5, 5))
