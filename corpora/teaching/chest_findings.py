"""Disease inside the lungs, as densities in space: fluid, collapse, consolidation, congestion, lesions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from corpora.teaching.chest_patient import Chest, Lobe, Nodule
from corpora.teaching.deposits import Cloud, join, project
from corpora.teaching.noise import fractal_field, smoothstep
from corpora.teaching.thorax import Density, Thorax, grid

__all__ = ["collapse_gap", "interstitial_lines", "lesions", "lung_density", "pleural_line"]

Field = NDArray[np.float64]

LOBES: dict[Lobe, tuple[float, float, float, float, float, float]] = {
    "right upper lobe": (-0.5, 0.2, 10.0, 0.52, 0.3, 75.0),
    "right middle lobe": (-0.36, 0.66, 45.0, 0.42, 0.17, 42.0),
    "right lower lobe": (-0.56, 0.72, -42.0, 0.42, 0.25, 55.0),
    "left upper lobe": (0.5, 0.24, 15.0, 0.48, 0.26, 70.0),
    "lingula": (0.5, 0.66, 45.0, 0.38, 0.17, 40.0),
    "left lower lobe": (0.56, 0.74, -42.0, 0.42, 0.25, 55.0),
}
"""Centre (share of half width, share of height, depth in mm) and radii in the same units."""
LUNG = 0.24
"""Density of aerated lung relative to soft tissue."""


def lung_density(chest: Chest, thorax: Thorax, pixels: int, rng: np.random.Generator) -> Density:
    """The density of the lungs at a coronal slice, as `air_path` asks for it."""
    x, z = grid(pixels)
    patchy = fractal_field(rng, (pixels, pixels), 0.055 * pixels, 4)
    right = x < 0
    amount = np.where(right, chest.effusion_right, chest.effusion_left)
    base = LUNG * (1 - 0.22 * max(chest.inflation, 0.0)) * (1 + 0.05 * patchy)
    gap = collapse_gap(chest, thorax, x, z)
    fluid = _fluid_thickness(thorax, amount, z) if chest.view == "PA" else None
    congestion = _congestion(chest, thorax, x, z, patchy)

    def density(x: Field, y: float, z: Field, wall: Field, dome: Field) -> Field:
        rho = base + congestion
        for lobe in chest.consolidation:
            rho = rho + (0.93 - rho) * _consolidated(thorax, lobe, x, y, z, patchy)
        if chest.atelectasis:
            rho = rho + (0.95 - rho) * _collapsed_lobe(chest, thorax, x, y, z)
        if chest.pneumothorax:
            rho = np.where(wall < gap, 0.0, rho * (1 + 0.012 * gap))
        if amount.any():
            if fluid is not None:
                wet = np.clip((fluid - np.minimum(wall, 1.6 * dome)) / 3.0 + 0.5, 0, 1) * (amount > 0)
            else:
                wet = np.clip(
                    (-thorax.half_depth + 150.0 * amount * smoothstep(z, thorax.apex, thorax.hilum + 50.0) - y) / 4.0,
                    0,
                    1,
                )
            rho = rho + (1.0 - rho) * wet
        return rho

    return density


def _fluid_thickness(thorax: Thorax, amount: Field, z: Field) -> Field:
    """How thick fluid lies against the chest wall of an upright patient: the meniscus."""
    foot = np.where(amount > 0, thorax.apex + thorax.height - 4.0, 0.0)
    rise = 44.0 + 150.0 * amount
    share = np.clip((z - foot + rise) / rise, 0.0, 1.0)
    return np.asarray(130.0 * (0.4 + 0.6 * amount) * share ** (2.1 - 0.8 * amount))


def collapse_gap(chest: Chest, thorax: Thorax, x: Field, z: Field) -> Field:
    """Millimetres of free air between chest wall and collapsed lung."""
    sided = (x < 0) == (chest.pneumothorax == "right")
    level = np.clip((z - thorax.apex) / thorax.height, 0.0, 1.0)
    size = chest.pneumothorax_size * (0.42 + 0.58 * (1 - level) ** 1.4)
    return np.where(sided & (chest.pneumothorax is not None), size, 0.0)


def pleural_line(chest: Chest, thorax: Thorax, pixels: int) -> Field:
    """Millimetres of visceral pleura met on edge at the border of a collapsed lung, (n, n)."""
    x, z = grid(pixels)
    if chest.pneumothorax is None:
        return np.zeros((pixels, pixels))
    gap = collapse_gap(chest, thorax, x, z)
    inner = thorax.wall(x, 0.0, z) - gap
    slope = np.hypot(*np.gradient(inner)) * pixels / 400.0 + 1e-6
    line = np.exp(-((inner / np.maximum(slope, 0.6) / 0.75) ** 2)) * (gap > 0)
    lung = (thorax.beside_mediastinum(x, 0.0, z) > 0) & (thorax.above_dome(x, 0.0, z) > 0)
    return np.asarray(5.0 * line * lung)


def _consolidated(thorax: Thorax, lobe: Lobe, x: Field, y: float, z: Field, patchy: Field) -> Field:
    cx, cz, cy, rx, rz, ry = LOBES[lobe]
    u = (x - cx * thorax.half_width) / (rx * thorax.half_width)
    w = (z - thorax.apex - cz * thorax.height) / (rz * thorax.height)
    q = np.sqrt(u**2 + w**2 + ((y - cy) / ry) ** 2)
    share = np.clip((1.12 - q + 0.16 * patchy) / 0.34, 0.0, 1.0)
    fissure = thorax.apex + 0.45 * thorax.height + 0.06 * (x + 40.0)
    if lobe == "right upper lobe":
        share = share * np.clip((fissure - z) / 2.0, 0.0, 1.0)
    if lobe == "right middle lobe":
        share = share * np.clip((z - fissure) / 2.0, 0.0, 1.0)
    return np.asarray(share * np.clip(np.sign(cx) * x / 2.0, 0.0, 1.0))


def _collapsed_lobe(chest: Chest, thorax: Thorax, x: Field, y: float, z: Field) -> Field:
    """A lower lobe collapsed against the spine: a wedge behind the heart."""
    sign = 1.0 if chest.atelectasis == "left" else -1.0
    down = (z - thorax.hilum) / (thorax.apex + thorax.height - thorax.hilum)
    edge = (16.0 + 60.0 * np.clip(down, 0, 1.4) ** 1.35 - 0.2 * (y + 40.0)) - sign * (x - thorax.shift)
    return np.asarray(np.clip(edge / 7.0, 0, 1) * (sign * x > 0) * (y < 5) * np.clip(down * 20, 0, 1))


def _congestion(chest: Chest, thorax: Thorax, x: Field, z: Field, patchy: Field) -> Field:
    if not chest.edema:
        return np.zeros_like(patchy)
    aside = (np.abs(x) - 52.0) / 44.0
    wing = np.exp(-(aside**2) - ((z - thorax.hilum - 26.0) / 62.0) ** 2)
    low = smoothstep(z, thorax.hilum - 30.0, thorax.hilum + 110.0)
    return np.asarray(chest.edema * (wing * np.clip(0.42 + 0.13 * patchy, 0, 0.7) + 0.1 * low + 0.04))


def interstitial_lines(chest: Chest, thorax: Thorax, pixels: int, rng: np.random.Generator) -> Field:
    """Kerley B lines: short, level, at the lung's lower rim; millimetres of tissue, (n, n)."""
    count = int(26 * chest.edema)
    clouds = []
    for sign in (-1.0, 1.0):
        for _ in range(count):
            z = thorax.apex + thorax.height * rng.uniform(0.55, 0.88)
            outer = float(thorax.width_at(np.array(z))) - rng.uniform(1, 3)
            x = sign * np.linspace(outer - rng.uniform(9, 17), outer, 40)
            line = z + np.linspace(0, rng.normal(0, 2), 40)
            clouds.append(Cloud(x, line, np.full(40, 1.6 * 15 / 40)))
    return project(join(clouds), pixels, blur=0.6)


