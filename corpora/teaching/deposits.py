"""Thin things in a projection: tubes, shells and plates laid down as clouds of small volumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from corpora.teaching.thorax import FIELD

__all__ = ["Cloud", "join", "polyline", "project", "tube"]

Field = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cloud:
    """Points `(x, z)` in millimetres and the volume each stands for, in cubic millimetres; all (n,)."""

    x: Field
    z: Field
    volume: Field


def join(clouds: list[Cloud]) -> Cloud:
    """All clouds as one."""
    if not clouds:
        return Cloud(np.zeros(0), np.zeros(0), np.zeros(0))
    parts = (np.concatenate([getattr(c, name).ravel() for c in clouds]) for name in ("x", "z", "volume"))
    return Cloud(*parts)


def project(cloud: Cloud, pixels: int, blur: float = 0.0) -> Field:
    """Millimetres of material along each ray: the cloud binned bilinearly, then blurred by `blur` mm."""
    size = FIELD / pixels
    column, row = (cloud.x + FIELD / 2) / size - 0.5, cloud.z / size - 0.5
    left, top = np.floor(column).astype(np.int64), np.floor(row).astype(np.int64)
    seen = (left >= 0) & (left < pixels - 1) & (top >= 0) & (top < pixels - 1)
    corner, aside, down = (top * pixels + left)[seen], (column - left)[seen], (row - top)[seen]
    volume = cloud.volume[seen]
    total = np.zeros(pixels * pixels)
    for step, share in (
        (0, (1 - aside) * (1 - down)),
        (1, aside * (1 - down)),
        (pixels, (1 - aside) * down),
        (pixels + 1, aside * down),
    ):
        total += np.bincount(corner + step, weights=volume * share, minlength=pixels * pixels)
    thickness = total.reshape(pixels, pixels) / size**2
    return np.asarray(ndimage.gaussian_filter(thickness, blur / size)) if blur else thickness


def polyline(points: list[tuple[float, float]], spacing: float = 0.3) -> tuple[Field, Field, float]:
    """A smooth curve through points `(x, z)`: its samples and the length between two of them, in mm."""
    corners = np.array(points, dtype=np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    samples = max(int(along[-1] / spacing), 2)
    at = np.linspace(0.0, along[-1], samples)
    x, z = np.interp(at, along, corners[:, 0]), np.interp(at, along, corners[:, 1])
    width = samples / (len(points) * 3.0)
    smooth_x = ndimage.gaussian_filter1d(x, width, mode="nearest")
    smooth_z = ndimage.gaussian_filter1d(z, width, mode="nearest")
    return smooth_x, smooth_z, float(along[-1] / (samples - 1))


def tube(x: Field, z: Field, step: float, radius: float, wall: float = 0.0, rays: int = 15) -> Cloud:
    """A tube in the picture's plane along a curve, solid, or hollow with a wall of `wall` mm."""
    across = (np.arange(rays) + 0.5) / rays * 2 - 1
    chord = 2 * radius * np.sqrt(1 - across**2)
    if wall:
        hole = np.maximum((radius - wall) ** 2 - (radius * across) ** 2, 0.0)
        chord = chord - 2 * np.sqrt(hole)
    dx, dz = np.gradient(x), np.gradient(z)
    norm = np.hypot(dx, dz) + 1e-9
    px = x[:, None] - (dz / norm)[:, None] * across[None, :] * radius
    pz = z[:, None] + (dx / norm)[:, None] * across[None, :] * radius
    volume = np.broadcast_to(chord[None, :] * step * 2 * radius / rays, px.shape)
    return Cloud(px.ravel(), pz.ravel(), volume.ravel())
