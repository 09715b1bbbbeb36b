"""Vessel trees that are grown: each branch steers through the tissue, thins, and divides by Murray's law.

At a fork the cubes of the radii add up (r0³ = r1³ + r2³), and the branch leaves at the angle of least work,
cos θ1 = (r0⁴ + r1⁴ − r2⁴) / (2 r0² r1²): C. D. Murray, "The physiological principle of minimum work", 1926.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

__all__ = ["Branch", "Growth", "Point", "branch_angle", "grow", "render_branches"]

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Branch:
    """A polyline with a radius at each point; `depth` 0 is a trunk."""

    points: tuple[Point, ...]
    radii: tuple[float, ...]
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Growth:
    """How a tree grows; lengths and radii in one unit of the caller's choice.

    `steer(point, depth)` gives the heading (radians) that a branch is drawn to, or None for straight on;
    `alive(point)` is False where vessels must end. `spacing` is the mean distance between two forks.
    """

    steer: Callable[[Point, int], float | None]
    alive: Callable[[Point], bool]
    step: float
    thinnest: float
    spacing: float
    pull: float = 0.08
    wander: float = 0.07
    taper: float = 0.996
    deepest: int = 3
    crowding: float = 0.0


def branch_angle(parent: float, child: float) -> float:
    """The angle (radians) at which a child of that radius leaves its parent.

    >>> round(math.degrees(branch_angle(1.0, 2 ** (-1 / 3))), 1)
    37.5
    """
    other = max(parent**3 - child**3, 1e-12) ** (1 / 3)
    cosine = (parent**4 + child**4 - other**4) / (2 * parent**2 * child**2)
    return math.acos(min(1.0, max(-1.0, cosine)))


def grow(
    rng: np.random.Generator, growth: Growth, trunk: list[Point], radius: float, *, side: float = 1.0
) -> list[Branch]:
    """A trunk along given points and everything that grows from it, the trunk first.

    With `crowding` above 0 a branch ends where another of the tree already runs within that distance.
    """
    taken: dict[tuple[int, int], int] = {}
    found: list[Branch] = []
    pending: list[tuple[list[Point], float, int, float]] = [(trunk, radius, 0, side)]
    while pending:
        path, thickness, depth, first_side = pending.pop(0)
        number = len(found)
        if depth:
            path = _path(rng, growth, path[0], path[1], thickness, depth, taken, number)
        if len(path) < (12 if depth else 4):
            continue
        _claim(taken, path, growth.crowding, number)
        radii, forks = _divide(rng, growth, path, thickness, first_side)
        found.append(Branch(tuple(path[: len(radii)]), tuple(radii), depth))
        if depth < growth.deepest:
            pending += [(ends, child, depth + 1, turn) for ends, child, turn in forks]
    return found


def _path(
    rng: np.random.Generator,
    growth: Growth,
    start: Point,
    ahead: Point,
    radius: float,
    depth: int,
    taken: dict[tuple[int, int], int],
    number: int,
) -> list[Point]:
    heading = math.atan2(ahead[1] - start[1], ahead[0] - start[0])
    path, turn = [start], 0.0
    while radius > growth.thinnest and len(path) < 400:
        wish = growth.steer(path[-1], depth)
        if wish is not None:
            heading += growth.pull * math.remainder(wish - heading, 2 * math.pi)
        turn = 0.8 * turn + growth.wander * float(rng.standard_normal())
        heading += turn
        point = (path[-1][0] + growth.step * math.cos(heading), path[-1][1] + growth.step * math.sin(heading))
        owner = taken.get(_cell(point, growth.crowding)) if growth.crowding else None
        if not growth.alive(point) or (owner is not None and owner != number and len(path) > 6):
            break
        path.append(point)
        radius *= growth.taper
    return path


def _divide(
    rng: np.random.Generator, growth: Growth, path: list[Point], radius: float, side: float
) -> tuple[list[float], list[tuple[list[Point], float, float]]]:
    """Radii along a path, and its forks: (start and a point ahead, radius, side of the first fork)."""
    radii: list[float] = []
    forks: list[tuple[list[Point], float, float]] = []
    until = growth.spacing * rng.uniform(0.4, 1.0)
    for i, point in enumerate(path):
        radii.append(radius)
        radius *= growth.taper
        until -= growth.step
        if radius < growth.thinnest:
            break
        if until < 0 and 2 <= i < len(path) - 1:
            child = radius * rng.uniform(0.38, 0.72)
            heading = math.atan2(path[i + 1][1] - point[1], path[i + 1][0] - point[0])
            angle = heading + side * branch_angle(radius, child) * rng.uniform(0.7, 1.0)
            if child > growth.thinnest:
                forks.append(([point, (point[0] + math.cos(angle), point[1] + math.sin(angle))], child, -side))
                radius = (radius**3 - child**3) ** (1 / 3)
            side = -side if rng.random() < 0.8 else side
            until = growth.spacing * rng.uniform(0.5, 1.5)
    return radii, forks


def _cell(point: Point, size: float) -> tuple[int, int]:
    return math.floor(point[0] / size), math.floor(point[1] / size)


def _claim(taken: dict[tuple[int, int], int], path: list[Point], size: float, number: int) -> None:
    if size:
        for point in path:
            taken.setdefault(_cell(point, size), number)


def render_branches(
    branches: list[Branch],
    size: int,
    place: Callable[[Point], Point],
    scale: float,
    *,
    share: float = 1.0,
    samples: int = 4,
    fade_below: float = 0.0,
) -> NDArray[np.float64]:
    """Coverage of each pixel by the branches, `(size, size)` from 0 to 1.

    `place` maps a point to pixels, `scale` a radius; `share` draws only that inner part of each vessel (its
    light reflex). Branches thinner than `fade_below` pixels are paler, as what a lens cannot resolve is.
    """
    canvas = Image.new("L", (size * samples, size * samples), 0)
    draw = ImageDraw.Draw(canvas)
    for branch in sorted(branches, key=lambda item: max(item.radii)):
        spots = [place(point) for point in branch.points]
        for (x0, y0), (x1, y1), radius in zip(spots, spots[1:], branch.radii, strict=False):
            width = 2.0 * radius * scale * share
            shade = 255 if width >= fade_below else int(255 * max(0.25, width / fade_below))
            thick = max(1, round(width * samples))
            ends = (x0 * samples, y0 * samples, x1 * samples, y1 * samples)
            draw.line(ends, fill=shade, width=thick)
            if thick > 3:
                r = thick / 2 - 0.5
                draw.ellipse((ends[2] - r, ends[3] - r, ends[2] + r, ends[3] + r), fill=shade)
    return np.asarray(canvas.reduce(samples), dtype=np.float64) / 255.0
