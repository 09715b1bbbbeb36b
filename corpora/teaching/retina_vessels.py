"""The vessels of the retina: four pairs of trunks from the disc, arcades around the fovea, and their branches."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from corpora.teaching.case import rng_for
from corpora.teaching.vessels import Branch, Growth, Point, grow, render_branches

__all__ = ["Plexus", "grow_plexus"]

VesselKind = Literal["artery", "vein"]
_THINNEST = 0.0018


@dataclass(frozen=True, slots=True)
class Plexus:
    """Arteries and veins of one eye, in field radii."""

    arteries: tuple[Branch, ...]
    veins: tuple[Branch, ...]

    def render(
        self,
        place: object,
        scale: float,
        kind: VesselKind,
        *,
        share: float = 1.0,
        trunks_only: bool = False,
    ) -> NDArray[np.float64]:
        """Coverage `(448, 448)` by one kind of vessel, or by the inner `share` of its larger ones."""
        branches = [b for b in (self.arteries if kind == "artery" else self.veins) if not trunks_only or b.depth < 1]
        return render_branches(branches, 448, place, scale, share=share, fade_below=2.2 if share == 1.0 else 0.0)  # type: ignore[arg-type]

    def trunk_points(self, kind: VesselKind) -> list[Point]:
        """Points along the trunks, for lesions that keep to them."""
        return [p for b in (self.arteries if kind == "artery" else self.veins) if b.depth == 0 for p in b.points]


def grow_plexus(
    seed: str, disc: Point, fovea: Point, *, narrowing: float = 0.0, beading: float = 0.0, congested: str = ""
) -> Plexus:
    """The vessel tree of an eye.

    `narrowing` thins the arteries (0 to 1), `beading` makes the veins' width uneven, `congested` names the
    quadrant whose vein is blocked and so wide and winding ("superotemporal" …, or "all").
    """
    grown: dict[str, list[Branch]] = {"artery": [], "vein": []}
    for kind in ("artery", "vein"):
        for up, temporal in ((1, True), (-1, True), (1, False), (-1, False)):
            name = f"{'superior' if up > 0 else 'inferior'}{'temporal' if temporal else 'nasal'}"
            name = name.replace("superior", "supero").replace("inferior", "infero")
            rng = rng_for("plexus", seed, kind, name)
            blocked = kind == "vein" and congested in (name, "all")
            path = _trunk(rng, disc, fovea, up, temporal, kind, winding=2.6 if blocked else 1.0)
            radius = (0.0112 if kind == "vein" else 0.0092) * (1.0 if temporal else 0.74)
            radius *= rng.uniform(0.92, 1.12) * (1.35 if blocked else 1.0)
            if kind == "artery":
                radius *= 1 - 0.42 * narrowing
            grown[kind] += grow(rng, _growth(disc, fovea), path, radius, side=float(up if temporal else -up))
        grown[kind] += _macular_twigs(rng_for("twigs", seed, kind), disc, fovea, kind)
    veins = grown["vein"]
    if beading:
        rng = rng_for("beading", seed)
        veins = [_beaded(rng, b, beading) if b.depth < 2 else b for b in veins]
    return Plexus(tuple(grown["artery"]), tuple(veins))


def _growth(disc: Point, fovea: Point) -> Growth:
    def steer(point: Point, depth: int) -> float | None:
        to_fovea = math.atan2(fovea[1] - point[1], fovea[0] - point[0])
        gap = math.hypot(fovea[0] - point[0], fovea[1] - point[1])
        if gap < 0.46:  # inside the arcades everything runs to the fovea
            return to_fovea
        if point[0] < fovea[0] - 0.1:  # temporal of it, towards the horizontal raphe and outwards
            return math.atan2(0.25 * point[1] - 0.12 * (point[1] - fovea[1]), point[0] - fovea[0] + 0.05)
        return math.atan2(point[1] - disc[1], point[0] - disc[0])

    def alive(point: Point) -> bool:
        return math.hypot(*point) < 1.02 and math.hypot(point[0] - fovea[0], point[1] - fovea[1]) > 0.085

    return Growth(
        steer, alive, step=0.012, thinnest=_THINNEST, spacing=0.15, pull=0.06, wander=0.04, taper=0.9955, crowding=0.04
    )


def _trunk(
    rng: np.random.Generator, disc: Point, fovea: Point, up: int, temporal: bool, kind: str, *, winding: float
) -> list[Point]:
    """The course of one trunk: around the fovea on an ellipse, or outwards on the nasal side."""
    wave = rng.uniform(0, 2 * np.pi, 3)
    aside = rng.uniform(0.2, 1.0) if kind == "vein" else rng.uniform(-0.4, 0.3)
    start = (disc[0] + 0.012 + 0.03 * aside, disc[1] + up * 0.014)
    amount = winding * (0.010 if kind == "vein" else 0.007)
    points: list[Point] = [start]
    if temporal:
        width = start[0] - fovea[0]
        height = rng.uniform(0.47, 0.64) * (1.0 if kind == "vein" else 0.84)
        flare = rng.uniform(0.05, 0.25)
        for t in np.linspace(0.0, 1.0, 120)[1:]:
            phi = 2.85 * t
            rise = (
                math.sin(min(phi, math.pi / 2)) ** 0.8
                if phi < math.pi / 2
                else 1.0 - 0.16 * (phi - 1.57) + flare * (phi - 1.57) ** 2 * 0.5
            )
            reach = math.cos(phi) if phi < math.pi / 2 else -(phi - math.pi / 2) * 0.92
            x, y = fovea[0] + width * reach, start[1] + 0.03 * t - up * height * rise
            points.append(_waved(x, y, t, wave, amount))
    else:
        lean = rng.uniform(0.75, 1.2) if kind == "vein" else rng.uniform(0.6, 1.05)
        for t in np.linspace(0.0, 1.0, 80)[1:]:
            reach = 0.95 * t
            x = start[0] + reach * math.cos(lean) * (1 + 0.25 * t) - 0.05 * math.sin(3 * t)
            y = start[1] - up * reach * math.sin(lean) * (1.05 - 0.25 * t)
            points.append(_waved(x, y, t, wave, amount))
    return [p for p in points if math.hypot(*p) < 1.02]


def _waved(x: float, y: float, t: float, wave: NDArray[np.float64], amount: float) -> Point:
    """A point of a trunk moved aside, as living vessels wind a little."""
    shift = math.sin(11 * t + wave[0]) + 0.8 * math.sin(23 * t + wave[1]) + 0.6 * math.sin(41 * t + wave[2])
    growing = min(1.0, 5 * t)
    return x + 0.6 * amount * growing * shift, y + amount * growing * math.sin(17 * t + wave[1]) + 0.4 * amount * shift


def _macular_twigs(rng: np.random.Generator, disc: Point, fovea: Point, kind: str) -> list[Branch]:
    """Small vessels that leave the disc's temporal side straight for the macula."""
    twigs: list[Branch] = []
    for up in (1, -1):
        path = [(disc[0] - 0.02, disc[1] - up * 0.01)]
        bow, end = rng.uniform(0.05, 0.14), rng.uniform(0.5, 0.8)
        for t in np.linspace(0, end, 50)[1:]:
            x = disc[0] - 0.02 + t * (fovea[0] - disc[0])
            y = disc[1] + t * (fovea[1] - disc[1]) - up * (0.01 + bow * math.sin(math.pi * min(1.0, t + 0.1)))
            path.append((x, y + 0.004 * math.sin(20 * t)))
        twigs += grow(rng, replace(_growth(disc, fovea), deepest=1), path, 0.0036 if kind == "vein" else 0.003)
    return twigs


def _beaded(rng: np.random.Generator, branch: Branch, strength: float) -> Branch:
    phase = rng.uniform(0, 2 * np.pi)
    radii = tuple(r * (1 + strength * 0.55 * math.sin(0.62 * i + phase) * (i > 12)) for i, r in enumerate(branch.radii))
    return Branch(branch.points, radii, branch.depth)
