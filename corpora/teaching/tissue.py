"""What tissue is made of under the microscope: nuclei, cell sheets, collagen, glands, inflammatory cells.

Two fields hold the amounts of haematoxylin and eosin; 0.7 µm are one pixel, so a lymphocyte's nucleus is about
ten pixels wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from corpora.teaching.case import rng_for
from corpora.teaching.stain import between, stain
from corpora.teaching.texture import Field, Window, ellipse, fractal_field, lobed, smooth_field, smoothstep, to_pixels

__all__ = ["SIZE", "Slide", "develop", "inflame", "new_slide", "nuclei_along", "nucleus", "spread", "stroma"]

SIZE = 400


@dataclass(slots=True)
class Slide:
    """Stain amounts `(400, 400)` in the making; `grain` is the fine texture that chromatin is cut from."""

    seed: str
    hematoxylin: Field
    eosin: Field
    grain: Field
    shape: tuple[int, int] = (SIZE, SIZE)


def new_slide(seed: str) -> Slide:
    """An empty slide."""
    grain = fractal_field(rng_for("chromatin", seed), (SIZE, SIZE), (2.2, 1.0))
    return Slide(seed, np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE)), grain)


def develop(slide: Slide) -> NDArray[np.uint8]:
    """The section under the microscope, `(400, 400, 3)`; strength and balance of the stains vary from lab to lab."""
    rng = rng_for("laboratory", slide.seed)
    h_gain, e_gain = rng.uniform(0.88, 1.15), rng.uniform(0.82, 1.20)
    uneven = 1 + 0.05 * smooth_field(rng, slide.shape, 60.0)
    h = ndimage.gaussian_filter(np.clip(slide.hematoxylin, 0, None), 0.6) * h_gain * uneven + 0.012
    e = ndimage.gaussian_filter(np.clip(slide.eosin, 0, None), 0.6) * e_gain * uneven + 0.010
    image = stain(h, 0.86 * e, between(rng.uniform(0.35, 0.95)), white=(0.965, 0.955, 0.965))
    return to_pixels(image + 0.012 * ndimage.gaussian_filter(rng.standard_normal(image.shape), (0.5, 0.5, 0)))


def nucleus(
    slide: Slide,
    x: float,
    y: float,
    a: float,
    b: float,
    angle: float,
    *,
    dark: float = 0.8,
    coarse: float = 0.25,
    nucleolus: float = 0.0,
) -> None:
    """An oval nucleus with a darker membrane; `coarse` is how clumped its chromatin is."""
    window, mask, radius = ellipse(slide.shape, x, y, a, b, angle, edge=1.3)
    if not mask.size:
        return
    rim = np.exp(-(((radius - 0.88) / 0.14) ** 2))
    amount = dark * (0.78 + 0.30 * rim + coarse * slide.grain[window])
    if nucleolus:
        dy, dx = np.mgrid[window].astype(np.float64)
        core = np.exp(-(((dx - x - 0.2 * a) ** 2 + (dy - y) ** 2) / nucleolus**2))
        amount = amount + 0.55 * core
    slide.hematoxylin[window] += mask * (np.clip(amount, 0.1, 1.7) - slide.hematoxylin[window])
    slide.eosin[window] *= 1 - 0.45 * mask


def spread(
    rng: np.random.Generator, where: Field, gap: float, *, count: int = 100_000, tries: int = 9000
) -> list[tuple[float, float]]:
    """Random places where a mask is above a half, no two closer than `gap` pixels (dart throwing)."""
    found: list[tuple[float, float]] = []
    cells: dict[tuple[int, int], list[tuple[float, float]]] = {}
    h, w = where.shape
    spots = rng.uniform(0, 1, (tries, 2)) * (w - 1, h - 1)
    ok = where[spots[:, 1].astype(int), spots[:, 0].astype(int)] > 0.5
    for x, y in spots[ok].tolist():
        i, j = int(x // gap), int(y // gap)
        near = (p for di in (-1, 0, 1) for dj in (-1, 0, 1) for p in cells.get((i + di, j + dj), ()))
        if all((px - x) ** 2 + (py - y) ** 2 >= gap * gap for px, py in near):
            cells.setdefault((i, j), []).append((x, y))
            found.append((x, y))
            if len(found) >= count:
                break
    return found


def stroma(
    slide: Slide,
    rng: np.random.Generator,
    where: Field,
    *,
    density: float = 0.34,
    cells: float = 1.0,
    direction: float | None = None,
    gaps: float = 0.5,
) -> Field:
    """Loose to dense connective tissue: wavy collagen along a direction that drifts, spindle-shaped nuclei in it.

    Returns the direction (radians) at each pixel. `gaps` opens clear clefts between the bundles.
    """
    lean = rng.uniform(0, np.pi) if direction is None else direction
    angle: Field = lean + 0.28 * smooth_field(rng, slide.shape, 60.0)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    wave = 6.0 * smooth_field(rng, slide.shape, 13.0)
    across = -(x - 200) * np.sin(angle) + (y - 200) * np.cos(angle) + wave
    along = (x - 200) * np.cos(angle) + (y - 200) * np.sin(angle)
    noise = ndimage.gaussian_filter(rng.standard_normal((256, 512)), (1.3, 2.0), mode="wrap")
    noise /= noise.std()
    fibres = ndimage.map_coordinates(noise, [across * 0.62, along * 0.07], order=1, mode="grid-wrap")
    thick = np.clip(density * (1.0 + 0.38 * fibres + 0.15 * smooth_field(rng, slide.shape, 20.0)), 0.02, None)
    clefts = smoothstep(1.45 - gaps, 1.9 - gaps, -fibres) if gaps else 0.0
    slide.eosin += where * (thick * (1 - 0.85 * clefts) - slide.eosin)
    slide.hematoxylin += where * (0.04 * thick - slide.hematoxylin)
    for px, py in spread(rng, where, 13.0 / math.sqrt(max(cells, 0.05)), count=int(420 * cells)):
        tilt = float(angle[int(py), int(px)]) + rng.normal(0, 0.2)
        nucleus(slide, px, py, rng.uniform(6.0, 9.5), rng.uniform(1.5, 2.3), tilt, dark=rng.uniform(0.55, 0.8))
    return angle


def nuclei_along(
    slide: Slide,
    rng: np.random.Generator,
    region: Field,
    distance: Field,
    *,
    gap: float,
    size: tuple[float, float],
    unequal: float,
    dark: tuple[float, float],
    depth: tuple[float, float] = (0.0, 1e9),
    mitoses: int = 0,
) -> list[tuple[float, float]]:
    """Epithelial nuclei in `region`, upright on the basement membrane from which `distance` is measured.

    `size` is their half-axes, `unequal` how far size, tint and tilt vary (0 alike, 1 wild); `depth` limits how
    far from the membrane they lie. Some become mitoses: clumped chromatin without a membrane.
    """
    smooth = ndimage.gaussian_filter(distance, 2.0)
    gy, gx = (np.asarray(slope) for slope in np.gradient(smooth))
    layer = region * (distance >= depth[0]) * (distance <= depth[1])
    places = spread(rng, layer, gap)
    for number, (x, y) in enumerate(places):
        angle = math.atan2(gy[int(y), int(x)], gx[int(y), int(x)]) + rng.normal(0, 0.15 + 0.5 * unequal)
        grow = float(np.exp(rng.normal(0, 0.08 + 0.24 * unequal)))
        if number < mitoses:
            _mitosis(slide, rng, x, y, angle)
            continue
        a, b = size[0] * grow, size[1] * grow * float(np.exp(rng.normal(0, 0.05 + 0.12 * unequal)))
        spot = 1.4 if unequal > 0.45 and rng.random() < 0.5 else 0.0
        nucleus(slide, x, y, a, b, angle, dark=rng.uniform(*dark), coarse=0.14 + 0.30 * unequal, nucleolus=spot)
    return places


def _mitosis(slide: Slide, rng: np.random.Generator, x: float, y: float, angle: float) -> None:
    """A metaphase plate, or two plates drawing apart, in a cleared cell."""
    window, clear, _ = ellipse(slide.shape, x, y, 9.0, 8.0, 0.0, edge=3.0)
    slide.hematoxylin[window] *= 1 - 0.85 * clear
    slide.eosin[window] *= 1 - 0.35 * clear
    for shift in (0.0,) if rng.random() < 0.5 else (-3.6, 3.6):
        px, py = x + shift * math.cos(angle), y + shift * math.sin(angle)
        window, mask = lobed(
            rng, slide.shape, px, py, 3.6, rough=0.16, edge=1.2, stretch=2.6, angle=angle + math.pi / 2
        )
        slide.hematoxylin[window] = np.maximum(slide.hematoxylin[window], 1.55 * mask)


def inflame(slide: Slide, rng: np.random.Generator, where: Field, *, kind: str, gap: float, count: int) -> int:
    """Inflammatory cells in a region: "lymphocytes", "plasma cells", "neutrophils" or "eosinophils"; how many."""
    places = spread(rng, where, gap, count=count)
    for x, y in places:
        angle = float(rng.uniform(0, 2 * np.pi))
        if kind in ("neutrophils", "eosinophils"):
            _granulocyte(slide, rng, x, y, angle, pink=kind == "eosinophils")
        elif kind == "plasma cells":
            window, mask, _ = ellipse(slide.shape, x, y, 6.6, 4.8, angle, edge=1.5)
            slide.eosin[window] += mask * (0.30 - slide.eosin[window])
            slide.hematoxylin[window] += mask * (0.22 - slide.hematoxylin[window])
            off = 2.4
            nucleus(slide, x + off * math.cos(angle), y + off * math.sin(angle), 3.7, 3.5, 0.0, dark=1.0, coarse=0.4)
        else:
            nucleus(
                slide,
                x,
                y,
                rng.uniform(3.7, 4.7),
                rng.uniform(3.5, 4.3),
                angle,
                dark=rng.uniform(0.9, 1.15),
                coarse=0.3,
            )
    return len(places)


def _granulocyte(slide: Slide, rng: np.random.Generator, x: float, y: float, angle: float, *, pink: bool) -> None:
    window, mask, _ = ellipse(slide.shape, x, y, 5.6, 5.2, 0.0, edge=1.4)
    slide.eosin[window] += mask * ((0.85 if pink else 0.24) - slide.eosin[window])
    slide.hematoxylin[window] *= 1 - 0.8 * mask
    for k in range(2 if pink else 3):
        turn = angle + k * (2.6 if pink else 1.9)
        nucleus(slide, x + 2.3 * math.cos(turn), y + 2.3 * math.sin(turn), 2.2, 1.7, turn + 1.5, dark=1.15, coarse=0.1)


def region_window(mask: Field) -> Window:
    """The smallest window that holds a mask."""
    found = ndimage.find_objects((mask > 0.01).astype(np.int8))
    rows, columns = found[0] if found and found[0] is not None else (slice(0, 0), slice(0, 0))
    return rows, columns
