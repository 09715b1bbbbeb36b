"""Diagrams of the primer, drawn with lines and words, and pictures with labels on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from corpora.teaching.blood_film import RedCell, develop, new_film, red_cell
from corpora.teaching.case import Pixels, rng_for
from corpora.teaching.dermoscopy import example as skin_example
from corpora.teaching.retina import RADIUS, anatomy_of
from corpora.teaching.retina import SIZE as EYE_SIZE
from corpora.teaching.retina_diseases import draw_plan, plan_for
from corpora.teaching.stain import MACENKO
from corpora.teaching.white_cells import white_cell

__all__ = ["DIAGRAMS"]

_INK, _SOFT, _PAPER = (40, 44, 52), (120, 126, 138), (252, 252, 250)
_BLUE, _RED = (52, 101, 164), (190, 60, 60)
_SAMPLES = 2  # drawn twice as large and reduced, since Pillow's lines have hard edges


class _Sheet:
    """A sheet to draw on; positions in pixels of the finished picture."""

    def __init__(self, width: int, height: int, ground: Image.Image | None = None) -> None:
        size = (width * _SAMPLES, height * _SAMPLES)
        self.image = ground.resize(size, Image.Resampling.BICUBIC) if ground else Image.new("RGB", size, _PAPER)
        self.draw = ImageDraw.Draw(self.image)

    def line(self, points: list[tuple[float, float]], colour: tuple[int, int, int] = _INK, width: float = 2.0) -> None:
        scaled = [(x * _SAMPLES, y * _SAMPLES) for x, y in points]
        self.draw.line(scaled, fill=colour, width=round(width * _SAMPLES), joint="curve")

    def arrow(self, start: tuple[float, float], end: tuple[float, float], colour: tuple[int, int, int] = _INK) -> None:
        self.line([start, end], colour)
        angle = math.atan2(end[1] - start[1], end[0] - start[0])
        for turn in (2.7, -2.7):
            tip = (end[0] + 9 * math.cos(angle + turn), end[1] + 9 * math.sin(angle + turn))
            self.line([end, tip], colour)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: tuple[int, int, int], oval: bool = False) -> None:
        corners = (x0 * _SAMPLES, y0 * _SAMPLES, x1 * _SAMPLES, y1 * _SAMPLES)
        (self.draw.ellipse if oval else self.draw.rectangle)(corners, fill=fill)

    def text(
        self, x: float, y: float, words: str, colour: tuple[int, int, int] = _INK, size: int = 15, anchor: str = "mm"
    ) -> None:
        font = ImageFont.load_default(size=size * _SAMPLES)
        self.draw.text((x * _SAMPLES, y * _SAMPLES), words, fill=colour, font=font, anchor=anchor)

    def pixels(self) -> Pixels:
        return np.asarray(self.image.reduce(_SAMPLES))


def _beam() -> Pixels:
    """Rays from the tube through lung, heart and bone to the detector."""
    sheet = _Sheet(600, 380)
    sheet.box(150, 120, 450, 300, (226, 214, 204), oval=True)
    tissues = [
        (205, (150, 178, 204), "lung", 60),
        (295, (198, 110, 110), "heart", 165),
        (385, (236, 236, 224), "bone", 238),
    ]
    for x, colour, name, bright in tissues:
        sheet.box(x - 34, 165, x + 34, 255, colour, oval=True)
        sheet.text(x, 210, name)
        sheet.arrow((x, 62), (x, 158), _BLUE)
        sheet.arrow((x, 262), (x, 326), _SOFT)
        sheet.box(x - 45, 332, x + 45, 350, (bright, bright, bright))
    sheet.text(300, 40, "X-rays from the tube", _BLUE, 17)
    sheet.line([(150, 356), (450, 356)], _INK, 3)
    sheet.text(520, 341, "detector", _INK)
    sheet.text(75, 341, "film", _INK)
    return sheet.pixels()


def _hounsfield() -> Pixels:
    """The scale from air to bone, with the brain window opened below."""
    sheet = _Sheet(640, 300)
    for x in range(40, 600):
        level = int(255 * (x - 40) / 560)
        sheet.box(x, 70, x + 1, 110, (level, level, level))
    marks = [(-1000, "air"), (-100, "fat"), (0, "water"), (1000, "bone")]
    for value, name in marks:
        at = 40 + 560 * (value + 1000) / 2000
        sheet.line([(at, 110), (at, 120)])
        sheet.text(at, 132, str(value), size=13)
        sheet.text(at, 54 if value != 0 else 36, name)
    for x in range(140, 500):
        level = int(255 * (x - 140) / 360)
        sheet.box(x, 195, x + 1, 235, (level, level, level))
    sheet.line([(320, 112), (140, 193)], _BLUE)
    sheet.line([(342, 112), (500, 193)], _BLUE)
    for value, name in ((0, "water"), (26, "white matter"), (38, "grey matter"), (68, "fresh blood")):
        at = 140 + 360 * value / 80
        sheet.line([(at, 235), (at, 244)])
        sheet.text(at, 254 if value != 38 else 272, f"{name} {value}", size=13)
    sheet.text(560, 214, "brain window", _BLUE)
    return sheet.pixels()


def _echo() -> Pixels:
    """A pulse, two borders, two echoes, two points."""
    sheet = _Sheet(620, 340)
    sheet.box(478, 70, 562, 320, (12, 12, 12))
    sheet.box(60, 40, 160, 70, (176, 182, 192))
    sheet.text(110, 55, "probe")
    for y, name, strength in ((150, "border 1", 220), (250, "border 2", 130)):
        sheet.line([(40, y), (180, y)], _SOFT, 3)
        sheet.text(215, y, name, _SOFT)
        sheet.arrow((90 if y < 200 else 105, 76), (90 if y < 200 else 105, y - 4), _BLUE)
        sheet.arrow((120 if y < 200 else 135, y - 4), (120 if y < 200 else 135, 76), _RED)
        sheet.box(480, y - 6, 560, y + 6, (strength, strength, strength))
    sheet.line([(300, 320), (300, 60)], _INK)
    sheet.text(300, 45, "time = depth", _INK)
    for y, height in ((150, 90), (250, 52)):
        sheet.line([(300, y - 9), (300 + height, y), (300, y + 9)], _RED)
    sheet.line([(478, 70), (478, 320), (562, 320), (562, 70), (478, 70)], _SOFT, 1)
    sheet.text(520, 45, "picture line")
    return sheet.pixels()


def _landmarks() -> Pixels:
    """A normal right eye with labels."""
    name = next(
        n for n in (f"primer-eye-{k}" for k in range(20)) if plan_for("normal fundus", n, 0.5).eye.side == "right"
    )
    plan = plan_for("normal fundus", name, 0.5)
    anatomy = anatomy_of(plan.eye)
    sheet = _Sheet(EYE_SIZE, EYE_SIZE, Image.fromarray(draw_plan(plan)))
    middle, white = EYE_SIZE / 2, (255, 255, 255)

    def label(words: str, at: tuple[float, float], word_at: tuple[float, float]) -> None:
        end = (middle + at[0] * RADIUS, middle + at[1] * RADIUS)
        start = (middle + word_at[0] * RADIUS, middle + word_at[1] * RADIUS)
        sheet.arrow((start[0], start[1] + (10 if end[1] > start[1] else -10)), end, white)
        sheet.text(*start, words, white)

    (dx, dy), (fx, fy) = anatomy.disc, anatomy.fovea
    label("optic disc", (dx - 0.02, dy + 0.13), (dx - 0.06, dy + 0.38))
    label("fovea", (fx, fy + 0.04), (fx, fy + 0.28))
    label("temporal arcade", (fx + 0.25, fy - 0.50), (fx + 0.05, fy - 0.26))
    sheet.text(30, EYE_SIZE - 14, "temporal", white, 13, "lm")
    sheet.text(EYE_SIZE - 30, EYE_SIZE - 14, "nasal", white, 13, "rm")
    return sheet.pixels()


def _cup() -> Pixels:
    """Two discs with a small and with a large cup."""
    sheet = _Sheet(560, 300)
    for x, ratio in ((150, 0.3), (410, 0.8)):
        sheet.box(x - 92, 45, x + 92, 245, (238, 168, 120), oval=True)
        half = 100 * ratio
        sheet.box(x - 0.92 * half, 145 - half, x + 0.92 * half, 145 + half, (250, 234, 196), oval=True)
        sheet.arrow((x, 145), (x, 145 - half), _BLUE)
        sheet.arrow((x, 145), (x, 145 + half), _BLUE)
        sheet.arrow((x + 108, 145), (x + 108, 45), _INK)
        sheet.arrow((x + 108, 145), (x + 108, 245), _INK)
        sheet.text(x, 272, f"cup / disc = {ratio}", size=17)
    return sheet.pixels()


def _skin_colours() -> Pixels:
    """Pigment at four depths, and the colour that each has from above."""
    sheet = _Sheet(620, 330)
    layers = [
        (60, 85, (238, 216, 190), "horny layer"),
        (85, 150, (240, 196, 170), "epidermis"),
        (150, 215, (244, 190, 180), "papillary dermis"),
        (215, 300, (240, 176, 170), "deep dermis"),
    ]
    for top, bottom, colour, name in layers:
        sheet.box(30, top, 430, bottom, colour)
        sheet.text(445, (top + bottom) / 2, name, anchor="lm")
    seen = [
        (80, 72, (20, 16, 14), "black"),
        (175, 118, (120, 72, 38), "brown"),
        (270, 182, (128, 128, 136), "grey"),
        (365, 258, (82, 104, 152), "blue"),
    ]
    for x, y, colour, name in seen:
        sheet.box(x - 22, y - 10, x + 22, y + 10, (60, 40, 28), oval=True)
        sheet.arrow((x, y - 14 if y > 80 else 58), (x, 46), colour)
        sheet.box(x - 30, 12, x + 30, 40, colour)
        sheet.text(x, 26, name, (255, 255, 255))
    return sheet.pixels()


def _skin_axes() -> Pixels:
    """A melanoma with two axes laid through it."""
    picture = Image.fromarray(skin_example("melanoma", 6).draw())
    sheet = _Sheet(picture.width, picture.height, picture)
    sheet.line([(30, 120), (370, 285)], (255, 255, 255))
    sheet.line([(283, 30), (118, 370)], (255, 255, 255))
    return sheet.pixels()


def _density() -> Pixels:
    """Transmitted light against the amount of each dye, in red, green and blue."""
    sheet = _Sheet(640, 330)
    for left, name, vector in ((60, "haematoxylin", MACENKO.hematoxylin), (370, "eosin", MACENKO.eosin)):
        sheet.line([(left, 50), (left, 270), (left + 230, 270)])
        sheet.text(left + 115, 30, name, size=17)
        sheet.text(left + 115, 295, "amount of dye", size=13)
        for absorbed, colour in zip(vector, ((200, 50, 50), (40, 150, 70), (50, 90, 200)), strict=True):
            points = [(left + 2.3 * k, 270 - 215 * 10 ** (-absorbed * k / 60)) for k in range(101)]
            sheet.line([(float(x), float(y)) for x, y in points], colour, 3)
    sheet.text(30, 160, "light", size=13)
    return sheet.pixels()


def _red_cell_profile() -> Pixels:
    """The profile of a red cell after Evans and Fung, and the cell seen from above."""
    sheet = _Sheet(600, 330)
    steps = np.linspace(-1, 1, 161)
    thick = np.sqrt(1 - steps**2) * (0.207 + 2.003 * steps**2 - 1.123 * steps**4) / 2
    top = [(300 + 200 * float(s), 245 - 170 * float(t)) for s, t in zip(steps, thick, strict=True)]
    bottom = [(x, 490 - y) for x, y in reversed(top)]
    sheet.draw.polygon([(x * _SAMPLES, y * _SAMPLES) for x, y in top + bottom], fill=(226, 140, 140))
    sheet.line(top, _RED)
    sheet.line(bottom, _RED)
    for s, t in zip(steps, thick, strict=True):
        shade = math.exp(-1.1 * float(t))
        x = 300 + 200 * float(s)
        sheet.box(x, 60, x + 3, 110, (255, int(240 * shade), int(240 * shade)))
    sheet.text(300, 40, "as seen in the smear")
    sheet.text(300, 318, "cut through the cell, 7 to 8 micrometres wide", size=14)
    return sheet.pixels()


def _white_cell(kind: str) -> Callable[[], Pixels]:
    def draw() -> Pixels:
        film, rng = new_film(f"primer-{kind}"), rng_for("primer", kind)
        for k in range(14):
            angle, reach = 2 * math.pi * k / 7 + rng.uniform(-0.2, 0.2), (78, 128)[k // 7] + rng.uniform(-4, 8)
            red_cell(film, rng, RedCell(200 + reach * math.cos(angle), 200 + reach * math.sin(angle), 23.0))
        white_cell(film, rng, kind, 200.0, 200.0)
        crop = Image.fromarray(develop(film)).crop((100, 100, 300, 300))
        return np.asarray(crop.resize((320, 320), Image.Resampling.BICUBIC))

    return draw


DIAGRAMS: Mapping[str, Callable[[], Pixels]] = {
    "rad-beam": _beam,
    "rad-hounsfield": _hounsfield,
    "us-echo": _echo,
    "eye-landmarks": _landmarks,
    "eye-cup": _cup,
    "skin-colours": _skin_colours,
    "skin-axes": _skin_axes,
    "path-density": _density,
    "path-redcell": _red_cell_profile,
    "path-white-a": _white_cell("neutrophil"),
    "path-white-b": _white_cell("eosinophil"),
    "path-white-c": _white_cell("basophil"),
    "path-white-d": _white_cell("lymphocyte"),
    "path-white-e": _white_cell("monocyte"),
}
