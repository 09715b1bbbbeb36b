"""Skin under a dermatoscope: what colour it is, what grows in it, and what the instrument adds.

Light that comes back from skin has passed melanin and blood. Both are kept as densities, and the colour follows
from Beer–Lambert's law with absorption falling from blue to red for melanin and peaking in green for haemoglobin.
About 33 pixels are a millimetre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from corpora.teaching.case import rng_for
from corpora.teaching.texture import (
    Field,
    fractal_field,
    lobed,
    mix,
    pixel_grid,
    smooth_field,
    smoothstep,
    to_pixels,
    voronoi_edges,
)

__all__ = ["SIZE", "Outline", "Skin", "develop", "new_skin", "outline"]

SIZE = 400
_SHAPE = (SIZE, SIZE)
_MELANIN = np.array((0.36, 0.64, 0.98))
_BLOOD = np.array((0.10, 0.80, 0.62))
_TONES = (
    (0.97, 0.84, 0.78),
    (0.95, 0.80, 0.76),
    (0.90, 0.77, 0.84),
    (0.96, 0.81, 0.66),
    (0.90, 0.71, 0.62),
    (0.90, 0.79, 0.77),
    (0.80, 0.60, 0.47),
)


@dataclass(slots=True)
class Skin:
    """Densities of melanin and blood, and once `expose` was called the picture they give, `(400, 400, 3)`."""

    seed: str
    tone: Field
    melanin: Field
    blood: Field
    image: Field
    shape: tuple[int, int] = _SHAPE

    def expose(self) -> None:
        """Turn the densities into a picture; structures that scatter light are painted on it afterwards."""
        absorbed = self.melanin[..., None] * _MELANIN + self.blood[..., None] * _BLOOD
        self.image = self.tone * np.exp(-absorbed)


@dataclass(frozen=True, slots=True)
class Outline:
    """A lesion's shape: `level` is 1 in the middle, 0 at the border and negative outside, in units of `radius`."""

    level: Field
    x: float
    y: float
    radius: float

    def inside(self, edge: float) -> Field:
        """1 within the border, fading over `edge` (a share of the radius) around it."""
        return smoothstep(-edge / 2, edge / 2, self.level)

    def angle(self) -> Field:
        """The direction of each pixel from the middle."""
        x, y = pixel_grid(_SHAPE)
        return np.arctan2(y - self.y, x - self.x)


def new_skin(seed: str) -> Skin:
    """A patch of bare skin with its furrows, freckled tone and small vessels, the same for equal seeds."""
    rng = rng_for("skin", seed)
    base = np.array(_TONES[int(rng.integers(len(_TONES)))]) * (1 + 0.03 * rng.standard_normal(3))
    mottle = 0.024 * fractal_field(rng, _SHAPE, (50.0, 18.0, 6.0)) + 0.014 * smooth_field(rng, _SHAPE, 1.2)
    tone = base * (1.0 + mottle)[..., None]
    melanin = np.clip(0.06 + 0.030 * fractal_field(rng, _SHAPE, (24.0, 8.0)), 0, None) + 0.05 * _furrows(rng)
    blood = np.clip(0.11 + 0.05 * fractal_field(rng, _SHAPE, (40.0, 14.0, 5.0, 2.5)), 0, None)
    for _ in range(int(rng.choice([0, 0, 3, 8, 14]))):  # freckles
        x, y = rng.uniform(0, SIZE, 2)
        window, spot = lobed(rng, _SHAPE, x, y, rng.uniform(4.0, 13.0), rough=0.15, edge=9.0)
        melanin[window] += rng.uniform(0.06, 0.20) * spot
    return Skin(seed, tone, melanin, blood, np.zeros((*_SHAPE, 3)))


def _furrows(rng: np.random.Generator) -> Field:
    """The fine lozenges between skin lines."""
    spacing, turn = rng.uniform(17, 24), rng.uniform(0, np.pi)
    n = int(700 / spacing)
    i, j = np.meshgrid(np.arange(-n, n), np.arange(-n, n))
    u, v = (i + 0.5 * (j % 2)) * spacing * 1.5, j * spacing * 0.62
    points = np.stack([u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)], -1).reshape(-1, 2)
    points = points + SIZE / 2 + rng.normal(0, spacing * 0.22, points.shape)
    points = points[(np.abs(points - SIZE / 2) < SIZE / 2 + 40).all(axis=1)]
    gap, _ = voronoi_edges(points, _SHAPE)
    result: Field = ndimage.gaussian_filter(smoothstep(2.2, 0.2, gap), 0.9)
    return result


