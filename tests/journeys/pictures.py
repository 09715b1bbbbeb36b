"""Pictures that are of no patient and of no medicine: scenes, charts, noise."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw

from corpora.teaching import DrawnCase
from corpora.teaching.writer import png

SIDE = 256


def bytes_of(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def picture_of(case: DrawnCase) -> bytes:
    """What a user would upload of a drawn case."""
    return png(case.draw())


def landscape() -> Image.Image:
    """A meadow below a sky, with a house, a tree and the sun, as a photograph is lit."""
    rows = np.linspace(0, 1, SIDE)[:, None]
    sky = np.concatenate([90 + 90 * rows, 150 + 60 * rows, 235 - 10 * rows], axis=1)[:, None, :]
    scene = np.repeat(sky, SIDE, axis=1)
    grain = np.random.Generator(np.random.PCG64(5)).normal(0, 14, (SIDE // 2, SIDE, 1))
    scene[SIDE // 2 :] = np.array([70.0, 140.0, 50.0]) + grain
    picture = Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((190, 20, 230, 60), fill=(255, 240, 150))
    draw.rectangle((40, 110, 120, 180), fill=(190, 80, 60))
    draw.polygon(((30, 112), (80, 66), (130, 112)), fill=(110, 50, 40))
    draw.rectangle((70, 140, 92, 180), fill=(80, 50, 30))
    draw.rectangle((180, 120, 192, 190), fill=(90, 60, 40))
    draw.ellipse((155, 70, 218, 135), fill=(40, 110, 40))
    return picture


def chart() -> Image.Image:
    """A bar chart with axes."""
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(picture)
    draw.line((30, 20, 30, 226, 240, 226), fill="black", width=2)
    for place, height in enumerate((60, 120, 90, 180, 140)):
        draw.rectangle((48 + 38 * place, 226 - height, 72 + 38 * place, 224), fill=(70, 110, 180))
    for row in range(40, 226, 40):
        draw.line((26, row, 240, row), fill=(200, 200, 200))
    return picture


def noise() -> Image.Image:
    values = np.random.Generator(np.random.PCG64(7)).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    return Image.fromarray(values)


def blank() -> Image.Image:
    return Image.new("RGB", (SIDE, SIDE), "white")


EVERYDAY: Mapping[str, Callable[[], Image.Image]] = {
    "landscape": landscape,
    "chart": chart,
    "noise": noise,
    "blank": blank,
}
