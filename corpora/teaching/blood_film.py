"""A stained blood film under oil: red cells, platelets, white cells and what may live in red cells.

Everything adds optical density `(h, w, 3)`; the film's colour is the lamp's light times exp(−density). A red cell
is 7.5 µm or about 42 pixels wide, and its thickness follows the biconcave profile of E. Evans and Y.-C. Fung
("Improved measurements of the erythrocyte geometry", Microvasc. Res. 4, 1972).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from corpora.teaching.case import rng_for
from corpora.teaching.texture import Field, Window, ellipse, fractal_field, lobed, smooth_field, smoothstep, to_pixels

__all__ = ["SIZE", "Film", "RedCell", "develop", "new_film", "parasite", "platelet", "red_cell"]

SIZE = 400
_SHAPE = (SIZE, SIZE)
_HEMOGLOBIN = np.array((0.115, 0.44, 0.36))
_PLATELET = np.array((0.42, 0.62, 0.22))
_CHROMATIN_RED = np.array((0.30, 1.25, 0.45))
_PARASITE_BLUE = np.array((0.62, 0.42, 0.10))


@dataclass(slots=True)
class Film:
    """Optical densities in the making, and the fine grain that chromatin and granules are cut from."""

    seed: str
    density: Field
    grain: Field
    shape: tuple[int, int] = _SHAPE


@dataclass(frozen=True, slots=True)
class RedCell:
    """One red cell: where, how wide (half its width in pixels), what form, and how much haemoglobin it holds.

    `form` is round, target, sphere, sickle, ellipse, tear, fragment or oval; `pallor` scales the pale middle.
    """

    x: float
    y: float
    radius: float
    form: str = "round"
    angle: float = 0.0
    filling: float = 1.0
    pallor: float = 1.0


def new_film(seed: str) -> Film:
    """An empty film with a trace of plasma stain."""
    rng = rng_for("film", seed)
    plasma = 0.02 + 0.008 * smooth_field(rng, _SHAPE, 50.0)
    density = plasma[..., None] * np.array((1.0, 1.1, 1.5))
    return Film(seed, density, fractal_field(rng, _SHAPE, (3.0, 1.3)))


def develop(film: Film) -> NDArray[np.uint8]:
    """The film under the microscope, `(400, 400, 3)`; lamp, stain and focus vary from laboratory to laboratory."""
    rng = rng_for("microscope", film.seed)
    lamp = np.array(
        [(0.96, 0.93, 0.90), (0.93, 0.92, 0.90), (0.97, 0.90, 0.84), (0.90, 0.91, 0.89)][int(rng.integers(4))]
    )
    gain = rng.uniform(0.85, 1.15)
    tint = 1 + rng.normal(0, 0.06, 3)
    light = 1 + 0.03 * smooth_field(rng, _SHAPE, 80.0)
    image = lamp * light[..., None] * np.exp(-film.density * gain * tint)
    image = np.stack([ndimage.gaussian_filter(image[..., c], 0.75) for c in range(3)], axis=-1)
    return to_pixels(image + 0.009 * ndimage.gaussian_filter(rng.standard_normal(image.shape), (0.6, 0.6, 0)))


def _thickness(radius: Field, pallor: float) -> Field:
    """Relative thickness at a scaled radius (1 at the border): Evans and Fung's profile, 1 where it is thickest."""
    r2 = np.clip(radius, 0, 1) ** 2
    profile = np.sqrt(1 - r2) * (0.207 + 2.003 * r2 - 1.123 * r2**2) / 0.645
    even = np.sqrt(np.clip(1 - radius**6, 0, 1)) * 0.92
    result: Field = np.clip(pallor * profile + (1 - pallor) * even, 0.06, None)
    return result


