"""Head CT slices: lesions in a bent brain, reconstruction noise, and the window a reader uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from corpora.teaching import brain
from corpora.teaching.brain import HU, Head, Slice
from corpora.teaching.case import rng_for
from corpora.teaching.noise import fractal_field, smooth_field, smoothstep

__all__ = ["HeadScan", "Side", "draw", "hounsfield"]

Field = NDArray[np.float64]
Side = Literal["right", "left"]
Lesion = Literal[
    "epidural hematoma", "subdural hematoma", "intracerebral hemorrhage", "cerebral infarction", "brain tumor"
]


@dataclass(frozen=True, slots=True)
class HeadScan:
    """Parameters of one slice; `seed` fixes the head. `size` is the lesion's thickness or diameter in mm.

    `density` (HU) overrides that of blood, as in an old subdural hematoma; `territory` is that of an
    infarct; `ventricles` and `sulci` widen the fluid spaces; `frontal` says where a tumor sits.
    """

    seed: int
    age: int = 50
    lesion: Lesion | None = None
    side: Side = "right"
    size: float = 20.0
    density: float | None = None
    territory: Literal["MCA", "PCA", "ACA"] = "MCA"
    subarachnoid: float = 0.0
    ventricles: float = 1.0
    sulci: float = 1.0
    intraventricular: bool = False
    frontal: bool = False


def hounsfield(scan: HeadScan) -> Field:
    """The slice in Hounsfield units, float64, (400, 400), without noise."""
    head = Head.build(rng_for("head", scan.seed), age=scan.age, ventricles=scan.ventricles, sulci=scan.sulci)
    x, y = brain.plane(head)
    sign = 1.0 if scan.side == "left" else -1.0
    rng = rng_for("lesion", scan.seed, scan.lesion or "none")
    inner = brain.skull_distance(head, x, y)
    gap = _gap(scan, head, rng, x, y, inner, sign)
    bent_x, bent_y, place = _bent(scan, head, rng, x, y, sign, gap, inner)
    picture = brain.anatomy(head, rng_for("gyri", scan.seed), bent_x, bent_y, gap)
    hu = _subarachnoid(scan, picture)
    if scan.lesion in ("epidural hematoma", "subdural hematoma"):
        hu = _extra_axial(scan, rng, hu, picture, gap)
    elif scan.lesion is not None and place is not None:
        hu = _intra_axial(scan, rng, hu, picture, x, y, place, sign)
    return hu


def draw(scan: HeadScan) -> NDArray[np.uint8]:
    """The slice in the brain window (level 40, width 80), uint8, (400, 400)."""
    rng = rng_for("scanner", scan.seed)
    hu = ndimage.gaussian_filter(hounsfield(scan), 0.75)
    grain = ndimage.gaussian_filter(rng.standard_normal(hu.shape), 0.75)
    grain -= ndimage.gaussian_filter(grain, 4.0)
    hu = hu + rng.uniform(2.6, 4.2) * grain / grain.std()
    return np.asarray(np.rint(np.clip(hu / 80.0, 0, 1) * 255), dtype=np.uint8)


def _gap(scan: HeadScan, head: Head, rng: np.random.Generator, x: Field, y: Field, inner: Field, sign: float) -> Field:
    """Millimetres between skull and brain that a hematoma outside the brain takes."""
    none = np.zeros_like(inner)
    if scan.lesion == "epidural hematoma":
        angle = rng.uniform(-0.35, 0.45)
        cx, cy = sign * head.half_width * np.cos(angle), head.half_length * np.sin(angle)
        along = np.hypot(x - cx, y - cy)
        half = 1.25 * scan.size + 14.0
        return np.asarray(scan.size * np.clip(1 - (along / half) ** 2, 0.0, 1.0))
    if scan.lesion == "subdural hematoma":
        down = y / head.half_length
        profile = np.clip(1 - np.abs(down - rng.uniform(-0.1, 0.1)) ** 2.6 / 0.86, 0.0, 1.0) ** 0.7
        wavy = 1 + 0.08 * smooth_field(rng, inner.shape, 40.0)
        return np.asarray(scan.size * profile * wavy * smoothstep(sign * x, 4.0, 22.0))
    return none


def _bent(
    scan: HeadScan,
    head: Head,
    rng: np.random.Generator,
    x: Field,
    y: Field,
    sign: float,
    gap: Field,
    inner: Field,
) -> tuple[Field, Field, tuple[float, float] | None]:
    """The coordinates in which the brain is drawn, pushed away from a lesion, and the lesion's centre."""
    if scan.lesion in ("epidural hematoma", "subdural hematoma"):
        push = 0.75 * float(gap.max()) * (0.8 if scan.lesion == "epidural hematoma" else 1.0)
        reach = np.exp(-(((sign * x - 0.5 * head.half_width) / (0.75 * head.half_width)) ** 2))
        middle = np.exp(-((y / (0.75 * head.half_length)) ** 2)) * smoothstep(inner, 0.0, 14.0)
        return x + sign * push * reach * middle, y, None
    if scan.lesion is None:
        return x, y, None
    place = {
        "intracerebral hemorrhage": (sign * rng.uniform(24, 29), rng.uniform(-8, 6)),
        "brain tumor": (sign * rng.uniform(26, 34), (-36.0 if scan.frontal else 26.0) + rng.uniform(-4, 4)),
        "cerebral infarction": (sign * 44.0, 0.0),
    }[scan.lesion]
    if scan.lesion == "cerebral infarction":
        return x, y, place
    dx, dy = x - place[0], y - place[1]
    far, radius = np.hypot(dx, dy) + 1e-6, 0.55 * scan.size / 2
    pushed = np.sqrt(np.maximum(far**2 - radius**2, 0.0)) / far
    fade = np.exp(-((far / 62.0) ** 2)) * smoothstep(inner, 0.0, 12.0)
    shrink = 1 - (1 - pushed) * fade
    midline = 0.1 * scan.size * np.exp(-((y - place[1]) ** 2) / 2600.0) * smoothstep(inner, 0.0, 18.0)
    return place[0] + dx * shrink + sign * midline, place[1] + dy * shrink, place


