"""Pictures that are no medical pictures, made by code: plots, pages of text, screens, noise, blanks, gradients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

__all__ = ["everyday_pictures"]

_SIDE = 320
_WORDS = [
    "the",
    "quick",
    "report",
    "of",
    "our",
    "last",
    "meeting",
    "shows",
    "that",
    "sales",
    "and",
    "travel",
    "plans",
    "changed",
    "after",
    "the",
    "holidays",
]


def everyday_pictures(count: int, seed: int = 0) -> Iterator[Image.Image]:
    """`count` pictures, the kinds taking turns."""
    rng = np.random.default_rng(seed)
    kinds = (_plot, _page, _screen, _noise, _blank, _gradient, _scene, _scatter, _pie)
    for number in range(count):
        picture = kinds[number % len(kinds)](rng)
        # Grey ones too: a router that knows colour alone takes every grey photograph for a radiograph.
        yield picture.convert("L").convert("RGB") if number // len(kinds) % 3 == 2 else picture


def _canvas(rng: np.random.Generator, low: int = 200) -> Image.Image:
    return Image.new("RGB", (_SIDE, _SIDE), tuple(int(value) for value in rng.integers(low, 256, 3)))


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return red, green, blue


def _plot(rng: np.random.Generator) -> Image.Image:
    image = _canvas(rng, 240)
    pen = ImageDraw.Draw(image)
    pen.line([(40, 20), (40, 280), (300, 280)], fill=(20, 20, 20), width=2)
    if rng.random() < 0.5:
        for x in range(50, 300, 30):
            pen.rectangle([x, 280 - int(rng.integers(20, 240)), x + 20, 280], fill=_colour(rng))
    else:
        for _ in range(int(rng.integers(1, 4))):
            heights = 150 + np.cumsum(rng.normal(0, 12, 26))
            pen.line([(40 + 10 * x, float(y)) for x, y in enumerate(heights)], fill=_colour(rng), width=2)
    return image


def _page(rng: np.random.Generator) -> Image.Image:
    image = _canvas(rng, 245)
    pen = ImageDraw.Draw(image)
    for y in range(20, 300, int(rng.integers(11, 18))):
        pen.text((20, y), " ".join(rng.choice(_WORDS, int(rng.integers(5, 9)))), fill=(30, 30, 30))
    return image


def _screen(rng: np.random.Generator) -> Image.Image:
    image = _canvas(rng, 20)
    pen = ImageDraw.Draw(image)
    pen.rectangle([0, 0, _SIDE, 28], fill=_colour(rng))
    for _ in range(int(rng.integers(6, 14))):
        x, y = (int(value) for value in rng.integers(0, 260, 2))
        pen.rectangle([x, y + 30, x + int(rng.integers(30, 120)), y + 60], fill=_colour(rng))
        pen.text((x + 5, y + 38), str(rng.choice(_WORDS)), fill=_colour(rng))
    return image


def _noise(rng: np.random.Generator) -> Image.Image:
    shape = (_SIDE, _SIDE, 3) if rng.random() < 0.5 else (_SIDE, _SIDE)
    return Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).convert("RGB")


def _blank(rng: np.random.Generator) -> Image.Image:
    return Image.new("RGB", (_SIDE, _SIDE), _colour(rng))


def _gradient(rng: np.random.Generator) -> Image.Image:
    ramp = np.linspace(0, 1, _SIDE)[None, :, None] * np.ones((_SIDE, 1, 1))
    mixed = ramp * np.array(_colour(rng)) + (1 - ramp) * np.array(_colour(rng))
    return Image.fromarray(mixed.astype(np.uint8)).rotate(float(rng.integers(0, 360)))


def _scene(rng: np.random.Generator) -> Image.Image:
    """Sky, ground and things: coloured shapes with soft edges, as a photograph seen from afar."""
    image = Image.new("RGB", (_SIDE, _SIDE), (120 + int(rng.integers(0, 90)), 160, 220))
    pen = ImageDraw.Draw(image)
    pen.rectangle([0, int(rng.integers(140, 220)), _SIDE, _SIDE], fill=(60, 90 + int(rng.integers(0, 90)), 50))
    for _ in range(int(rng.integers(4, 12))):
        x, y = (int(value) for value in rng.integers(0, 280, 2))
        size = int(rng.integers(15, 90))
        shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
        shape([x, y, x + size, y + size], fill=_colour(rng))
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 3))))


def _scatter(rng: np.random.Generator) -> Image.Image:
    """Points over axes, in one or two clouds."""
    image = _canvas(rng, 240)
    pen = ImageDraw.Draw(image)
    pen.rectangle([40, 20, 300, 280], outline=(40, 40, 40))
    for _ in range(int(rng.integers(1, 3))):
        centre, colour, size = rng.uniform(90, 220, 2), _colour(rng), int(rng.integers(2, 5))
        for x, y in rng.normal(centre, rng.uniform(15, 45), (60, 2)).clip(45, 275).tolist():
            pen.ellipse([x - size, y - size, x + size, y + size], fill=colour)
    return image


def _pie(rng: np.random.Generator) -> Image.Image:
    """A pie chart with a legend."""
    image = _canvas(rng, 240)
    pen = ImageDraw.Draw(image)
    edges = np.sort(rng.uniform(0, 360, int(rng.integers(3, 7)))).tolist()
    for number, (start, end) in enumerate(zip(edges, [*edges[1:], edges[0] + 360], strict=True)):
        colour = _colour(rng)
        pen.pieslice([30, 60, 220, 250], start, end, fill=colour, outline=(255, 255, 255))
        pen.rectangle([235, 70 + 24 * number, 247, 82 + 24 * number], fill=colour)
        pen.text((252, 70 + 24 * number), str(rng.choice(_WORDS)), fill=(30, 30, 30))
    return image
