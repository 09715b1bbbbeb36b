"""An axial slice through a head in Hounsfield units, at the level of the frontal horns.

Millimetres: x grows to the picture's right (the patient's left), y to the back; the middle is the
centre of the skull. A lesion that takes room bends the space in which the brain is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from corpora.teaching.noise import fractal_field, smooth_field, smoothstep

__all__ = ["FIELD", "HU", "PIXELS", "Head", "Slice", "anatomy", "plane", "stroke"]

Field = NDArray[np.float64]

PIXELS, FIELD = 400, 212.0
"""Pixels and millimetres of a side of the square slice."""

HU = {
    "air": -1000.0, "fat": -85.0, "scalp": 32.0, "table": 1500.0, "diploe": 650.0, "csf": 6.0, "white": 27.0,
    "grey": 38.0, "deep grey": 39.0, "blood": 68.0, "edema": 17.0, "calcification": 190.0, "dura": 52.0,
}  # fmt: skip
"""Typical attenuation of each tissue, in Hounsfield units."""


@dataclass(frozen=True, slots=True)
class Head:
    """One patient's head, in millimetres; `ventricles` and `sulci` are widths relative to a young adult's."""

    half_width: float
    half_length: float
    bone: float
    scalp: float
    ventricles: float
    sulci: float
    turn: float

    @classmethod
    def build(cls, rng: np.random.Generator, *, age: int, ventricles: float, sulci: float) -> Head:
        """Draw a head; ventricles and sulci widen with age."""
        old = max(age - 45, 0) / 40
        return cls(
            half_width=66.0 + rng.normal(0, 2.0),
            half_length=82.0 + rng.normal(0, 2.5),
            bone=float(rng.uniform(6.0, 8.5)),
            scalp=float(rng.uniform(4.5, 7.5)),
            ventricles=ventricles * (1 + 0.35 * old) * float(rng.uniform(0.9, 1.12)),
            sulci=sulci * (1 + 0.6 * old) * float(rng.uniform(0.85, 1.15)),
            turn=float(rng.normal(0, 0.035)),
        )


@dataclass(frozen=True, slots=True)
class Slice:
    """The slice and the maps that lesions need, all (n, n): distance from skull and brain surface in mm."""

    hu: Field
    from_skull: Field
    white: Field
    fluid: Field
    ventricle: Field
    brain: Field


def plane(head: Head) -> tuple[Field, Field]:
    """Coordinates of the pixels in the head's own axes, in mm, each (n, n)."""
    at = (np.arange(PIXELS) + 0.5) / PIXELS * FIELD - FIELD / 2
    x, y = at[None, :], at[:, None]
    cos, sin = np.cos(head.turn), np.sin(head.turn)
    return np.asarray(cos * x + sin * y), np.asarray(-sin * x + cos * y)


def skull_distance(head: Head, x: Field, y: Field) -> Field:
    """Distance inwards from the skull's inner table."""
    front = np.where(y < 0, 1.0, 0.0)
    width = head.half_width * (1 - 0.075 * front * (np.abs(y) / head.half_length) ** 2)
    q = (np.abs(x) / width) ** 2.25 + (np.abs(y) / head.half_length) ** 2.15
    return np.asarray((1 - q ** (1 / 2.2)) * (0.5 * head.half_width + 0.5 * head.half_length))


