"""Smooth random fields: the unevenness of tissue that no formula of anatomy gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["broad_blur", "fractal_field", "smooth_field", "smoothstep"]

Field = NDArray[np.float64]


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> Field:
    """Gaussian noise of mean 0 and variance 1 that varies over about `scale` pixels; float64, (h, w)."""
    step = max(scale, 1.0)
    coarse = rng.standard_normal((int(shape[0] / step) + 4, int(shape[1] / step) + 4))
    field = _spline_rows(_spline_rows(coarse, shape[0], step).T, shape[1], step).T
    return np.asarray((field - field.mean()) / field.std())


def _spline_rows(knots: Field, length: int, step: float) -> Field:
    """A uniform cubic B-spline through rows of control points `step` apart: (n, w) to (length, w)."""
    at = np.arange(length) / step
    first = at.astype(np.int64)
    t = (at - first)[:, None]
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (t + t**2 - t**3) + 1, t**3)
    return np.asarray(sum(weight * knots[first + k] for k, weight in enumerate(weights)) / 6.0)


def fractal_field(rng: np.random.Generator, shape: tuple[int, int], scale: float, octaves: int = 3) -> Field:
    """A sum of smooth fields, each half as wide and half as strong as the one before; variance 1."""
    total = np.zeros(shape)
    for octave in range(octaves):
        total += 0.5**octave * smooth_field(rng, shape, scale / 2**octave)
    return np.asarray(total / total.std())


def smoothstep(values: Field, low: float, high: float) -> Field:
    """0 below `low`, 1 above `high`, and a cubic without kinks between them.

    >>> [float(v) for v in smoothstep(np.array([0.0, 1.0, 2.0]), 0.0, 2.0)]
    [0.0, 0.5, 1.0]
    """
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def broad_blur(picture: Field, sigma: float) -> Field:
    """A Gaussian blur of `sigma` pixels for large `sigma`, computed on a grid four times coarser; (h, w) by 4."""
    rows, columns = picture.shape[0] // 4, picture.shape[1] // 4
    small = picture.reshape(rows, 4, columns, 4).mean(axis=(1, 3))
    small = ndimage.gaussian_filter(small, sigma / 4, mode="nearest")
    return np.asarray(ndimage.zoom(small, 4, order=1, grid_mode=True, mode="nearest"))