def red_cell(film: Film, rng: np.random.Generator, cell: RedCell) -> None:
    """Lay one red cell into the film; overlapping cells add their densities, as they do in life."""
    window, mask, radius = _form(rng, cell)
    if not mask.size:
        return
    if cell.form in ("sphere", "sickle", "fragment"):
        thick = np.sqrt(np.clip(1 - 0.85 * radius**4, 0, 1)) * 1.25
    elif cell.form == "target":
        thick = 0.50 + 0.55 * np.exp(-((radius / 0.30) ** 2)) + 0.50 * np.exp(-(((radius - 0.86) / 0.17) ** 2))
    elif cell.form == "oval":
        thick = 1.12 * np.sqrt(np.clip(1 - radius**6, 0, 1)) * (1 - 0.14 * np.exp(-((radius / 0.45) ** 2)))
    else:
        thick = _thickness(radius * 0.985, cell.pallor * 0.80)
    edge = 1 + 0.16 * np.exp(-(((radius - 0.95) / 0.05) ** 2))  # the border refracts light away
    film.density[window] += (mask * thick * edge * cell.filling)[..., None] * _HEMOGLOBIN


def _form(rng: np.random.Generator, cell: RedCell) -> tuple[Window, Field, Field]:
    """Window, mask and scaled radius of a cell's outline."""
    x, y, r, angle = cell.x, cell.y, cell.radius, cell.angle
    if cell.form in ("ellipse", "oval"):
        long = 1.75 if cell.form == "ellipse" else 1.16
        return ellipse(_SHAPE, x, y, r * math.sqrt(long), r / math.sqrt(long), angle, edge=1.4)
    if cell.form not in ("sickle", "banana", "tear", "fragment"):
        return _dented(rng, x, y, r)
    window, _, _ = ellipse(_SHAPE, x, y, 2.1 * r, 2.1 * r, 0.0)
    py, px = np.mgrid[window].astype(np.float64)
    c, s = math.cos(angle), math.sin(angle)
    u, v = ((px - x) * c + (py - y) * s) / r, ((py - y) * c - (px - x) * s) / r
    if cell.form in ("sickle", "banana"):
        bend, half = (rng.uniform(0.18, 0.38), rng.uniform(0.30, 0.42)) if cell.form == "sickle" else (0.28, 0.52)
        width = half * np.clip(1 - (u / 1.55) ** 2, 0, 1) ** 0.75
        off = np.abs(v - bend * (u**2 - 0.6))
        mask = np.clip((width - off) * r / 1.4 + 0.5, 0, 1) * (np.abs(u) < 1.55)
        return window, mask, np.clip(off / np.maximum(width, 0.03), 0, 1)
    if cell.form == "tear":
        tail = 0.85 * np.clip(1 - (u - 0.5) / 1.5, 0, 1) ** 1.9
        width = np.where(u > 0.5, tail, np.sqrt(np.clip(1 - u**2, 0, 1)))
        mask = np.clip((width - np.abs(v)) * r / 1.4 + 0.5, 0, 1) * (u < 2.0)
        return window, mask, np.hypot(np.where(u > 0, u / 2.0, u), v / np.maximum(width, 0.05) * 0.98)
    cut = rng.uniform(-0.55, -0.10)  # a helmet: a disc with a straight cut and two horns
    radius = np.hypot(u, v)
    side = v - cut - 0.35 * u**2
    mask = np.clip((0.95 - radius) * r / 1.4 + 0.5, 0, 1) * np.clip(side * r / 1.4 + 0.5, 0, 1)
    return window, mask, np.clip(radius, 0, 1) * 0.8


def _dented(rng: np.random.Generator, x: float, y: float, r: float) -> tuple[Window, Field, Field]:
    """A disc with the small dents and flat sides that red cells press into each other."""
    window, _, _ = ellipse(_SHAPE, x, y, 1.12 * r, 1.12 * r, 0.0)
    py, px = np.mgrid[window].astype(np.float64)
    theta = np.arctan2(py - y, px - x)
    border = 1.0 + sum(
        rng.normal(0, h) * np.cos(n * theta + rng.uniform(0, 6.28)) for n, h in ((2, 0.035), (3, 0.02), (5, 0.01))
    )
    radius = np.hypot(px - x, py - y) / (r * border)
    return window, np.clip((1.0 - radius) * r / 1.4 + 0.5, 0.0, 1.0), radius


