"""Chest radiographs, simulated as a film comes about: rays through a thorax, scatter, noise, display.

Beer and Lambert: each ray keeps exp(-Σ μ·d) of its quanta. Path lengths come from `thorax` (air),
`skeleton` (bone), `lung_vessels` and `chest_findings`; attenuation is that of about 70 keV.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from corpora.teaching import chest_findings as findings
from corpora.teaching.case import rng_for
from corpora.teaching.chest_devices import airways, devices, marker
from corpora.teaching.chest_patient import Chest, anatomy
from corpora.teaching.lung_vessels import vessels
from corpora.teaching.noise import broad_blur, smoothstep
from corpora.teaching.skeleton import Fracture, bones
from corpora.teaching.thorax import Thorax, air_path, body_thickness, grid

__all__ = ["PIXELS", "draw"]

Field = NDArray[np.float64]

PIXELS = 512
SOFT, BONE, METAL = 0.0185, 0.043, 0.30
"""Attenuation per millimetre: soft tissue; compact bone and metal, each beyond the soft tissue displaced."""


def draw(chest: Chest) -> NDArray[np.uint8]:
    """The radiograph, uint8, (512, 512), bones bright; the same for the same parameters."""
    thorax = anatomy(chest)
    quanta = _detected(_attenuation(chest, thorax))
    return _display(quanta, chest, thorax)


def _attenuation(chest: Chest, thorax: Thorax) -> Field:
    """-ln of the share of quanta that pass, (n, n)."""
    coarse = PIXELS // 2
    texture = rng_for("lung", chest.seed)
    density = findings.lung_density(chest, thorax, coarse, texture)
    air = ndimage.zoom(air_path(thorax, coarse, density), 2, order=1, grid_mode=True, mode="nearest")
    whole = ndimage.gaussian_filter(air, 1.0)
    aerated = smoothstep(whole, 15.0, 60.0)
    x, z = grid(PIXELS)
    if chest.pneumothorax:
        inside = thorax.wall(x, 0.0, z) - findings.collapse_gap(chest, thorax, x, z)
        aerated = aerated * np.clip(inside / 3.0, 0.0, 1.0)
    tissue = body_thickness(thorax, PIXELS) - whole
    tissue += vessels(thorax, PIXELS, rng_for("vessels", chest.seed), aerated, chest.edema) * 1.25
    tissue += findings.interstitial_lines(chest, thorax, PIXELS, rng_for("kerley", chest.seed))
    tissue += findings.lesions(chest, thorax, PIXELS, rng_for("nodule", chest.seed)) * smoothstep(whole, 5.0, 40.0)
    tissue += findings.pleural_line(chest, thorax, PIXELS)
    tissue -= 0.8 * airways(thorax, PIXELS, rng_for("airways", chest.seed))
    tissue -= _abdominal_gas(chest, thorax)
    tissue = np.maximum(tissue, 0.0)
    bone = bones(thorax, PIXELS, rng_for("bones", chest.seed), _fractures(chest)) * (tissue > 3)
    bone = bone * (1 - 0.004 * max(chest.age - 60, 0)) * (0.88 if chest.sex == "female" else 1.0)
    metal = devices(chest, thorax, PIXELS, rng_for("devices", chest.seed))
    return _positioned(SOFT * tissue + BONE * bone + METAL * metal, rng_for("position", chest.seed, chest.view))


def _positioned(picture: Field, rng: np.random.Generator) -> Field:
    """The patient never stands quite straight: a small turn, shift and change of scale about the centre."""
    turn, scale = rng.normal(0, 0.018), rng.uniform(0.93, 1.04)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) * scale
    middle = np.array([PIXELS * 0.5, PIXELS * 0.5])
    offset = middle - np.array([(matrix[i] * middle).sum() for i in range(2)]) + rng.normal(0, 6, 2)
    return np.asarray(ndimage.affine_transform(picture, matrix, offset, order=1, mode="nearest"))


def _fractures(chest: Chest) -> tuple[Fracture, ...]:
    at = rng_for("fracture", chest.seed)
    return tuple(
        Fracture(chest.fracture_side, rib, float(at.uniform(0.36, 0.46)), float(at.uniform(5, 8)))
        for rib in chest.fractured_ribs
    )


def _abdominal_gas(chest: Chest, thorax: Thorax) -> Field:
    rng = rng_for("gas", chest.seed)
    x, z = grid(PIXELS)
    left = thorax.dome_left + 12.0
    cx, level = 0.4 * thorax.half_width + rng.uniform(-10, 14), left + rng.uniform(10, 26)
    wide, tall = rng.uniform(15, 30), rng.uniform(12, 22)
    q = ((x - cx) / wide) ** 2 + ((z - level) / tall) ** 2
    bubble = np.sqrt(np.clip(1 - q, 0, 1)) * np.clip((level + 0.55 * tall - z) / 2.5, 0, 1)
    gas = 1.2 * tall * bubble * (0.7 if chest.view == "PA" else 0.3)
    for _ in range(int(rng.integers(2, 6))):
        bx, bz = rng.uniform(0.1, 0.9) * thorax.half_width, rng.uniform(left + 42, left + 90)
        q = ((x - bx) / rng.uniform(8, 22)) ** 2 + ((z - bz) / rng.uniform(6, 14)) ** 2
        gas += 9.0 * np.clip(1 - q, 0, 1)
    if chest.free_air:
        gas += _crescents(thorax)
    return np.asarray(gas)


def _crescents(thorax: Thorax) -> Field:
    """Free air between liver or stomach and the diaphragm of an upright patient."""
    x, z = grid(PIXELS)
    below = -thorax.above_dome(x, 12.0, z)
    rim = np.clip((below - 3.0) / 1.2, 0, 1)
    centre = np.where(x < 0, -0.42, 0.46) * thorax.half_width
    deep = np.where(x < 0, 11.0, 6.0) * np.clip(1 - ((x - centre) / (0.4 * thorax.half_width)) ** 2, 0, 1)
    return np.asarray(46.0 * rim * np.clip((3.0 + deep - below) / 1.2, 0, 1) * (deep > 0.5))


def _detected(attenuation: Field) -> Field:
    """Quanta at the detector relative to the open beam: primary, and scatter that thick parts spread."""
    primary = np.exp(-attenuation)
    scatter = broad_blur(primary, 46.0)
    return np.asarray(ndimage.gaussian_filter(primary, 0.55) + 0.3 * scatter)


def _display(quanta: Field, chest: Chest, thorax: Thorax) -> NDArray[np.uint8]:
    rng = rng_for("detector", chest.seed, chest.view)
    exposure = 60_000.0 if chest.view == "PA" else 30_000.0
    grain = ndimage.gaussian_filter(rng.standard_normal(quanta.shape), 0.6) * 2.0
    signal = np.maximum(quanta + grain * np.sqrt(quanta / exposure), 1e-4)
    film = -np.log(signal)
    broad = broad_blur(film, 42.0)
    fine = film - ndimage.gaussian_filter(film, 3.0)
    even = film - rng.uniform(0.22, 0.38) * (broad - broad.mean()) + rng.uniform(0.5, 0.9) * fine
    x, z = grid(PIXELS)
    chestward = (np.abs(x) < thorax.half_width) & (z > thorax.apex) & (z < thorax.apex + thorax.height)
    low, high = np.percentile(even[chestward], (1.0, 99.0))
    low, high = low - 0.14 * (high - low), high + rng.uniform(0.02, 0.14) * (high - low)
    grey = np.clip((even - low) / (high - low), 0.0, 1.08)
    grey = 0.03 + 0.92 * grey ** rng.uniform(1.05, 1.35)
    grey = np.maximum(grey, 0.97 * marker(PIXELS, rng_for("marker", chest.seed)))
    return np.asarray(np.rint(np.clip(grey, 0.0, 1.0) * 255), dtype=np.uint8)
