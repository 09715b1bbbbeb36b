"""Pictures of breast ultrasound: skin, fat lobules, glandular tissue, muscle, and a mass among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from corpora.teaching.case import rng_for
from corpora.teaching.noise import fractal_field, smooth_field, smoothstep
from corpora.teaching.speckle import Linear, compress, echoes

__all__ = ["BreastScan", "MassKind", "draw"]

Field = NDArray[np.float64]
MassKind = Literal["simple cyst", "complicated cyst", "fibroadenoma", "carcinoma", "lipoma"]

ROWS, LINES, PIXELS = 420, 320, 400


@dataclass(frozen=True, slots=True)
class BreastScan:
    """Parameters of one breast scan; `seed` fixes the tissue. Lengths are millimetres.

    `across` places the mass from -1 (left edge) to 1, `depth` is that of its centre; `width` and `height`
    are its extents; `calcified` adds bright specks.
    """

    seed: int
    mass: MassKind | None = None
    width: float = 14.0
    height: float = 9.0
    across: float = 0.0
    depth: float = 16.0
    calcified: bool = False
    dense: bool = True


def draw(scan: BreastScan) -> NDArray[np.uint8]:
    """The B-mode picture, uint8, (400, 400)."""
    setup = rng_for("breast probe", scan.seed)
    probe = Linear(width=float(setup.uniform(36, 42)), depth=float(setup.uniform(36, 42)))
    z, x = probe.positions(ROWS, LINES)
    level, mirror = _tissue(scan, z, x)
    gain = np.zeros((ROWS, LINES))
    if scan.mass:
        level, mirror, gain = _mass(scan, z, x, level, mirror)
    depth = np.linspace(0, 1, ROWS)[:, None]
    patches = 3.0 * smooth_field(setup, (1, LINES), 60.0) * depth - 11.0 * depth**2.2
    fading = np.minimum(gain + patches, 12.0)
    rng = rng_for("breast speckle", scan.seed)
    envelope = echoes(rng, 10 ** ((level + fading) / 20), mirror * 10 ** (fading / 20), 1.3, (1.9, 1.4, 2.2))
    envelope = envelope + 10 ** (-58 / 20) * rng.random(envelope.shape)
    grey = compress(envelope, -50.0 + setup.uniform(-3, 3), 2.0 + setup.uniform(-1, 4))
    picture = probe.convert(grey ** setup.uniform(1.0, 1.25), PIXELS, PIXELS)
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), dtype=np.uint8)


def _streaks(rng: np.random.Generator, up: float, along: float) -> Field:
    field = ndimage.gaussian_filter(rng.standard_normal((ROWS, LINES)), (up, along))
    return np.asarray(field / field.std())


def _tissue(scan: BreastScan, z: Field, x: Field) -> tuple[Field, Field]:
    """Echo level in dB and surface amplitudes of a breast without a mass, each (rows, lines)."""
    rng = rng_for("breast", scan.seed)
    shape = (ROWS, LINES)
    wave = smooth_field(rng, (1, LINES), 110.0)
    gland_top = (8.0 if scan.dense else 12.0) + rng.uniform(-1.5, 1.5) + 1.3 * wave
    gland_top = gland_top + 0.8 * smooth_field(rng, (1, LINES), 28.0)
    gland_bottom = gland_top + (13.0 if scan.dense else 6.0) + 1.0 * smooth_field(rng, (1, LINES), 90.0)
    muscle_top = gland_bottom + 4.0 + 0.4 * smooth_field(rng, (1, LINES), 110.0)
    wall = muscle_top + 6.5 + 0.04 * x
    warp = z + 0.5 * smooth_field(rng, shape, 60.0)
    fat = -26.0 + 1.8 * fractal_field(rng, shape, 30.0) + 1.8 * _streaks(rng, 2.0, 12.0)
    fibres = _streaks(rng, 2.6, 16.0)
    lumps = fractal_field(rng, shape, 34.0)
    gland = -12.5 + 2.6 * lumps + 3.0 * fibres - 9.0 * smoothstep(lumps, 0.9, 1.7)
    muscle = -21.0 + 4.5 * np.clip(_streaks(rng, 1.7, 40.0), -1.5, 2.2)
    beneath = -34.0 - 0.9 * np.maximum(warp - wall, 0.0)
    level = _layered(warp, [(gland_top, gland), (gland_bottom, fat), (muscle_top, muscle), (wall, beneath)], fat)
    level = np.where(z < 1.9, -7.0 + 5.0 * np.cos(np.pi * (z - 0.3) / 0.85), level)
    mirror = _septa(rng, warp, gland_top, gland_bottom, muscle_top)
    for surface, strength, width in ((gland_top, 0.18, 0.25), (muscle_top, 0.5, 0.28), (wall, 0.7, 0.35)):
        uneven = np.clip(0.55 + 0.5 * smooth_field(rng, (1, LINES), 26.0), 0.05, 1.3)
        mirror = mirror + strength * uneven * np.exp(-(((warp - surface) / width) ** 2))
    return level, mirror


def _layered(warp: Field, layers: list[tuple[Field, Field]], first: Field) -> Field:
    level = first
    for top, below in layers:
        share = np.clip((warp - top) / 0.6 + 0.5, 0.0, 1.0)
        level = level * (1 - share) + below * share
    return level


def _septa(rng: np.random.Generator, warp: Field, gland_top: Field, gland_bottom: Field, muscle: Field) -> Field:
    """Cooper's ligaments: thin bright arcs between fat lobules, brightest where they face the probe."""
    field = smooth_field(rng, (ROWS, LINES), 46.0) + 0.25 * smooth_field(rng, (ROWS, LINES), 18.0)
    steep_down, steep_aside = np.gradient(field)
    steep = np.hypot(steep_down, steep_aside) + 1e-4
    line = np.exp(-((field / steep / 1.5) ** 2)) * (np.abs(steep_down) / steep) ** 1.5
    fat = np.clip((gland_top - warp) / 0.8, 0, 1) * np.clip((warp - 2.2) / 0.8, 0, 1)
    fat = fat + 0.8 * np.clip((warp - gland_bottom) / 0.8, 0, 1) * np.clip((muscle - warp) / 0.8, 0, 1)
    fibre = np.clip(_streaks(rng, 1.2, 18.0) - 1.1, 0, 2) * (1 - np.clip(fat, 0, 1))
    return np.asarray(0.42 * line * fat + 0.16 * fibre * (warp < muscle + 6) * (warp > 2.2))