def _subarachnoid(scan: HeadScan, picture: Slice) -> Field:
    """Fresh blood in the clefts between the gyri and the fissures instead of clear fluid."""
    if not scan.subarachnoid:
        return picture.hu
    deep = np.clip((picture.from_skull - 1.0) / 2.0, 0, 1)
    soaked = ndimage.gaussian_filter(np.clip(picture.fluid * deep, 0, 1), 1.1)
    share = np.clip(2.2 * scan.subarachnoid * soaked, 0, 0.95) * (picture.from_skull > 0.6) * (picture.hu < 200)
    return np.asarray(picture.hu + (62.0 - picture.hu) * share)


def _extra_axial(scan: HeadScan, rng: np.random.Generator, hu: Field, picture: Slice, gap: Field) -> Field:
    share = np.clip((gap - picture.from_skull) / 0.8 + 0.2, 0, 1) * (picture.from_skull > 0) * (gap > 1.2)
    density = HU["blood"] if scan.density is None else scan.density
    clot = density + 2.5 * fractal_field(rng, hu.shape, 16.0)
    if scan.lesion == "epidural hematoma":
        clot = clot - 9.0 * smoothstep(smooth_field(rng, hu.shape, 18.0), 1.0, 1.8)
    return np.asarray(hu + (clot - hu) * share)


def _intra_axial(
    scan: HeadScan,
    rng: np.random.Generator,
    hu: Field,
    picture: Slice,
    x: Field,
    y: Field,
    place: tuple[float, float],
    sign: float,
) -> Field:
    if scan.lesion == "cerebral infarction":
        return _infarct(scan, rng, hu, picture, x, y, sign)
    angle = np.arctan2(y - place[1], x - place[0])
    waves = (0.09 / k**0.5 * rng.normal() * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 4, 6))
    radius = scan.size / 2 * (1.0 + sum(waves))
    far = np.hypot((x - place[0]) * 1.12, (y - place[1]) * 0.9) - radius
    inside = np.clip(-far / 1.2 + 0.5, 0, 1) * (picture.from_skull > 2)
    spread = (6.0 if scan.lesion == "intracerebral hemorrhage" else 19.0) + 5.0 * fractal_field(rng, hu.shape, 26.0)
    swollen = np.clip((spread - far) / 5.0, 0, 1) * picture.white * (sign * x > 1)
    if scan.lesion == "intracerebral hemorrhage":
        swollen = np.maximum(swollen, np.clip((4.0 - far) / 2.0, 0, 1) * picture.brain)
    hu = hu + (HU["edema"] - hu) * 0.85 * swollen * (1 - picture.ventricle)
    core = HU["blood"] + 2.5 * fractal_field(rng, hu.shape, 18.0)
    if scan.lesion == "brain tumor":
        rim = np.exp(-(((far + 2.4) / 2.4) ** 2))
        core = 26.0 + 22.0 * rim + 3.0 * fractal_field(rng, hu.shape, 12.0)
    hu = hu + (core - hu) * inside
    if scan.intraventricular:
        level = smoothstep(y, -30.0, 24.0) * 0.5 + 0.5 * (sign * x > -3)
        hu = hu + (62.0 - hu) * picture.ventricle * np.clip(level, 0, 1) * 0.92
    return np.asarray(hu)


def _infarct(
    scan: HeadScan, rng: np.random.Generator, hu: Field, picture: Slice, x: Field, y: Field, sign: float
) -> Field:
    """A wedge of the artery's territory: grey and white matter alike dark, to the surface."""
    angle = np.degrees(np.arctan2(y, sign * x))
    start, end, deep = {"MCA": (-44.0, 40.0, 21.0), "PCA": (50.0, 84.0, 12.0), "ACA": (-86.0, -58.0, 14.0)}[
        scan.territory
    ]
    middle, half = (start + end) / 2, (end - start) / 2 * np.clip(scan.size / 50.0, 0.35, 1.0)
    wavy = 3.0 * fractal_field(rng, hu.shape, 24.0)
    share = np.clip((half - np.abs(angle - middle) + wavy) / 5.0, 0, 1)
    share = share * np.clip((np.hypot(x, y) - deep + wavy) / 3.0, 0, 1) * (sign * x > 1.0) * picture.brain
    target = 16.5 if scan.density is None else scan.density
    return np.asarray(hu + (target + 0.12 * (hu - 30.0) - hu) * 0.92 * share * (1 - picture.ventricle))
