"""Pulmonary vessels: trees grown from the hila through the lungs and laid down as tubes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from corpora.teaching.deposits import Cloud, project
from corpora.teaching.thorax import Thorax

__all__ = ["vessels"]

Field = NDArray[np.float64]
WIDTHS = (0.0, 0.45, 0.8, 1.3, 2.2, 3.6, 99.0)
"""Radii, in millimetres, between which tubes share one blur."""


def vessels(thorax: Thorax, pixels: int, rng: np.random.Generator, inside: Field, swollen: float = 0.0) -> Field:
    """Millimetres of vessel along each ray, (n, n).

    `inside` (n, n) is 1 where aerated lung can show them; `swollen` > 0 widens the upper vessels and
    blurs all of them, as in congestion.
    """
    points, radii, volumes = [], [], []
    for sign in (-1.0, 1.0):
        for tree in (_tree(thorax, rng, sign), _hilum(thorax, rng, sign)):
            points.append(tree[0])
            radii.append(tree[1])
            volumes.append(tree[2])
    at, radius, volume = np.concatenate(points), np.concatenate(radii), np.concatenate(volumes)
    upper = 1.0 + 0.5 * swollen * (at[:, 2] < thorax.hilum)
    radius, volume = radius * upper, volume * upper**2
    total = np.zeros((pixels, pixels))
    for low, high in pairwise(WIDTHS):
        chosen = (radius >= low) & (radius < high)
        if chosen.any():
            blur = 0.55 * float(radius[chosen].mean()) * (1 + 0.9 * swollen) + 0.15
            cloud = Cloud(at[chosen, 0], at[chosen, 2], volume[chosen])
            total += project(cloud, pixels, blur=blur)
    return np.asarray(total * inside)


def _laid(start: Field, end: Field, bow: Field, radius: Field, taper: float) -> tuple[Field, Field, Field]:
    share = np.linspace(0.0, 1.0, 22)
    line = start[:, None, :] + (end - start)[:, None, :] * share[None, :, None]
    line = line + bow[:, None, :] * (4 * share * (1 - share))[None, :, None]
    width = radius[:, None] * (1 - taper * share[None, :])
    length = np.sqrt(((end - start) ** 2).sum(axis=1))
    volume = np.pi * width**2 * length[:, None] / share.size
    return line.reshape(-1, 3), width.ravel(), volume.ravel()


def _tree(thorax: Thorax, rng: np.random.Generator, sign: float) -> tuple[Field, Field, Field]:
    stems = 15
    start = np.empty((stems, 3))
    lift = -8.0 if sign > 0 else 0.0
    start[:, 0] = sign * rng.uniform(30, 44, stems) + thorax.shift
    start[:, 1] = rng.uniform(-22, 16, stems)
    start[:, 2] = thorax.hilum + lift + rng.uniform(-14, 26, stems)
    turn = np.linspace(-1.35, 1.45, stems) + rng.normal(0, 0.1, stems)
    toward = np.stack([sign * np.cos(turn), rng.normal(0, 0.75, stems), np.sin(turn) * 1.1], axis=1)
    radius = rng.uniform(1.9, 3.1, stems) * np.where(turn > 0, 1.15, 0.8)
    parts = []
    for generation in range(8):
        toward /= np.sqrt((toward**2).sum(axis=1))[:, None]
        length = rng.uniform(16, 34, len(start)) * 0.88**generation
        end = start + toward * length[:, None]
        bow = rng.normal(0, 1.6, start.shape)
        kept = thorax.lung(end[:, 0], end[:, 1], end[:, 2]) > 3.0
        parts.append(_laid(start[kept], end[kept], bow[kept], radius[kept], 0.2))
        start, toward, radius = (np.repeat(v[kept], 2, axis=0) for v in (end, toward, radius))
        swing = rng.normal(0, 0.42, toward.shape)
        swing[1::2] = -swing[0::2] * rng.uniform(0.4, 1.0)
        toward = toward + swing
        shrink = rng.uniform(0.62, 0.86, len(radius))
        radius = np.maximum(radius * shrink, 0.34)
    return tuple(np.concatenate([part[i] for part in parts]) for i in range(3))  # type: ignore[return-value]


def _hilum(thorax: Thorax, rng: np.random.Generator, sign: float) -> tuple[Field, Field, Field]:
    high = thorax.hilum - (10.0 if sign > 0 else 0.0)
    middle = sign * 26.0 + thorax.shift
    ends = np.array([[16, 0, 44], [20, 10, 22], [18, 0, -20], [24, -12, 4], [12, -8, 56]], dtype=np.float64)
    ends[:, 0] *= sign
    start = np.repeat(np.array([[middle, -4.0, high]]), len(ends), axis=0)
    end = start + ends + rng.normal(0, 3, ends.shape)
    radius = np.array([6.6, 4.2, 4.6, 3.8, 4.6])
    return _laid(start, end, rng.normal(0, 2.0, start.shape), radius, 0.45)
