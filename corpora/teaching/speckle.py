"""How a B-mode picture comes about: scatterers, a point-spread function, an envelope, a logarithm.

A pixel is longer than the wavelength, so the echoes of its many scatterers add with random phase: the
field is a circular complex Gaussian (fully developed speckle), whose envelope is Rayleigh distributed
with mean / standard deviation = sqrt(π / (4 - π)) ≈ 1.91. Mirror-like surfaces add a coherent part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Convex", "Linear", "Probe", "compress", "echoes"]

Field = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear array `width` mm wide that looks `depth` mm deep; lines are parallel."""

    width: float
    depth: float

    def positions(self, samples: int, lines: int) -> tuple[Field, Field]:
        """Depth (samples, 1) and sideways distance from the middle (1, lines), in mm."""
        z = (np.arange(samples) + 0.5)[:, None] * self.depth / samples
        x = ((np.arange(lines) + 0.5) / lines - 0.5)[None, :] * self.width
        return z, x

    def convert(self, beams: Field, height: int, width: int) -> Field:
        """The beams (samples, lines) as a picture (height, width)."""
        rows = (np.arange(height) + 0.5) / height * beams.shape[0] - 0.5
        columns = (np.arange(width) + 0.5) / width * beams.shape[1] - 0.5
        at = np.meshgrid(rows, columns, indexing="ij")
        return np.asarray(ndimage.map_coordinates(beams, at, order=1, mode="nearest"))


@dataclass(frozen=True, slots=True)
class Convex:
    """A curved array of `radius` mm whose lines fan out over `angle` radians, `depth` mm deep."""

    radius: float
    angle: float
    depth: float

    def positions(self, samples: int, lines: int) -> tuple[Field, Field]:
        """Depth along the line (samples, 1) and arc length from the middle (samples, lines), in mm."""
        z = (np.arange(samples) + 0.5)[:, None] * self.depth / samples
        theta = ((np.arange(lines) + 0.5) / lines - 0.5)[None, :] * self.angle
        return z, (self.radius + z) * theta

    def convert(self, beams: Field, height: int, width: int) -> Field:
        """The beams as a fan on black, as high as the picture (height, width)."""
        top = self.radius * np.cos(self.angle / 2)
        size = (self.radius + self.depth - top) / height
        down = top + (np.arange(height) + 0.5)[:, None] * size
        aside = ((np.arange(width) + 0.5) - width / 2)[None, :] * size
        far, turn = np.hypot(down, aside) - self.radius, np.arctan2(aside, down)
        row = far / self.depth * beams.shape[0] - 0.5
        column = (turn / self.angle + 0.5) * beams.shape[1] - 0.5
        fan = ndimage.map_coordinates(beams, [row, column], order=1, mode="constant", cval=0.0)
        edge = np.clip((self.angle / 2 - np.abs(turn)) * 180, 0, 1) * np.clip(far * 2, 0, 1)
        return np.asarray(fan * edge)


Probe = Linear | Convex


def echoes(
    rng: np.random.Generator, diffuse: Field, mirror: Field, axial: float, lateral: tuple[float, float, float]
) -> Field:
    """The envelope of the echoes, (samples, lines).

    `diffuse` is the root mean square amplitude of the scatterers, `mirror` the amplitude of smooth
    surfaces. `axial` and `lateral` are the standard deviations of the point-spread function in samples
    and lines, `lateral` at the top, the middle and the bottom; mean power is kept.
    """
    parts = [_scattered(rng, diffuse, axial, lateral) for _ in range(2)]
    coherent = ndimage.gaussian_filter(mirror, (0.6 * axial, 0.8 * lateral[1]))
    return np.hypot(parts[0] + coherent, parts[1])


def _scattered(rng: np.random.Generator, diffuse: Field, axial: float, lateral: tuple[float, ...]) -> Field:
    field = rng.standard_normal(diffuse.shape) * diffuse * np.sqrt(0.5)
    field = ndimage.gaussian_filter1d(field, axial, axis=0) * np.sqrt(2 * axial * np.sqrt(np.pi))
    depth = np.linspace(0.0, 2.0, diffuse.shape[0])[:, None]
    shares = [np.clip(1 - np.abs(depth - index), 0.0, 1.0) for index in range(len(lateral))]
    total, power = np.zeros_like(field), np.zeros_like(depth)
    for share, width in zip(shares, lateral, strict=True):
        blurred = ndimage.gaussian_filter1d(field, width, axis=1)
        total += share * blurred * np.sqrt(2 * width * np.sqrt(np.pi))
        for other, wide in zip(shares, lateral, strict=True):
            power += share * other * np.sqrt(2 * width * wide / (width**2 + wide**2))
    return np.asarray(total / np.sqrt(power))


def compress(envelope: Field, floor: float, ceiling: float) -> Field:
    """Logarithmic compression: 0 at `floor` dB and below, 1 at `ceiling` dB and above."""
    level = 20.0 * np.log10(np.maximum(envelope, 1e-9))
    return np.clip((level - floor) / (ceiling - floor), 0.0, 1.0)
