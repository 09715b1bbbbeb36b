"""The bones of a chest radiograph: ribs as shells in space, clavicles, scapulae, humeri, spine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from corpora.teaching.deposits import Cloud, join, polyline, project, tube
from corpora.teaching.noise import smoothstep
from corpora.teaching.thorax import FIELD, SQUARENESS, Thorax, grid

__all__ = ["Fracture", "bones", "rib_line"]

Field = NDArray[np.float64]
RIBS = 10
CORTEX = 1.0
"""Thickness of a rib's compact bone, in millimetres."""


@dataclass(frozen=True, slots=True)
class Fracture:
    """A break of rib `rib` (1 to 11) at `at` of its course (0 spine, 1 front), displaced by `step` mm."""

    side: str
    rib: int
    at: float = 0.5
    step: float = 5.0


def rib_line(thorax: Thorax, rib: int, course: Field, sign: float) -> Field:
    """Points of a rib's midline, (n, 3) in mm; `course` runs from 0 at the spine to 1 at the cartilage."""
    spacing = 0.083 * thorax.height * 1.05
    start = thorax.apex - 9.0 + (rib - 1) * spacing
    drop = (34.0, 56.0, 70.0, 80.0, 86.0, 90.0, 92.0, 92.0, 88.0, 78.0, 62.0)[rib - 1]
    reach = (0.74, 0.76, 0.78, 0.78, 0.78, 0.77, 0.74, 0.7, 0.64, 0.56, 0.5)[rib - 1]
    middle = np.array(start + 0.45 * drop)
    wide, deep = float(thorax.width_at(middle)) + 3.5, float(thorax.depth_at(middle)) + 3.5
    angle = np.pi * (0.03 + (reach - 0.03) * course)
    x = wide * np.abs(np.sin(angle)) ** (2 / SQUARENESS)
    y = -deep * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / SQUARENESS)
    z = start + drop * course**1.35 - 5.0 * np.sin(np.pi * np.minimum(course / 0.45, 1.0))
    x = np.maximum(x, 18.0 + 60.0 * course)
    return np.stack([sign * x, y, z], axis=1)


def bones(thorax: Thorax, pixels: int, rng: np.random.Generator, fractures: tuple[Fracture, ...] = ()) -> Field:
    """Millimetres of compact bone along each ray; float64, (n, n)."""
    ribs = [
        _rib(rib_line(thorax, rib, _course(), sign), _break(fractures, rib, sign))
        for rib in range(1, RIBS + 1)
        for sign in (-1.0, 1.0)
    ]
    total = project(join(ribs), pixels, blur=0.45)
    total += project(join([_clavicle(thorax, sign, rng) for sign in (-1.0, 1.0)]), pixels, blur=0.6)
    total += _shoulders(thorax, pixels, rng)
    return total + _spine(thorax, pixels, rng)


def _course() -> Field:
    return np.linspace(0.0, 1.0, 560)


def _break(fractures: tuple[Fracture, ...], rib: int, sign: float) -> Fracture | None:
    side = "left" if sign > 0 else "right"
    return next((f for f in fractures if f.rib == rib and f.side == side), None)


def _rib(line: Field, fracture: Fracture | None) -> Cloud:
    course = _course()
    if fracture is not None:
        line = line.copy()
        line[:, 2] += fracture.step * smoothstep(course, fracture.at, fracture.at + 0.004)
        line[:, 2] -= 0.7 * fracture.step * smoothstep(course, fracture.at, fracture.at + 0.35)
    tangent = np.gradient(line, axis=0)
    step = np.sqrt((tangent**2).sum(axis=1))
    tangent = tangent / step[:, None]
    upward = np.array([0.0, 0.0, 1.0]) - tangent * tangent[:, 2:3]
    upward /= np.sqrt((upward**2).sum(axis=1))[:, None]
    outward = np.cross(tangent, upward)
    tall, thick = (5.6 + 0.9 * course)[:, None], (3.4 - 0.6 * course)[:, None]
    around = np.linspace(0, 2 * np.pi, 44, endpoint=False)[None, :]
    strength = np.ones_like(course)
    if fracture is not None:
        strength = 1 - np.exp(-(((course - fracture.at) / 0.006) ** 2))
    strength *= (1 - smoothstep(course, 0.94, 1.0)) * (1 - 0.3 * smoothstep(course, 0.5, 0.9))
    clouds = []
    for scale, cover in ((1.0, CORTEX), (0.55, 0.5)):
        height, width = scale * tall * np.cos(around), scale * thick * np.sin(around)
        px = line[:, 0:1] + height * upward[:, 0:1] + width * outward[:, 0:1]
        pz = line[:, 2:3] + height * upward[:, 2:3] + width * outward[:, 2:3]
        arc = scale * np.sqrt((tall * np.sin(around)) ** 2 + (thick * np.cos(around)) ** 2) * 2 * np.pi / 44
        clouds.append(Cloud(px, pz, arc * cover * (step * strength)[:, None]))
    return join(clouds)