def platelet(film: Film, rng: np.random.Generator, x: float, y: float, radius: float) -> None:
    """A small granular purple body without nucleus."""
    window, mask = lobed(
        rng, _SHAPE, x, y, radius, rough=0.12, edge=2.5, stretch=rng.uniform(1, 1.5), angle=rng.uniform(0, 3.1)
    )
    amount = mask * np.clip(0.62 + 0.38 * film.grain[window], 0.15, 1.5)
    film.density[window] += amount[..., None] * _PLATELET


def parasite(film: Film, rng: np.random.Generator, host: RedCell, stage: str) -> None:
    """A malaria parasite in its red cell: "ring", "trophozoite", "schizont" or "gametocyte"."""
    off, turn = host.radius * rng.uniform(0.15, 0.50), rng.uniform(0, 2 * np.pi)
    x, y = host.x + off * math.cos(turn), host.y + off * math.sin(turn)
    if stage == "ring":
        _ring(film, rng, x, y, host.radius * rng.uniform(0.20, 0.30))
    elif stage == "trophozoite":
        window, mask = lobed(rng, _SHAPE, host.x, host.y, host.radius * 0.52, rough=0.28, edge=2.5)
        film.density[window] += (0.75 * mask * (1 + 0.3 * film.grain[window]))[..., None] * _PARASITE_BLUE
        _dot(film, rng, x, y, 3.4)
        _pigment(film, rng, host, 7)
    elif stage == "schizont":
        for k in range(14):
            a, d = 2.4 * k, host.radius * 0.62 * math.sqrt((k + 0.5) / 14)
            px, py = host.x + d * math.cos(a), host.y + d * math.sin(a)
            window, mask = lobed(rng, _SHAPE, px, py, 4.0, rough=0.05, edge=2.0)
            film.density[window] += (0.5 * mask)[..., None] * _PARASITE_BLUE
            _dot(film, rng, px, py, 2.2)
        _pigment(film, rng, host, 9, near=0.12)
    else:
        banana = RedCell(host.x, host.y, host.radius * 0.86, "banana", host.angle)
        window, mask, _ = _form(rng, banana)
        film.density[window] += (0.95 * mask)[..., None] * np.array((0.62, 0.50, 0.10))
        _dot(film, rng, host.x, host.y, 4.5)
        _pigment(film, rng, host, 8, near=0.25)


def _ring(film: Film, rng: np.random.Generator, x: float, y: float, radius: float) -> None:
    window, _, r = ellipse(_SHAPE, x, y, radius, radius * rng.uniform(0.8, 1.0), rng.uniform(0, 3.1))
    wide = _grow(window, 3)
    py, px = np.mgrid[wide].astype(np.float64)
    r = np.hypot(px - x, py - y) / radius
    line = np.exp(-(((r - 0.85) / 0.22) ** 2))
    film.density[wide] += (1.05 * line)[..., None] * _PARASITE_BLUE
    film.density[wide] *= (1 - 0.35 * smoothstep(0.75, 0.45, r))[..., None]
    angle = rng.uniform(0, 2 * np.pi)
    for turn in (angle, angle + 0.9) if rng.random() < 0.25 else (angle,):
        _dot(film, rng, x + radius * math.cos(turn), y + radius * math.sin(turn), rng.uniform(1.9, 2.7))


def _grow(window: Window, by: int) -> Window:
    return tuple(slice(max(0, s.start - by), min(SIZE, s.stop + by)) for s in window)  # type: ignore[return-value]


def _dot(film: Film, rng: np.random.Generator, x: float, y: float, radius: float) -> None:
    window, mask = lobed(rng, _SHAPE, x, y, radius, rough=0.08, edge=1.5)
    film.density[window] += mask[..., None] * _CHROMATIN_RED


def _pigment(film: Film, rng: np.random.Generator, host: RedCell, grains: int, near: float = 0.4) -> None:
    for _ in range(grains):
        x, y = host.x + rng.normal(0, near * host.radius), host.y + rng.normal(0, near * host.radius)
        window, mask = lobed(rng, _SHAPE, x, y, 1.1, rough=0.05, edge=1.1)
        film.density[window] += mask[..., None] * np.array((0.9, 1.0, 1.3))
