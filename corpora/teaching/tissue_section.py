"""What sections of all organs share: the plan of one, lattices, distances, and dead tissue."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from corpora.teaching.texture import Field, fractal_field, smoothstep
from corpora.teaching.tissue import SIZE, Slide, nucleus, spread

__all__ = ["Section", "distance", "everywhere", "lattice", "necrosis"]


@dataclass(frozen=True, slots=True)
class Section:
    """One field of view: `kind` names the tissue, `grade` (0–1) how far its change has gone, `parts` what is added."""

    kind: str
    seed: str
    grade: float = 0.5
    parts: frozenset[str] = frozenset()


def everywhere() -> Field:
    """A mask of the whole field of view."""
    return np.ones((SIZE, SIZE))


def lattice(rng: np.random.Generator, spacing: float, jitter: float) -> list[tuple[float, float]]:
    """A turned triangular lattice of points over the field; `jitter` is a share of `spacing`."""
    shift, turn = rng.uniform(0, spacing, 2), rng.uniform(0, np.pi)
    points = []
    for i in range(-8, 9):
        for j in range(-9, 10):
            u, v = (i + 0.5 * (j % 2)) * spacing + shift[0], j * spacing * 0.87 + shift[1]
            x = 200 + u * math.cos(turn) - v * math.sin(turn) + rng.normal(0, jitter * spacing)
            y = 200 + u * math.sin(turn) + v * math.cos(turn) + rng.normal(0, jitter * spacing)
            if -spacing < x < SIZE + spacing and -spacing < y < SIZE + spacing:
                points.append((x, y))
    return points


def distance(mask: Field) -> Field:
    """How far inside a mask each pixel lies, in pixels."""
    result: Field = ndimage.distance_transform_edt(mask > 0.5)
    return result


def necrosis(slide: Slide, rng: np.random.Generator, section: Section) -> None:
    """Dead tissue: structureless, pink, with ghosts of nuclei and nuclear dust, against living tissue."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    turn = rng.uniform(0, 2 * np.pi)
    side = (x - 200) * math.cos(turn) + (y - 200) * math.sin(turn) + 16 * fractal_field(rng, slide.shape, (40.0, 12.0))
    dead = smoothstep(-14.0, 14.0, side + 90 * (section.grade - 0.35))
    texture = 0.50 + 0.10 * fractal_field(rng, slide.shape, (16.0, 5.0, 1.5))
    slide.eosin += dead * (texture - slide.eosin)
    slide.hematoxylin *= 1 - 0.97 * dead
    slide.hematoxylin += dead * 0.05
    for px, py in spread(rng, dead, 15.0, count=160):
        nucleus(slide, px, py, 5.0, 3.6, rng.uniform(0, 3.1), dark=0.16, coarse=0.05)
    for px, py in spread(rng, dead, 7.0, count=420):
        nucleus(
            slide, px, py, rng.uniform(0.7, 2.0), rng.uniform(0.7, 1.5), rng.uniform(0, 3.1), dark=rng.uniform(0.5, 1.1)
        )
