"""A parametric thorax in three dimensions, in millimetres, and the air that a ray meets in it.

x grows to the image's right (the patient's left), y to the front, z downwards. Every surface is a
signed distance, positive inside, exact enough near the surface to be cut with soft edges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpora.teaching.noise import smoothstep

__all__ = ["FIELD", "Thorax", "air_path", "body_thickness", "grid"]

Field = NDArray[np.float64]
Density = Callable[[Field, float, Field, Field, Field], Field]

FIELD = 352.0
"""Side of the square detector, in millimetres."""
SQUARENESS = 2.4
"""Exponent of the superellipse that a horizontal cut through the rib cage resembles."""


@dataclass(frozen=True, slots=True)
class Thorax:
    """One patient's build, all lengths in millimetres; `dome_*` is the highest point of a hemidiaphragm."""

    half_width: float
    half_depth: float
    apex: float
    height: float
    dome_right: float
    dome_left: float
    dome_drop: float
    heart_width: float
    shift: float
    fat: float
    breast: float
    hilum: float

    @classmethod
    def build(
        cls,
        rng: np.random.Generator,
        *,
        female: bool,
        inflation: float = 0.0,
        cardiothoracic_ratio: float = 0.45,
        shift: float = 0.0,
        raise_right: float = 0.0,
        raise_left: float = 0.0,
    ) -> Thorax:
        """Draw a build. `inflation` is 0 at a normal deep breath, 1 in emphysema, -1 at a shallow breath."""
        half_width = (127.0 if female else 138.0) + rng.normal(0, 4)
        apex = 44.0 + rng.normal(0, 4)
        height = (222.0 if female else 236.0) + rng.normal(0, 7) + 26.0 * inflation
        drop = (48.0 + rng.normal(0, 4)) * (1.0 - 0.55 * max(inflation, 0.0))
        top = apex + height - drop
        return cls(
            half_width=half_width * (1 + 0.03 * max(inflation, 0.0)),
            half_depth=(78.0 if female else 88.0) + rng.normal(0, 4) + 12.0 * max(inflation, 0.0),
            apex=apex,
            height=height,
            dome_right=top - 4.0 - raise_right + rng.normal(0, 2),
            dome_left=top + 9.0 - raise_left + rng.normal(0, 2),
            dome_drop=drop,
            heart_width=cardiothoracic_ratio * 2 * half_width,
            shift=shift,
            fat=float(rng.uniform(4, 20)),
            breast=float(rng.uniform(16, 46)) if female else 0.0,
            hilum=apex + 0.43 * height + rng.normal(0, 3),
        )

    def _level(self, z: Field) -> Field:
        return np.clip((z - self.apex) / self.height, 1e-4, 1.25)

    def width_at(self, z: Field) -> Field:
        """Half the inner width of the rib cage at a height."""
        s = np.minimum(self._level(z), 1.0)
        return np.asarray(self.half_width * (1 - (1 - s) ** 2.7) ** 0.54)

    def depth_at(self, z: Field) -> Field:
        """Half its inner depth."""
        s = np.minimum(self._level(z), 1.0)
        return np.asarray(self.half_depth * (1 - (1 - s) ** 2.5) ** 0.5)

    def wall(self, x: Field, y: float | Field, z: Field) -> Field:
        """Distance inwards from the chest wall."""
        width, depth = self.width_at(z), self.depth_at(z)
        q = (np.abs(x) / width) ** SQUARENESS + (np.abs(y) / depth) ** SQUARENESS
        inside = (1 - q ** (1 / SQUARENESS)) * np.minimum(width, depth)
        return np.asarray(np.where(z > self.apex, inside, -5.0))

    def above_dome(self, x: Field, y: float | Field, z: Field) -> Field:
        """Distance upwards from the diaphragm, which falls to the side, to the back and a little to the front."""
        top = np.where(x < 0, self.dome_right, self.dome_left)
        centre = np.where(x < 0, -0.42, 0.46) * self.half_width
        aside = (x - centre) / (0.58 * self.half_width)
        behind = (y - 12.0) / (0.92 * self.half_depth)
        fall = 0.82 * np.abs(aside) ** 2.3 + 0.75 * np.abs(behind) ** 2.2
        return np.asarray(top + self.dome_drop * fall - z)

    def beside_mediastinum(self, x: Field, y: float | Field, z: Field) -> Field:
        """Distance sideways from the mediastinum and the spine."""
        deep = np.asarray(y) / self.half_depth
        profile = 0.3 + 0.7 * np.exp(-(np.abs((deep + 0.12) / 0.62) ** 2.6))
        low = 6.0 * smoothstep(z, self.hilum, self.apex + self.height)
        half = (19.0 - low) * profile + 9.0 * np.exp(-np.maximum(z - self.apex, 0) / 22.0)
        vein = 9.0 * np.exp(-(((deep - 0.2) / 0.4) ** 2)) * np.exp(-(((z - self.hilum + 24) / 52.0) ** 2))
        vessels = np.where(x < self.shift, vein, 0.0)
        sway = 1.5 * np.sin(z / 31.0 + self.fat) + vessels
        gutter = 11.0 + 27.0 * np.clip((-deep - 0.25) / 0.75, 0.0, 1.0)
        half = np.maximum(half + sway, np.where(deep < -0.2, gutter, 4.0))
        x = x - self.shift
        return np.asarray(np.abs(x) - half)

    def heart(self, x: Field, y: float | Field, z: Field) -> Field:
        """Distance inwards from the surface of heart, aortic arch, descending aorta and pulmonary trunk."""
        wide, x = self.heart_width, x - self.shift
        right_edge = 0.15 * 2 * self.half_width + 0.12 * (wide - 0.9 * self.half_width)
        left_edge = wide - right_edge
        level = min(self.dome_right, self.dome_left) - 0.42 * wide + 16.0
        u, w = x - (left_edge - right_edge) / 2, z - level
        along, across = 0.848 * u + 0.53 * w, -0.53 * u + 0.848 * w
        ventricle = _ellipsoid(along, y - 20.0, across, 0.525 * wide, 0.43 * wide, 0.39 * wide)
        atrium = _ellipsoid(x + right_edge - 32, y - 8.0, w + 4, 32.0, 36.0, 0.36 * wide)
        arch = _ellipsoid(x - 21.0, y + 12.0, z - self.apex - 0.245 * self.height, 17.0, 30.0, 16.5)
        trunk = _ellipsoid(x - 20.0, y - 12.0, z - self.hilum + 16.0, 22.0, 24.0, 22.0)
        falling = 13.0 - np.hypot(x - 17.0, np.asarray(y) + 46.0)
        below_arch = np.minimum(falling, z - self.apex - 0.23 * self.height)
        great = _ellipsoid(x - 2.0, y - 18.0, z - self.hilum + 4.0, 33.0, 30.0, 0.26 * self.height)
        heart = _joined(_joined(ventricle, atrium, 10.0), _joined(trunk, great, 8.0), 22.0)
        return np.asarray(np.maximum(_joined(heart, arch, 8.0), below_arch))

    def lung(self, x: Field, y: float | Field, z: Field) -> Field:
        """Distance inwards from the surface of the (whole, expanded) lungs."""
        sides = (self.wall(x, y, z), self.above_dome(x, y, z), self.beside_mediastinum(x, y, z))
        return np.minimum(np.minimum.reduce(sides), -self.heart(x, y, z))


