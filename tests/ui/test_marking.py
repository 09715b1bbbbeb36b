import base64
from io import BytesIO

import pytest
from PIL import Image

from corpora.errors import DecodeError, InputError
from corpora.records import Region
from tests.ui.scripted import png
from ui.chat.marking import mark, region_of


def opened(address: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(address.partition(",")[2])))


def test_a_drawn_box_becomes_pixels() -> None:
    marked = mark(png(320), "film", "0.25,0.5,0.5,1.0")
    assert (marked.of, marked.region) == ("film", Region(80, 160, 160, 320))


def test_the_part_is_seen_in_the_small_picture() -> None:
    small = opened(mark(png(640), "film", "0.2,0.2,0.4,0.4").thumbnail).convert("L")
    assert small.size == (192, 192)
    whole = opened(mark(png(640), "film", "0,0,1,1").thumbnail).convert("L")
    inside, outside = (60, 60), (150, 150)
    assert abs(small.getpixel(inside) - whole.getpixel(inside)) < 12  # type: ignore[operator]
    assert small.getpixel(outside) < 0.7 * whole.getpixel(outside)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("drawn", "size", "region"),
    [
        ("0,0,1,1", (7, 5), Region(0, 0, 7, 5)),
        ("0.999,0.999,1,1", (10, 10), Region(9, 9, 10, 10)),
        ("0.5,0.5,0.5001,0.5001", (1, 1), Region(0, 0, 1, 1)),
    ],
)
def test_a_region_has_a_pixel_and_lies_in_the_picture(drawn: str, size: tuple[int, int], region: Region) -> None:
    assert region_of(drawn, size) == region


@pytest.mark.parametrize(
    "drawn", ["", "0.1,0.1,0.5", "a,b,c,d", "0.5,0,0.5,1", "0.6,0,0.5,1", "-0.1,0,1,1", "nan,0,1,1"]
)
def test_what_is_no_box_is_one_sentence(drawn: str) -> None:
    with pytest.raises(InputError, match="draw it again"):
        region_of(drawn, (10, 10))


def test_a_tiny_or_long_picture_can_be_marked() -> None:
    for size in ((1, 1), (3000, 2)):
        buffer = BytesIO()
        Image.new("RGB", size).save(buffer, "PNG")
        assert mark(buffer.getvalue(), "film", "0.2,0.2,0.21,0.21").region.x1 <= size[0]


def test_what_is_no_picture_is_one_sentence() -> None:
    with pytest.raises(DecodeError):
        mark(b"nothing", "film", "0,0,1,1")
