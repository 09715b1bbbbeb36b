"""Pictures of lung ultrasound: chest wall, pleura, its reverberations, and what lies beneath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from corpora.teaching.case import rng_for
from corpora.teaching.noise import fractal_field, smooth_field, smoothstep
from corpora.teaching.speckle import Convex, Linear, Probe, compress, echoes

__all__ = ["LungScan", "draw"]

Field = NDArray[np.float64]

SAMPLES, LINES, PIXELS = 420, 256, 400


@dataclass(frozen=True, slots=True)
class LungScan:
    """Parameters of one lung scan; `seed` fixes chest wall, ribs and probe settings.

    `b_lines` is a number (from 8 on they flow together), `effusion` and `consolidation` are depths in mm
    of fluid and of airless lung, `pleura_thickness` is 1.6 mm when normal.
    """

    seed: int
    probe: Literal["convex", "linear"] = "convex"
    a_lines: bool = True
    b_lines: int = 0
    effusion: float = 0.0
    septated: bool = False
    consolidation: float = 0.0
    air_bronchograms: bool = False
    pleura_thickness: float = 1.6
    irregular: bool = False


@dataclass(frozen=True, slots=True)
class _Scene:
    """Echo strengths of one scan in beam coordinates, (samples, lines): decibels and surface amplitudes."""

    z: Field
    x: Field
    pleura: Field
    level: Field
    mirror: Field
    shadow: Field


def draw(scan: LungScan) -> NDArray[np.uint8]:
    """The B-mode picture, uint8, (400, 400)."""
    probe = _probe(scan)
    scene = _wall(scan, probe)
    scene = _pleural_space(scan, scene) if scan.effusion else _aerated(scan, scene)
    if scan.consolidation:
        scene = _consolidated(scan, scene)
    rng = rng_for("lung speckle", scan.seed)
    depth = np.linspace(0, 1, SAMPLES)[:, None]
    fading = -(16.0 if scan.probe == "convex" else 12.0) * depth**1.3 - 4.0 * np.exp(-depth / 0.02)
    diffuse = 10 ** ((scene.level + fading) / 20) * scene.shadow
    glint = np.clip(0.75 + 0.4 * _grain(rng_for("glint", scan.seed)), 0.1, 1.8)
    mirror = scene.mirror * glint * scene.shadow * 10 ** (0.4 * fading / 20)
    lateral = (2.2, 1.5, 2.4) if scan.probe == "convex" else (1.6, 1.2, 1.7)
    envelope = echoes(rng, diffuse, mirror, 1.25, lateral) + 10 ** (-62 / 20) * rng.random(diffuse.shape)
    setting = rng_for("lung console", scan.seed)
    grey = compress(envelope, -56.0 + setting.uniform(-3, 3), 2.0 + setting.uniform(-2, 4))
    picture = probe.convert(grey ** setting.uniform(1.05, 1.35), PIXELS, PIXELS)
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), dtype=np.uint8)


def _grain(rng: np.random.Generator) -> Field:
    """Unevenness of mirror-like surfaces along the line of transducers, (samples, lines), variance 1."""
    field = ndimage.gaussian_filter(rng.standard_normal((SAMPLES, LINES)), (3.0, 4.0))
    return np.asarray(field / field.std())


def _facing(surface: Field, z: Field, x: Field) -> Field:
    """How squarely a surface `surface = 0` meets the beam: 1 at a right angle, less when steep."""
    down = np.gradient(surface, axis=0) / np.gradient(z, axis=0)
    aside = np.gradient(surface, axis=1) / np.maximum(np.gradient(x, axis=1), 1e-3)
    return np.asarray(np.abs(down) / (np.hypot(down, aside) + 1e-6))


def _probe(scan: LungScan) -> Probe:
    rng = rng_for("lung probe", scan.seed)
    if scan.probe == "linear":
        return Linear(width=float(rng.uniform(38, 46)), depth=float(rng.uniform(44, 60)))
    return Convex(float(rng.uniform(46, 60)), float(rng.uniform(1.02, 1.2)), float(rng.uniform(115, 150)))


def _wall(scan: LungScan, probe: Probe) -> _Scene:
    """Skin, fat and muscle, two ribs with their shadows, and a bright pleural line between them."""
    rng = rng_for("chest wall", scan.seed)
    z, x = probe.positions(SAMPLES, LINES)
    x = np.broadcast_to(x, (SAMPLES, LINES))
    at = float(rng.uniform(18, 27) if scan.probe == "convex" else rng.uniform(13, 20))
    slope = rng.normal(0, 0.05)
    bend = smooth_field(rng, (1, LINES), 90.0)[0] * 0.8
    rough = smooth_field(rng, (1, LINES), 9.0)[0] * (0.9 if scan.irregular else 0.12)
    line = at + slope * x[min(int(at / probe.depth * SAMPLES), SAMPLES - 1)] + bend + rough
    pleura = np.broadcast_to(line[None, :], (SAMPLES, LINES))
    streaks = ndimage.gaussian_filter(rng.standard_normal((SAMPLES, LINES)), (1.5, 26.0))
    streaks /= streaks.std()
    muscle = smoothstep(z / pleura, 0.42, 0.55)
    level = -25.0 + 3.0 * muscle + (5.0 + 1.5 * muscle) * np.clip(streaks, -1.6, 2.4)
    level = level + 14.0 * np.exp(-((z - 0.8) ** 2) / 1.2)
    fascia = 0.42 * pleura + 0.6 * smooth_field(rng, (1, LINES), 60.0)
    mirror = 0.45 * np.exp(-(((z - fascia) / 0.4) ** 2)) + 0.3 * np.exp(-(((z - 0.72 * pleura) / 0.35) ** 2))
    mirror = (mirror + 0.22 * np.clip(streaks - 1.1, 0, 2)) * (z > 1.5)
    shadow = np.ones((SAMPLES, LINES))
    for rib in _ribs(scan, rng, x, z, probe):
        level, mirror, shadow = _bone(rib, z, level, mirror, shadow, at)
    return _Scene(z, x, pleura, np.where(z < pleura, level, -60.0), np.where(z < pleura, mirror, 0.0), shadow)


def _ribs(scan: LungScan, rng: np.random.Generator, x: Field, z: Field, probe: Probe) -> list[tuple[Field, float]]:
    """Sideways distance from each rib of the picture, measured along its own beams, and its half width."""
    apart, half = (34.0, 7.5) if scan.probe == "convex" else (34.0, 6.5)
    middle = rng.uniform(-6, 6)
    row = int(0.7 * rng.uniform(18, 26) / probe.depth * SAMPLES)
    if scan.effusion:
        return [(x[row] + apart * 0.95 + middle, half)]
    return [(x[row] - middle + sign * apart / 2 + sign * 2, half) for sign in (-1.0, 1.0)]


def _bone(
    rib: tuple[Field, float], z: Field, level: Field, mirror: Field, shadow: Field, at: float
) -> tuple[Field, Field, Field]:
    aside, half = rib[0][None, :], rib[1]
    top = 0.55 * at + 0.28 * at * (np.abs(aside) / half) ** 2
    over = np.clip((half - np.abs(aside)) / 1.6 + 0.5, 0, 1)
    mirror = mirror + 1.1 * over * np.exp(-(((z - top) / 0.7) ** 2))
    below = over * np.clip((z - top - 0.6) / 1.2, 0, 1)
    return level, mirror, shadow * 10 ** (-(52.0 * below) / 20)


def _aerated(scan: LungScan, scene: _Scene) -> _Scene:
    """Air mirrors nearly everything: a bright line, its repeats (A-lines), or vertical artefacts (B-lines)."""
    rng = rng_for("lung air", scan.seed)
    z, pleura = scene.z, scene.pleura
    beneath = z - pleura
    broken = np.ones((1, LINES))
    if scan.irregular:
        gaps = smooth_field(rng, (1, LINES), 14.0)
        broken = np.clip(0.75 + 0.6 * gaps, 0.05, 1.0)
    thick = scan.pleura_thickness / 2
    mirror = scene.mirror + 2.0 * broken * np.exp(-((beneath / thick) ** 2))
    cloud = smooth_field(rng, (SAMPLES, LINES), 40.0)
    rays = ndimage.gaussian_filter(rng.standard_normal((SAMPLES, LINES)), (60.0, 3.0))
    fall = 0.1 if scan.probe == "convex" else 0.24
    lung = -26.0 - fall * beneath + 1.6 * cloud + 2.0 * rays / rays.std()
    level = np.where(beneath > 0, lung, scene.level)
    bright, erased = _b_lines(scan, scene, rng)
    if scan.a_lines:
        for order in (2, 3, 4, 5):
            strength = 0.4 * 0.5 ** (order - 2) * (1 - erased)
            spread = 0.45 + 0.12 * order
            mirror = mirror + strength * np.exp(-(((z - order * pleura) / spread) ** 2))
    level = np.where(beneath > 0, 20 * np.log10(10 ** (level / 20) + bright), level)
    return _Scene(z, scene.x, pleura, level, mirror, scene.shadow)


def _b_lines(scan: LungScan, scene: _Scene, rng: np.random.Generator) -> tuple[Field, Field]:
    bright, erased = np.zeros((SAMPLES, LINES)), np.zeros((SAMPLES, LINES))
    if not scan.b_lines:
        return bright, erased
    lines = np.arange(LINES)[None, :]
    beneath = np.clip(scene.z - scene.pleura, 0, None)
    room = np.linspace(0.33, 0.67, scan.b_lines) if scan.b_lines > 1 else np.array([0.5])
    for place in room:
        centre = (place + rng.normal(0, 0.02)) * LINES
        width = rng.uniform(2.2, 4.5) * (1.7 if scan.b_lines >= 8 else 1.0) * (1 + 0.004 * beneath)
        comb = 0.75 + 0.25 * np.sin(beneath * rng.uniform(1.6, 2.4) + rng.uniform(0, 6))
        ray = np.exp(-(((lines - centre) / width) ** 2))
        strength = 10 ** (rng.uniform(-15, -8) / 20)
        bright = np.maximum(bright, strength * ray * comb * 10 ** (0.055 * beneath / 20))
        erased = np.maximum(erased, np.clip(1.6 * np.exp(-(((lines - centre) / (2.4 * width)) ** 2)), 0, 1))
    return bright, erased


def _pleural_space(scan: LungScan, scene: _Scene) -> _Scene:
    """Fluid beneath the wall, collapsed lung afloat on one side, diaphragm and liver or spleen on the other."""
    rng = rng_for("pleural fluid", scan.seed)
    z, x = scene.z, np.asarray(scene.x)
    beneath = z - scene.pleura
    wavy = smooth_field(rng, (SAMPLES, LINES), 70.0)
    start = scene.pleura + 1.0
    left = x + 0.32 * (z - start) + rng.uniform(6, 12) + 2.4 * wavy
    lung = start + scan.effusion * np.clip(1.0 - (-left - 0) / 55.0, 0.12, 1.0) + 2.0 * wavy
    dome = x - (46.0 - 0.018 * (z - start - 24.0) ** 2 * 0.9 - 0.1 * z) + 1.6 * wavy + (30.0 - scan.effusion) * 0.25
    level = np.where(beneath > 0, -66.0 + 3.0 * np.exp(-beneath / 8.0), scene.level)
    mirror = scene.mirror + 1.0 * np.exp(-((beneath / 0.9) ** 2))
    deep = (z > lung) & (beneath > 0)
    tissue = -22.0 + 2.2 * fractal_field(rng, (SAMPLES, LINES), 22.0)
    beyond = z - lung
    level = np.where(deep, np.where(beyond < 16, tissue + 1.0, -24.0 - 0.12 * beyond), level)
    mirror = mirror + 0.9 * np.exp(-((beyond / 1.1) ** 2)) * (beneath > 2) * (0.1 + 0.9 * _facing(beyond, z, x))
    organ = (dome > 0) & (beneath > 0)
    level = np.where(organ, tissue - 2.0 - 4.0 * _vessel_holes(rng), level)
    mirror = np.where(organ, 0.0, mirror)
    mirror = mirror + 1.7 * np.exp(-((dome / 1.4) ** 2)) * (beneath > 1) * (0.12 + 0.88 * _facing(dome, z, x))
    if scan.septated:
        level, mirror = _septa(rng, level, mirror, (beneath > 2) & ~deep & ~organ)
    boost = np.where((beneath > 0) & ~organ, 3.0, 0.0)
    return _Scene(z, scene.x, scene.pleura, level + boost, mirror, scene.shadow)


def _vessel_holes(rng: np.random.Generator) -> Field:
    field = smooth_field(rng, (SAMPLES, LINES), 26.0)
    return smoothstep(field, 1.7, 2.1) * 3.0


def _septa(rng: np.random.Generator, level: Field, mirror: Field, fluid: NDArray[np.bool_]) -> tuple[Field, Field]:
    field = smooth_field(rng, (SAMPLES, LINES), 44.0)
    strand = np.exp(-((field / 0.07) ** 2)) * fluid
    return np.where(fluid, level + 12.0, level), mirror + 0.3 * strand


def _consolidated(scan: LungScan, scene: _Scene) -> _Scene:
    """Airless lung beneath the pleura, as echoic as liver, torn at its deep border, with bright air in bronchi."""
    rng = rng_for("consolidation", scan.seed)
    z, x = scene.z, np.asarray(scene.x)
    beneath = z - scene.pleura
    torn = fractal_field(rng, (SAMPLES, LINES), 18.0)
    wide = 26.0 + 0.5 * scan.consolidation if scan.probe == "convex" else 11.0 + 0.25 * scan.consolidation
    aside = (x - rng.uniform(-4, 4)) / wide
    floor = scan.consolidation * np.clip(1 - np.abs(aside) ** 2.4, 0, 1) + 0.13 * scan.consolidation * torn
    floor = np.where(np.abs(aside) < 1, floor, -5.0)
    share = np.clip((floor - beneath) / 1.2 + 0.5, 0, 1) * (beneath > 0.4)
    tissue = -24.0 + 2.0 * fractal_field(rng, (SAMPLES, LINES), 14.0)
    level = scene.level * (1 - share) + tissue * share
    mirror = scene.mirror * (1 - 0.9 * share)
    rim = np.exp(-(((beneath - floor) / 0.9) ** 2)) * (np.abs(aside) < 0.98) * (beneath > 2)
    mirror = mirror + 0.9 * rim * np.clip(0.6 + 0.7 * torn, 0, 1.5)
    trail = np.clip(beneath - floor, 0, None)
    glow = (np.abs(aside) < 0.95) * (trail > 0) * 10 ** ((-16.0 - 0.22 * trail + 2.5 * torn) / 20)
    level = 20 * np.log10(10 ** (level / 20) + glow)
    if scan.air_bronchograms:
        field = smooth_field(rng, (SAMPLES, LINES), 20.0)
        dots = smoothstep(smooth_field(rng, (SAMPLES, LINES), 7.0), 0.9, 1.6)
        branches = np.exp(-((field / 0.14) ** 2)) * dots
        mirror = mirror + 1.5 * branches * share * smoothstep(floor - beneath, 1.0, 5.0)
    return _Scene(z, scene.x, scene.pleura, level, mirror, scene.shadow)