def _mass(scan: BreastScan, z: Field, x: Field, level: Field, mirror: Field) -> tuple[Field, Field, Field]:
    """The picture with the mass, and the gain in dB behind it: enhancement or shadow."""
    rng = rng_for("mass", scan.seed, str(scan.mass))
    u = (x - scan.across * 12.0) / (scan.width / 2)
    w = (z - scan.depth) / (scan.height / 2)
    angle = np.arctan2(w, u)
    far = np.hypot(u, w) / _outline(rng, scan, angle)
    size = min(scan.width, scan.height) / 2
    inside = np.clip((1 - far) * size / 0.35 + 0.5, 0, 1)
    texture = fractal_field(rng, (ROWS, LINES), 20.0)
    inner = {
        "simple cyst": -70.0 + 0 * texture,
        "complicated cyst": -36.0 + 2.0 * texture + 7.0 * np.clip(w, -1, 1),
        "fibroadenoma": -26.5 + 1.5 * texture,
        "lipoma": -16.5 + 1.2 * texture,
        "carcinoma": -33.0 + 3.2 * texture,
    }[scan.mass or "fibroadenoma"]
    level = level * (1 - inside) + inner * inside
    mirror = mirror * (1 - inside)
    rim = np.exp(-(((far - 1.03) * size / 0.14) ** 2))
    facing = np.abs(np.sin(angle)) ** 1.5
    behind = _behind(scan, u, w, angle)
    if scan.mass == "carcinoma":
        level = level + 6.0 * np.exp(-(((far - 1.12) * size / 0.9) ** 2))
        level, mirror = _spicules(rng, far, angle, level, mirror)
        gain = -17.0 * behind
    else:
        mirror = mirror + {"simple cyst": 0.5, "complicated cyst": 0.4}.get(scan.mass or "", 0.3) * rim * facing
        gain = {"simple cyst": 9.0, "complicated cyst": 6.0, "fibroadenoma": 3.0}.get(scan.mass or "", 0.0) * behind
        edge = np.exp(-(((np.abs(u) - 1.0) * scan.width / 2 / 0.7) ** 2)) * np.clip(w, 0, 1)
        gain = gain - (0.0 if scan.mass == "lipoma" else 6.0) * edge
    if scan.calcified:
        specks = smoothstep(smooth_field(rng, (ROWS, LINES), 5.0), 2.1, 2.7)
        mirror = mirror + 1.8 * specks * inside
    return level, mirror, gain


def _outline(rng: np.random.Generator, scan: BreastScan, angle: Field) -> Field:
    if scan.mass != "carcinoma":
        lobes = 0.035 if scan.mass == "fibroadenoma" else 0.012
        waves = (lobes * rng.normal() * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 4))
        return np.asarray(1.0 + sum(waves))
    waves = (0.32 / k**0.6 * rng.normal(0.7, 0.3) * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 5, 7, 11, 17))
    return np.asarray(np.clip(0.95 + 0.5 * sum(waves), 0.55, 1.5))


def _behind(scan: BreastScan, u: Field, w: Field, angle: Field) -> Field:
    """1 behind the mass within its width, fading sideways."""
    return np.asarray(np.clip((1 - np.abs(u)) * scan.width / 2 / 1.4 + 0.3, 0, 1) * smoothstep(w, 0.2, 1.0))


def _spicules(rng: np.random.Generator, far: Field, angle: Field, level: Field, mirror: Field) -> tuple[Field, Field]:
    ray = np.zeros_like(far)
    for at in rng.uniform(-np.pi, np.pi, 13):
        bent = angle - at - 0.12 * (far - 1) * rng.normal()
        apart = np.abs(np.arctan2(np.sin(bent), np.cos(bent))) * far
        ray = np.maximum(ray, np.exp(-((apart / 0.055) ** 2)) * smoothstep(far, 0.75, 1.0))
    ray = ray * (1 - smoothstep(far, 1.25, 1.75))
    return level - 12.0 * ray, mirror * (1 - 0.8 * ray)
