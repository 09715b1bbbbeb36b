"""Skin lesions as wholes: which structures a nevus, a melanoma or a carcinoma is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from corpora.teaching import skin_structures as lay
from corpora.teaching.case import rng_for
from corpora.teaching.skin import Skin, develop, new_skin, outline
from corpora.teaching.texture import fractal_field, smooth_field, smoothstep

__all__ = ["LESIONS", "Growing", "draw_lesion"]


@dataclass(frozen=True, slots=True)
class Growing:
    """One lesion and how it is photographed.

    `size` is the radius in pixels (33 a millimetre); `parts` name the structures it shows;
    `shade` scales its pigment; `corners`, `hairs`, `bubbles` belong to the instrument and the skin around.
    """

    kind: str
    seed: str
    size: float = 105.0
    parts: frozenset[str] = field(default_factory=frozenset)
    shade: float = 1.0
    corners: float = 0.0
    hairs: int = 0
    bubbles: int = 0


def draw_lesion(lesion: Growing) -> NDArray[np.uint8]:
    """The dermoscopic picture, `(400, 400, 3)`."""
    skin, rng = new_skin(lesion.seed), rng_for("lesion", lesion.seed)
    place = 200 + rng.uniform(-18, 18, 2)
    LESIONS[lesion.kind](skin, rng, lesion, float(place[0]), float(place[1]))
    return develop(skin, corners=lesion.corners, hairs=lesion.hairs, bubbles=lesion.bubbles)


def _nevus(skin: Skin, rng: np.random.Generator, lesion: Growing, x: float, y: float) -> None:
    atypical = "atypical network" in lesion.parts
    shape = outline(rng, x, y, lesion.size, rough=0.09 if atypical else 0.035, lean=rng.uniform(0.03, 0.18), fray=0.06)
    body, middle = shape.inside(0.42), smoothstep(0.0, 0.7, shape.level)
    skin.melanin += lesion.shade * body * (0.36 + 0.36 * middle + 0.11 * fractal_field(rng, skin.shape, (18.0, 6.0)))
    if "homogeneous pattern" in lesion.parts:
        skin.melanin += lesion.shade * 0.55 * body
    if "pigment network" in lesion.parts:
        spacing = rng.uniform(9.0, 12.0)
        lay.network(skin, rng, shape.inside(0.3), spacing=spacing, jitter=0.20, width=1.5, strength=0.72 * lesion.shade)
    if atypical:
        lay.network(skin, rng, shape.inside(0.25), spacing=13.0, jitter=0.30, width=2.5, strength=1.0 * lesion.shade)
        lay.blotches(skin, rng, shape.inside(0.4), count=2, radius=(18, 30), strength=0.8)
    if "globules" in lesion.parts:
        lay.globules(skin, rng, smoothstep(0.05, 0.5, shape.level), count=60, radius=(2.6, 5.0), strength=0.85)
    if "cobblestone pattern" in lesion.parts:
        lay.cobbles(skin, rng, shape.inside(0.2), spacing=14.0, strength=0.85 * lesion.shade)
    if "peripheral globules" in lesion.parts:
        ring = smoothstep(-0.02, 0.04, shape.level) * smoothstep(0.20, 0.12, shape.level)
        lay.globules(skin, rng, ring, count=70, radius=(2.8, 4.6), strength=1.3)
    skin.expose()


def _blue_nevus(skin: Skin, rng: np.random.Generator, lesion: Growing, x: float, y: float) -> None:
    shape = outline(rng, x, y, lesion.size, rough=0.03, lean=0.06, fray=0.02)
    skin.expose()
    tone = np.array((0.27, 0.29, 0.36)) * (1 + 0.10 * fractal_field(rng, skin.shape, (20.0, 5.0)))[..., None]
    body = shape.inside(0.45) * 0.88
    skin.image += body[..., None] * (tone - skin.image)


def _melanoma(skin: Skin, rng: np.random.Generator, lesion: Growing, x: float, y: float) -> None:
    shape = outline(rng, x, y, lesion.size, rough=0.17, lean=rng.uniform(0.05, 0.2), fray=0.07)
    body = shape.inside(0.24)
    patches = smooth_field(rng, skin.shape, 30.0)
    lopsided = (shape.level + 0.5 * np.cos(shape.angle() - rng.uniform(0, 6.28))) * 0.5
    tone = 0.85 + 0.42 * patches + 0.45 * lopsided + 0.12 * smooth_field(rng, skin.shape, 8.0)
    skin.melanin += lesion.shade * body * np.clip(tone, 0.22, 2.6)
    skin.blood += body * 0.30 * smoothstep(0.2, 1.4, smooth_field(rng, skin.shape, 36.0))
    turn = rng.uniform(0, 6.28)
    if "atypical network" in lesion.parts:
        part = smoothstep(-0.4, 0.5, np.cos(shape.angle() - turn))
        lay.network(skin, rng, body * part, spacing=14.0, jitter=0.32, width=2.9, strength=1.35 * lesion.shade)
    if "irregular blotches" in lesion.parts:
        lay.blotches(skin, rng, body, count=3, radius=(20, 36), strength=1.5)
    if "irregular dots and globules" in lesion.parts:
        lay.globules(skin, rng, body, count=55, radius=(1.4, 5.2), strength=1.6)
    if "streaks" in lesion.parts:
        lay.streaks(skin, rng, shape, start=turn + 1.6, sweep=1.9, count=24)
    skin.expose()
    where = body * smoothstep(0.05, 0.3, shape.level)
    if "regression structures" in lesion.parts:
        cx, cy = lay.scatter(rng, where, 1)[0]
        lay.regression(skin, rng, body, cx, cy, lesion.size * 0.36)
        near = np.exp(-((np.hypot(*_offset(skin, cx, cy)) / (lesion.size * 0.42)) ** 4)) * body
        lay.peppering(skin, rng, near, 130)
    if "blue-white veil" in lesion.parts:
        cx, cy = lay.scatter(rng, smoothstep(0.25, 0.5, shape.level), 1)[0]
        lay.blue_veil(skin, rng, body, cx, cy, lesion.size * 0.48)


def _offset(skin: Skin, x: float, y: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    py, px = np.mgrid[: skin.shape[0], : skin.shape[1]].astype(np.float64)
    return px - x, py - y


def _seborrheic(skin: Skin, rng: np.random.Generator, lesion: Growing, x: float, y: float) -> None:
    shape = outline(
        rng,
        x,
        y,
        lesion.size,
        rough=0.06,
        lean=rng.uniform(0.05, 0.18),
        fray=0.05 if "moth-eaten border" in lesion.parts else 0.02,
    )
    body = shape.inside(0.045)
    skin.melanin += (
        lesion.shade
        * body
        * np.clip(0.70 + 0.16 * smooth_field(rng, skin.shape, 22.0) + 0.13 * smooth_field(rng, skin.shape, 5.0), 0.2, 2)
    )
    if "moth-eaten border" in lesion.parts:
        bites = smoothstep(0.8, 1.3, smooth_field(rng, skin.shape, 11.0)) * smoothstep(0.25, 0.1, shape.level) * body
        skin.melanin *= 1 - 0.85 * bites
    if "fissures and ridges" in lesion.parts:
        lay.fissures(skin, rng, body, scale=6.0, strength=0.85 * lesion.shade)
    if "fingerprint-like structures" in lesion.parts:
        px, py = _offset(skin, x, y)
        wave = np.sin(0.85 * (px * 0.6 + py) + 2.2 * smooth_field(rng, skin.shape, 30.0))
        skin.melanin += 0.40 * lesion.shade * body * smoothstep(-0.2, 0.8, wave)
    skin.expose()
    inner = smoothstep(0.05, 0.2, shape.level)
    if "comedo-like openings" in lesion.parts:
        lay.comedo_openings(skin, rng, inner, 13)
    if "milia-like cysts" in lesion.parts:
        lay.milia_cysts(skin, rng, inner, 20)


def _basal_cell(skin: Skin, rng: np.random.Generator, lesion: Growing, x: float, y: float) -> None:
    shape = outline(rng, x, y, lesion.size, rough=0.08, lean=0.1, fray=0.03)
    body = shape.inside(0.4)
    skin.tone *= (1 + 0.03 * body)[..., None]
    skin.blood += 0.17 * body * (1 + 0.25 * smooth_field(rng, skin.shape, 20.0))
    if "arborizing vessels" in lesion.parts:
        lay.blood_vessels(skin, rng, shape, trunks=int(rng.integers(4, 7)), width=rng.uniform(2.0, 2.8))
    if "leaf-like areas" in lesion.parts:
        rim = smoothstep(0.0, 0.1, shape.level) * smoothstep(0.35, 0.2, shape.level)
        for cx, cy in lay.scatter(rng, rim, 3):
            for angle in np.arange(0, 2.2, 0.5):
                lay.blotches(
                    skin,
                    rng,
                    np.exp(-((np.hypot(*_offset(skin, cx + 12 * np.cos(angle), cy + 12 * np.sin(angle))) / 9) ** 2)),
                    count=1,
                    radius=(6, 9),
                    strength=1.1,
                )
    skin.expose()
    inner = smoothstep(0.1, 0.4, shape.level)
    if "blue-gray ovoid nests" in lesion.parts:
        lay.ovoid_nests(skin, rng, inner, int(rng.integers(5, 10)), (7, 17))
        lay.peppering(skin, rng, inner, 30)
    if "ulceration" in lesion.parts:
        cx, cy = lay.scatter(rng, smoothstep(0.4, 0.7, shape.level), 1)[0]
        lay.ulcer(skin, rng, cx, cy, lesion.size * rng.uniform(0.22, 0.34))


def _dermatofibroma(skin: Skin, rng: np.random.Generator, lesion: Growing, x: float, y: float) -> None:
    shape = outline(rng, x, y, lesion.size, rough=0.03, lean=0.06, fray=0.03)
    body, ring = shape.inside(0.5), shape.inside(0.4) * smoothstep(0.75, 0.35, shape.level)
    skin.melanin += lesion.shade * body * 0.34
    skin.blood += 0.20 * smoothstep(0.1, 0.7, shape.level)
    if "pigment network" in lesion.parts:
        lay.network(skin, rng, ring, spacing=9.5, jitter=0.20, width=1.3, strength=0.55 * lesion.shade)
    skin.expose()
    if "central white patch" in lesion.parts:
        lay.white_patch(skin, rng, x, y, lesion.size * 0.52)


def _vascular(skin: Skin, rng: np.random.Generator, lesion: Growing, x: float, y: float) -> None:
    dark = 0.9 if "dark lacunae" in lesion.parts else 0.35 * lesion.shade**3
    shape = outline(rng, x, y, lesion.size, rough=0.05, lean=0.08, fray=0.025)
    skin.blood += 0.22 * smoothstep(-0.3, 0.1, shape.level)
    lay.lacunae(skin, rng, shape.inside(0.10), spacing=rng.uniform(24, 34), dark=dark)
    skin.expose()
    if "whitish veil" in lesion.parts:
        veil = smoothstep(0.1, 1.4, smooth_field(rng, skin.shape, 13.0)) * shape.inside(0.2)
        skin.image += 0.55 * veil[..., None] * (np.array((0.80, 0.78, 0.84)) - skin.image)


def _actinic(skin: Skin, rng: np.random.Generator, lesion: Growing, x: float, y: float) -> None:
    shape = outline(rng, x, y, lesion.size * 1.15, rough=0.12, lean=0.1, fray=0.05)
    body = shape.inside(0.6)
    if "strawberry pattern" in lesion.parts:
        lay.strawberry(skin, rng, body, spacing=19.0)
    skin.blood += 0.16 * body
    skin.expose()
    if "scale" in lesion.parts:
        lay.scale(skin, rng, smoothstep(0.0, 0.4, shape.level), 55)


def _in_situ(skin: Skin, rng: np.random.Generator, lesion: Growing, x: float, y: float) -> None:
    shape = outline(rng, x, y, lesion.size, rough=0.09, lean=0.1, fray=0.04)
    skin.blood += 0.30 * shape.inside(0.3)
    if "glomerular vessels" in lesion.parts:
        clusters = smoothstep(-0.2, 0.7, smooth_field(rng, skin.shape, 20.0)) * shape.inside(0.2)
        lay.coiled_vessels(skin, rng, clusters, 110)
    skin.expose()
    if "scale" in lesion.parts:
        lay.scale(skin, rng, smoothstep(0.0, 0.4, shape.level), 60)


Painter = Callable[[Skin, np.random.Generator, Growing, float, float], None]
LESIONS: Mapping[str, Painter] = {
    "melanocytic nevus": _nevus,
    "blue nevus": _blue_nevus,
    "melanoma": _melanoma,
    "seborrheic keratosis": _seborrheic,
    "basal cell carcinoma": _basal_cell,
    "dermatofibroma": _dermatofibroma,
    "hemangioma": _vascular,
    "angiokeratoma": _vascular,
    "actinic keratosis": _actinic,
    "squamous cell carcinoma in situ": _in_situ,
}