def grid(pixels: int) -> tuple[Field, Field]:
    """Pixel centres of a square detector: x as a row (1, n), z as a column (n, 1)."""
    at = (np.arange(pixels) + 0.5) * FIELD / pixels
    return (at - FIELD / 2)[None, :], at[:, None]


def air_path(thorax: Thorax, pixels: int, density: Density, slices: int = 34) -> Field:
    """Millimetres of soft tissue that are missing along each ray; float64, (n, n).

    The lungs are cut into coronal slices. `density(x, y, z, wall, dome)` gives each slice's density
    (0 air, 1 soft tissue) inside them; the two distances are those of `Thorax.wall` and `.above_dome`.
    """
    x, z = grid(pixels)
    edge = FIELD / pixels
    depths = np.linspace(-thorax.half_depth, thorax.half_depth, slices)
    missing = np.zeros((pixels, pixels))
    for y in depths:
        wall, dome = thorax.wall(x, y, z), thorax.above_dome(x, y, z)
        inside = np.minimum(np.minimum(wall, dome), thorax.beside_mediastinum(x, y, z))
        inside = np.minimum(inside, -thorax.heart(x, y, z))
        share = np.clip(inside / edge + 0.5, 0.0, 1.0)
        missing += share * (1.0 - density(x, float(y), z, wall, dome))
    return np.asarray(missing * (depths[1] - depths[0]))


def body_thickness(thorax: Thorax, pixels: int) -> Field:
    """Millimetres of body along each ray, lungs included; float64, (n, n)."""
    x, z = grid(pixels)
    beside = np.abs(x)
    trunk = thorax.half_width + 18.0 + thorax.fat
    half = trunk + (235.0 - trunk) * (1 - smoothstep(z, 70.0, 200.0)) ** 1.8
    depth = 52.0 + (thorax.half_depth + 14.0 + thorax.fat - 52.0) * smoothstep(z, 20.0, 150.0)
    shoulder = np.clip((z - 4.0 - 19.0 * smoothstep(beside, 45.0, 190.0)) / 34.0, 0.0, 1.0) ** 0.5
    top = np.maximum(shoulder, np.clip(1 - (beside / 56.0) ** 4, 0.0, 1.0) ** 0.5)
    thickness = 2 * depth * np.clip(1 - (beside / half) ** 2.6, 0.0, 1.0) ** 0.5 * top
    if thorax.breast:
        q = ((beside - 0.6 * thorax.half_width) / 86.0) ** 2 + ((z - thorax.apex - 168.0) / 84.0) ** 2
        sag = 1 - smoothstep(z, thorax.apex + 205.0, thorax.apex + 250.0)
        thickness = thickness + thorax.breast * np.clip(1 - q, 0.0, 1.0) ** 1.15 * sag
    return np.asarray(thickness)


def _joined(one: Field, other: Field, softness: float) -> Field:
    """The union of two bodies, its crease filled over `softness` mm (a polynomial smooth maximum)."""
    near = np.maximum(softness - np.abs(one - other), 0.0)
    return np.asarray(np.maximum(one, other) + near * near / (4 * softness))


def _ellipsoid(x: Field, y: float | Field, z: Field, a: float, b: float, c: float) -> Field:
    q = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
    return np.asarray((1 - q) * min(a, b, c))