def lesions(chest: Chest, thorax: Thorax, pixels: int, rng: np.random.Generator) -> Field:
    """Nodules and masses: millimetres of tissue that replace lung, (n, n)."""
    total = np.zeros((pixels, pixels))
    for nodule in chest.nodules:
        total += _lesion(nodule, thorax, pixels, rng)
    return total


def _lesion(nodule: Nodule, thorax: Thorax, pixels: int, rng: np.random.Generator) -> Field:
    x, z = grid(pixels)
    level = thorax.apex + nodule.down * thorax.height
    sign = 1.0 if nodule.side == "left" else -1.0
    u, w = x - sign * nodule.across * float(thorax.width_at(np.array(level))), z - level
    angle, radius = np.arctan2(w, u), nodule.size / 2
    outline = 1 + sum(0.05 * rng.normal() * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 4, 5))
    far = np.hypot(u, w) / (radius * outline)
    chord = 2 * radius * np.sqrt(np.clip(1 - far**2, 0, 1))
    if nodule.spiculated:
        rays = sum(np.clip(np.cos(k * angle + rng.uniform(0, 6)), 0, 1) ** 14 for k in (5, 7, 9))
        chord = chord + 0.3 * radius * rays * np.exp(-(((far - 1) / 0.45) ** 2))
    return np.asarray(chord * (1 - LUNG))