def outline(
    rng: np.random.Generator, x: float, y: float, radius: float, *, rough: float, lean: float = 0.0, fray: float = 0.03
) -> Outline:
    """A lesion's border: harmonics of amplitude `rough`, an ellipse of `lean`, and fine irregularity `fray`."""
    px, py = pixel_grid(_SHAPE)
    fuzz = radius * fray
    dx = px - x + fuzz * fractal_field(rng, _SHAPE, (9.0, 4.0))
    dy = py - y + fuzz * fractal_field(rng, _SHAPE, (9.0, 4.0))
    theta, distance = np.arctan2(dy, dx), np.hypot(dx, dy)
    turn = rng.uniform(0, np.pi)
    border = 1.0 + lean * np.cos(2 * (theta - turn))
    for order in range(2, 8):
        border += rough * rng.standard_normal() / order**0.8 * np.cos(order * theta + rng.uniform(0, 6.28))
    return Outline(np.maximum(border, 0.25) - distance / radius, x, y, radius)


def develop(skin: Skin, *, corners: float, hairs: int, bubbles: int) -> NDArray[np.uint8]:
    """What instrument and gel add: bubbles, hairs, uneven light, `corners` (darkness 0–1), grain."""
    rng = rng_for("dermatoscope", skin.seed)
    image = skin.image
    for _ in range(bubbles):
        _bubble(image, rng)
    for _ in range(hairs):
        _hair(image, rng)
    image = np.stack([ndimage.gaussian_filter(image[..., c], 0.75) for c in range(3)], axis=-1)
    x, y = pixel_grid(_SHAPE)
    r = np.hypot(x - SIZE / 2, y - SIZE / 2) / (SIZE / 2)
    tilt = rng.uniform(-0.05, 0.05, 2)
    light = 1.04 - 0.13 * r**2 + tilt[0] * (x / SIZE - 0.5) + tilt[1] * (y / SIZE - 0.5)
    if corners:
        light *= 1 - corners * smoothstep(1.00 + 0.08 * (1 - corners), 1.24, r)
    grain = ndimage.gaussian_filter(rng.standard_normal((*_SHAPE, 3)), (0.5, 0.5, 0))
    return to_pixels(image * light[..., None] + 0.016 * grain)


def _hair(image: Field, rng: np.random.Generator) -> None:
    """One hair: a long dark curve that tapers, with a faint shadow."""
    canvas = Image.new("L", (SIZE * 3, SIZE * 3), 0)
    draw = ImageDraw.Draw(canvas)
    x, y = rng.uniform(0, SIZE, 2)
    heading, bend = rng.uniform(0, 2 * math.pi), rng.normal(0, 0.010)
    steps, width = int(rng.integers(22, 70)), rng.uniform(1.0, 2.3)
    for i in range(steps):
        nx, ny = x + 6 * math.cos(heading), y + 6 * math.sin(heading)
        thick = max(1, round(3 * width * (1 - 0.7 * i / steps)))
        draw.line((3 * x, 3 * y, 3 * nx, 3 * ny), fill=255, width=thick)
        x, y, heading = nx, ny, heading + bend + rng.normal(0, 0.012)
    mask = np.asarray(canvas.reduce(3), dtype=np.float64) / 255.0
    image *= 1 - 0.18 * ndimage.gaussian_filter(mask, 2.0)[..., None]
    mix(image, 0.82 * mask, (0.17, 0.11, 0.08))


def _bubble(image: Field, rng: np.random.Generator) -> None:
    """A gas bubble in the gel: a thin dark ring with a bright spot on the lamp's side."""
    x, y, radius = *rng.uniform(15, SIZE - 15, 2), rng.uniform(3.0, 13.0)
    window, outer = lobed(rng, _SHAPE, x, y, radius, rough=0.01, edge=1.2)
    _, inner = lobed(rng, _SHAPE, x, y, radius, rough=0.01, edge=1.2)
    dy, dx = np.mgrid[window[0], window[1]].astype(np.float64)
    d = np.hypot(dx - x, dy - y) / radius
    image[window] *= 1 - (0.30 * outer * np.exp(-(((d - 0.92) / 0.10) ** 2)))[..., None]
    spot = np.exp(-(((dx - x + 0.45 * radius) ** 2 + (dy - y + 0.45 * radius) ** 2) / (0.20 * radius + 0.6) ** 2))
    mix(image[window], np.clip(0.9 * spot + 0.08 * inner, 0, 1), (1.0, 0.99, 0.97))
