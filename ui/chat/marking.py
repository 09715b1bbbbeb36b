"""The part of a picture that is asked about: from the box that a person drew to a region in pixels."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image, ImageDraw

from corpora.errors import InputError
from corpora.images import decode
from corpora.records import Region
from ui.chat.exchange import Marked
from ui.chat.uploads import THUMBNAIL, data_address, jpeg_of

__all__ = ["mark", "name_in_box", "region_of"]

_DIMMED = 0.45
_OUTLINE = "#74bce6"  # seen on film and on paper


def mark(data: bytes, of: str, drawn: str) -> Marked:
    """The part of the picture in `data` that lies in the drawn box.

    Args:
        data: The picture as it came.
        of: What names it.
        drawn: `x0,y0,x1,y1`, each from 0 to 1 of the picture's width or height.

    Raises:
        InputError: `drawn` is no such box.
        DecodeError: the picture cannot be read.
    """
    image = decode(data)
    region = region_of(drawn, image.size)
    return Marked(of, region, data_address(jpeg_of(_outlined(image, region))))


def region_of(drawn: str, size: tuple[int, int]) -> Region:
    """The box in pixels of a picture of that width and height; at least one pixel, all within the picture.

    >>> region_of("0.1,0.25,0.5,1.0", (200, 100))
    Region(x0=20, y0=25, x1=100, y1=100)
    """
    try:
        x0, y0, x1, y1 = (float(part) for part in drawn.split(","))
    except ValueError:
        raise InputError("The part that is asked about is not a box; draw it again.") from None
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise InputError("The part that is asked about does not lie in the picture; draw it again.")
    width, height = size
    left, top = min(int(x0 * width), width - 1), min(int(y0 * height), height - 1)
    return Region(left, top, max(math.ceil(x1 * width), left + 1), max(math.ceil(y1 * height), top + 1))


def name_in_box(path: Path) -> str:
    """What names a picture that waits in the question's box: Gradio keeps each in a folder of its content's digest."""
    return path.parent.name


def _outlined(image: Image.Image, region: Region) -> Image.Image:
    """The picture small, dimmed around the part."""
    scale = min(1.0, THUMBNAIL / max(image.size))
    small = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.LANCZOS)
    x0, y0, x1, y1 = (round(edge * scale) for edge in (region.x0, region.y0, region.x1, region.y1))
    shown = small.point(lambda value: int(value * _DIMMED))
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    shown.paste(small.crop((x0, y0, x1, y1)), (x0, y0))
    ImageDraw.Draw(shown).rectangle((x0, y0, x1 - 1, y1 - 1), outline=_OUTLINE, width=2)
    return shown