def stroke(x: Field, y: Field, points: list[tuple[float, float, float]]) -> Field:
    """Distance inwards from a brush stroke through `(x, y, radius)`; negative outside, and -1000 far away."""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    reach = max(p[2] for p in points) + 5.0
    near = (x > min(xs) - reach) & (x < max(xs) + reach) & (y > min(ys) - reach) & (y < max(ys) + reach)
    px, py = x[near], y[near]
    best = np.full(px.shape, -1e3)
    for (ax, ay, ar), (bx, by, br) in pairwise(points):
        dx, dy = bx - ax, by - ay
        share = np.clip(((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
        best = np.maximum(best, ar + (br - ar) * share - np.hypot(px - ax - share * dx, py - ay - share * dy))
    inwards = np.full(x.shape, -1e3)
    inwards[near] = best
    return inwards


def anatomy(head: Head, rng: np.random.Generator, x: Field, y: Field, gap: Field) -> Slice:
    """Draw the head; `x`, `y` are bent coordinates, `gap` mm of room between skull and brain."""
    flat_x, flat_y = plane(head)
    x = x + 0.9 * smooth_field(rng, x.shape, 34.0) + 0.35 * smooth_field(rng, x.shape, 10.0)
    y = y + 0.9 * smooth_field(rng, x.shape, 34.0) + 0.35 * smooth_field(rng, x.shape, 10.0)
    inner = skull_distance(head, flat_x, flat_y)
    ventricle = _ventricles(head, x, y)
    edge = inner - gap - 1.0 - 0.8 * head.sulci * (gap < 2.0)
    sulci = _sulci(head, rng, x, y, edge)
    cisterns = _fissures(head, x, y)
    fluid = np.maximum(sulci, cisterns)
    parenchyma = np.minimum(edge, -fluid)
    depth = ndimage.distance_transform_edt(parenchyma > 0) * (FIELD / PIXELS)
    ribbon = np.clip((3.6 + 0.7 * smooth_field(rng, x.shape, 14.0) - depth) / 1.6 + 0.5, 0, 1)
    grey = np.maximum(ribbon, _deep_grey(head, x, y))
    hu = HU["white"] + (HU["grey"] - HU["white"]) * grey
    hu = hu + 1.0 * fractal_field(rng, x.shape, 22.0)
    brain = np.clip(parenchyma / 0.5 + 0.5, 0, 1)
    hu = HU["csf"] + (hu - HU["csf"]) * brain
    lumen = np.clip(ventricle / 0.5 + 0.5, 0, 1)
    hu = hu + (HU["csf"] - hu) * lumen
    hu = _midline(head, rng, x, y, hu, inner)
    return Slice(_vault(head, rng, hu, inner, flat_y), inner, (1 - grey) * brain, 1 - brain, lumen, brain)


def _ventricles(head: Head, x: Field, y: Field) -> Field:
    """Frontal horns, bodies to the atria, occipital horns, and the third ventricle."""
    wide, aside = head.ventricles, np.abs(x)
    out = 1 + 0.28 * (wide - 1)
    horn = [(11.5 * out, -31.0 - 2 * out, 1.5 * wide), (6.8 * out, -23.0, 2.6 * wide), (3.6 * out, -10.0, 1.8 * wide)]
    atrium = [(14.0 * out, 17.0, 1.2 * wide), (20.0 * out, 27.0, 3.6 * wide), (22.0 * out, 38.0, 2.7 * wide)]
    back = [(22.0 * out, 38.0, 2.7 * wide), (18.0 * out, 50.0 + 2 * wide, 0.7 * wide)]
    third = [(0.0, -3.0, 0.9 * wide), (0.0, 14.0, 1.2 * wide)]
    horns = np.maximum(stroke(aside, y, horn), np.maximum(stroke(aside, y, atrium), stroke(aside, y, back)))
    horns = np.minimum(horns, aside - 0.6)
    return np.maximum(horns, stroke(x, y, third))


def _deep_grey(head: Head, x: Field, y: Field) -> Field:
    out = 1 + 0.22 * (head.ventricles - 1)
    aside = np.abs(x) / out
    caudate = stroke(aside, y, [(12.5, -25.0, 4.2), (11.5, -14.0, 2.6)])
    lentiform = stroke(aside, y, [(21.0, -14.0, 3.4), (25.0, -3.0, 6.2), (23.5, 8.0, 3.0)])
    thalamus = stroke(aside, y, [(8.5, 2.0, 4.8), (12.0, 13.0, 7.0)])
    insula = stroke(aside, y, [(33.5, -12.0, 1.6), (35.5, 0.0, 1.7), (33.0, 12.0, 1.6)])
    nearest = np.maximum.reduce([caudate, lentiform, thalamus, insula])
    return np.asarray(np.clip(nearest / 1.8 + 0.5, 0, 1))


def _fissures(head: Head, x: Field, y: Field) -> Field:
    """The Sylvian fissures, the cleft between the hemispheres, and the cistern behind the third ventricle."""
    wide, aside, long = head.sulci, np.abs(x), head.half_length
    sylvian = [(39.0, -15.0, 1.0 * wide), (39.5, -2.0, 1.1 * wide), (37.0, 11.0, 0.9 * wide)]
    opening = [(39.0, -13.0, 0.9 * wide), (54.0, -21.0, 1.1 * wide), (70.0, -26.0, 1.6 * wide)]
    front = [(0.0, -long, 1.3 * wide), (0.0, -36.0, 0.55 * wide)]
    rear = [(0.0, 44.0, 0.4 * wide), (0.0, long, 0.9 * wide)]
    cistern = [(0.0, 23.0, 2.0 * wide), (6.0, 26.0, 1.3 * wide), (11.0, 24.0, 0.7 * wide)]
    parts = [stroke(aside, y, sylvian), stroke(aside, y, opening), stroke(x, y, front), stroke(x, y, rear)]
    return np.asarray(np.maximum.reduce([*parts, stroke(aside, y, cistern)]))


def _sulci(head: Head, rng: np.random.Generator, x: Field, y: Field, edge: Field) -> Field:
    """Narrow clefts that run inwards from the surface, crooked, and wider towards it."""
    near = (edge > -1.0) & (edge < 18.0)
    rim, angle, far = edge[near], np.arctan2(y[near], x[near]), np.hypot(x[near], y[near])
    best = np.full(rim.shape, -1e3)
    for place in np.linspace(-np.pi, np.pi, 34, endpoint=False):
        at = place + rng.normal(0, 0.05)
        deep, bend, waves = rng.uniform(6, 17), rng.normal(0, 0.028), rng.uniform(0.25, 0.6)
        turn = angle - at - bend * rim * 0.35 - 0.02 * np.sin(rim * waves + rng.uniform(0, 6))
        apart = np.abs((turn + np.pi) % (2 * np.pi) - np.pi) * far
        width = rng.uniform(0.15, 0.75) * head.sulci * np.clip(1.15 - rim / deep, 0.0, 1.0)
        best = np.maximum(best, np.minimum(width - apart, deep - rim))
    clefts = np.full(edge.shape, -1e3)
    clefts[near] = best
    return clefts


def _midline(head: Head, rng: np.random.Generator, x: Field, y: Field, hu: Field, inside: Field) -> Field:
    """The falx, and in most adults a calcified pineal gland and choroid plexus."""
    falx = np.exp(-((x / 0.6) ** 2)) * ((y < -38) | (y > 46)) * (inside > 0)
    hu = hu + (HU["dura"] - hu) * np.clip(falx, 0, 1)
    sinus = stroke(x, y, [(0.0, head.half_length - 6.0, 1.2), (0.0, head.half_length, 3.4)])
    hu = hu + (HU["dura"] - hu) * np.clip(sinus + 0.5, 0, 1)
    out = 1 + 0.28 * (head.ventricles - 1)
    for cx, cy, size in ((0.0, 21.0, 1.6), (-20.5 * out, 33.0, 1.9), (20.5 * out, 34.0, 1.7)):
        strength = rng.uniform(0.15, 1.0)
        hu = hu + strength * HU["calcification"] * np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / size**2))
    return hu


def _vault(head: Head, rng: np.random.Generator, hu: Field, inner: Field, y: Field) -> Field:
    """Skull with two tables and diploe, scalp with fat, the cushion's air around."""
    out = -inner
    bone = head.bone * (1 + 0.16 * smooth_field(rng, hu.shape, 70.0) + 0.12 * np.abs(y) / head.half_length)
    skin = bone + head.scalp * (1 + 0.22 * smooth_field(rng, hu.shape, 60.0))
    share = np.clip(out / bone, 0, 1)
    marrow = HU["diploe"] + 160.0 * smooth_field(rng, hu.shape, 5.0)
    inner_bone = HU["table"] + (marrow - HU["table"]) * smoothstep(np.minimum(share, 1 - share), 0.16, 0.34)
    hu = np.where(out > 0, inner_bone, hu)
    soft = np.where(out - bone < 0.55 * (skin - bone), HU["fat"], HU["scalp"])
    soft = soft + 45.0 * np.clip(smooth_field(rng, hu.shape, 8.0), 0, 2) * (soft < 0)
    hu = np.where(out > bone, soft, hu)
    return np.asarray(np.where(out > skin, HU["air"], hu))