def _clavicle(thorax: Thorax, sign: float, rng: np.random.Generator) -> Cloud:
    tilt, a = float(rng.normal(0, 2.5)), thorax.apex
    course = [(15.0, 27.0), (40.0, 22.0), (70.0, 13.0), (100.0, 4.0), (130.0, -4.0), (165.0, -8.0)]
    x, z, step = polyline([(sign * cx, a + cz + tilt) for cx, cz in course])
    shaft = tube(x, z, step, 5.6, wall=1.3)
    inner = tube(x, z, step, 4.6)
    head = tube(*polyline([(sign * 14, a + 28 + tilt), (sign * 24, a + 25 + tilt)]), 8.5, wall=1.2)
    return join([shaft, Cloud(inner.x, inner.z, inner.volume * 0.14), head])


def _plate(pixels: int, corners: list[tuple[float, float]], blur: float) -> Field:
    scale = 2 * pixels / FIELD
    canvas = Image.new("L", (2 * pixels, 2 * pixels))
    ImageDraw.Draw(canvas).polygon([((x + FIELD / 2) * scale, z * scale) for x, z in corners], fill=1)
    halves = np.asarray(canvas, dtype=np.float64).reshape(pixels, 2, pixels, 2).mean(axis=(1, 3))
    return np.asarray(ndimage.gaussian_filter(halves, blur * pixels / FIELD))


def _shoulders(thorax: Thorax, pixels: int, rng: np.random.Generator) -> Field:
    total = np.zeros((pixels, pixels))
    x, z = grid(pixels)
    apart, a = thorax.half_width + rng.uniform(-6, 8), thorax.apex
    for sign in (-1.0, 1.0):
        corners = [(apart - 22, a + 6), (apart - 16, a + 60), (apart + 2, a + 148), (apart + 14, a + 146)]
        corners += [(apart + 30, a + 70), (apart + 40, a + 26), (apart + 12, a + 8)]
        total += 1.1 * _plate(pixels, [(sign * cx, cz) for cx, cz in corners], 1.0)
        rim = [(apart + 8, a + 147), (apart + 24, a + 90), (apart + 38, a + 30)]
        spine = [(apart - 18, a + 30), (apart + 10, a + 8), (apart + 52, a - 16)]
        clouds = []
        for line, radius in ((rim, 3.0), (spine, 3.6)):
            clouds.append(tube(*polyline([(sign * cx, cz) for cx, cz in line]), radius, wall=1.2))
        total += 0.6 * project(join(clouds), pixels, blur=1.2)
        head = np.sqrt(np.maximum(24.0**2 - (sign * x - apart - 62) ** 2 - (z - a - 18) ** 2, 0.0))
        total += 0.16 * head + 1.2 * (head > 0) * np.exp(-head / 5.0)
        shaft = [(sign * (apart + 64), a + 30), (sign * (apart + 72), a + 190)]
        total += project(tube(*polyline(shaft), 12.0, wall=3.5), pixels, blur=0.8)
    return total


def _spine(thorax: Thorax, pixels: int, rng: np.random.Generator) -> Field:
    x, z = grid(pixels)
    bend = 2.5 * np.sin(z / 90.0 + rng.uniform(0, 6))
    total = np.zeros((pixels, pixels))
    at, tall = thorax.apex - 64.0 + rng.normal(0, 3), 16.0
    middle = np.abs(x[0]) < 46.0
    while at < FIELD + 20:
        rows = np.abs(z[:, 0] - at) < 24.0
        if rows.any():
            window = np.ix_(rows, middle)
            total[window] += _vertebra(np.abs(x[:, middle] - bend[rows]), z[rows] - at, tall, 13.0 + 0.02 * at)
        at += tall
        tall = min(tall + 0.75, 28.0)
    return np.asarray(ndimage.gaussian_filter(total, 0.9 * pixels / FIELD))


def _vertebra(u: Field, w: Field, tall: float, wide: float) -> Field:
    half = wide + 0.09 * tall
    waist = half - 1.6 * (1 - np.clip(np.abs(w) / (0.5 * tall), 0, 1) ** 2)
    side = np.clip((waist - u) / 2.4 + 0.5, 0, 1)
    body = side * np.clip(0.5 * tall - 2.2 - np.abs(w) + 0.5, 0, 1)
    plate = side * np.exp(-(((np.abs(w) - 0.5 * tall + 2.6) / 0.9) ** 2))
    ring = np.sqrt(((u - 0.62 * half) / 3.2) ** 2 + ((w + 0.06 * tall) / 5.0) ** 2)
    pedicle = np.exp(-(((ring - 1) / 0.3) ** 2))
    process = np.exp(-((u / 3.0) ** 2) - ((w - 0.34 * tall) / 6.5) ** 2)
    wing = np.exp(-(((w + 2.0) / 4.2) ** 2)) * np.clip((half + 15 - u) / 6, 0, 1) * (u > half - 2)
    return np.asarray(0.8 * body + 0.9 * plate + 1.2 * pedicle + 1.5 * process + 0.6 * wing)
