"""Smooth random fields and soft-edged shapes, from which drawn pictures are put together.

A field is a float64 array `(h, w)`; positions are `(x, y)` in pixels, x to the right, y down.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = [
    "Field",
    "Window",
    "ellipse",
    "fractal_field",
    "lobed",
    "mix",
    "pixel_grid",
    "smooth_field",
    "smoothstep",
    "to_pixels",
    "voronoi_edges",
]

Field = NDArray[np.float64]
Window = tuple[slice, slice]


def pixel_grid(shape: tuple[int, int]) -> tuple[Field, Field]:
    """(x, y) of every pixel, each `(h, w)`."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    return x, y


def smoothstep(low: float, high: float, values: Field) -> Field:
    """0 below `low`, 1 above `high` (or the reverse where low > high), a cubic in between."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Field:
    """Gaussian-filtered white noise of mean 0 and standard deviation 1; `sigma` in pixels.

    Wide filters run on a coarse grid and are interpolated, which is many times faster and looks the same.
    """
    step = max(1, int(sigma // 3))
    coarse = rng.standard_normal((shape[0] // step + 6, shape[1] // step + 6))
    coarse = ndimage.gaussian_filter(coarse, sigma / step, mode="reflect")
    if step > 1:
        coarse = ndimage.zoom(coarse, step, order=1)
        coarse = ndimage.uniform_filter(coarse, step)
    field = coarse[step : step + shape[0], step : step + shape[1]]
    spread = field.std()
    result: Field = (field - field.mean()) / (spread if spread > 0 else 1.0)
    return result


def fractal_field(rng: np.random.Generator, shape: tuple[int, int], sigmas: tuple[float, ...]) -> Field:
    """A sum of smooth fields, each weighted by its width: large forms with finer ones on them; sd about 1."""
    weights = np.sqrt(np.array(sigmas, dtype=np.float64) / max(sigmas))
    total = np.zeros(shape)
    for weight, sigma in zip(weights, sigmas, strict=True):
        total += weight * smooth_field(rng, shape, sigma)
    result: Field = total / float(np.sqrt((weights**2).sum()))
    return result


def mix(image: Field, mask: Field, colour: tuple[float, float, float] | Field) -> None:
    """Paint `colour` over `image` (h, w, 3) in place where `mask` (h, w) is 1."""
    image += mask[..., None] * (np.asarray(colour) - image)


def ellipse(
    shape: tuple[int, int], x: float, y: float, a: float, b: float, angle: float, edge: float = 1.0
) -> tuple[Window, Field, Field]:
    """A soft ellipse of half-axes `a`, `b`: its window, its mask there, and the scaled radius (1 at the border).

    `edge` is the width of the border in pixels. The window may be empty where the ellipse lies outside.
    """
    reach = max(a, b) + edge + 1.0
    window, dx, dy = _window(shape, x, y, reach)
    c, s = np.cos(angle), np.sin(angle)
    u, v = (dx * c + dy * s) / a, (dy * c - dx * s) / b
    radius = np.hypot(u, v)
    mask = np.clip((1.0 - radius) * min(a, b) / edge + 0.5, 0.0, 1.0)
    return window, mask, radius


def lobed(
    rng: np.random.Generator,
    shape: tuple[int, int],
    x: float,
    y: float,
    radius: float,
    *,
    rough: float = 0.15,
    edge: float = 1.5,
    stretch: float = 1.0,
    angle: float = 0.0,
    lobes: int = 6,
) -> tuple[Window, Field]:
    """An irregular patch: a circle whose radius varies with the angle by `lobes` random harmonics.

    `stretch` lengthens it along `angle` and thins it across, keeping its area.
    """
    orders = np.arange(2, 2 + lobes)
    heights = rough * rng.standard_normal(lobes) / (orders / 2.0)
    phases = rng.uniform(0.0, 2 * np.pi, lobes)
    reach = radius * np.sqrt(stretch) * (1.0 + 3.0 * rough) + edge + 1.0
    window, dx, dy = _window(shape, x, y, reach)
    c, s = np.cos(angle), np.sin(angle)
    u, v = (dx * c + dy * s) / np.sqrt(stretch), (dy * c - dx * s) * np.sqrt(stretch)
    theta = np.arctan2(v, u)
    border = np.ones_like(theta)
    for order, height, phase in zip(orders, heights, phases, strict=True):
        border += height * np.cos(order * theta + phase)
    return window, np.clip((radius * border - np.hypot(u, v)) / edge + 0.5, 0.0, 1.0)


def _window(shape: tuple[int, int], x: float, y: float, reach: float) -> tuple[Window, Field, Field]:
    x0, x1 = (int(np.clip(v, 0, shape[1])) for v in (x - reach, x + reach + 1))
    y0, y1 = (int(np.clip(v, 0, shape[0])) for v in (y - reach, y + reach + 1))
    dy, dx = np.mgrid[y0:y1, x0:x1].astype(np.float64)
    return (slice(y0, y1), slice(x0, x1)), dx - x, dy - y


def voronoi_edges(points: Field, shape: tuple[int, int]) -> tuple[Field, NDArray[np.int64]]:
    """Distance to the border between the two nearest of `points` (n, 2), and the index of the nearest.

    The borders of a jittered lattice look like a honeycomb: skin networks and sheets of cells have it.
    """
    from scipy.spatial import cKDTree

    x, y = pixel_grid(shape)
    found = cKDTree(points).query(np.stack([x, y], axis=-1).reshape(-1, 2), k=2)
    distances, nearest = np.asarray(found[0]), np.asarray(found[1])
    gap = (distances[:, 1] - distances[:, 0]) / 2.0
    return gap.reshape(shape), nearest[:, 0].reshape(shape).astype(np.int64)


def to_pixels(image: Field) -> NDArray[np.uint8]:
    """Values from 0 to 1 as bytes, clipped."""
    return (np.clip(image, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
