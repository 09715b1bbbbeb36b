"""Sections of colon, liver and squamous mucosa, healthy and diseased, put together from the parts of `tissue`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from corpora.teaching.case import rng_for
from corpora.teaching.texture import Field, ellipse, fractal_field, lobed, smooth_field, smoothstep, voronoi_edges
from corpora.teaching.tissue import SIZE, Slide, develop, inflame, new_slide, nuclei_along, nucleus, spread, stroma
from corpora.teaching.tissue_section import Section, distance, everywhere, lattice, necrosis
from corpora.teaching.tissue_squamous import squamous_carcinoma, squamous_mucosa

__all__ = ["SECTIONS", "Section", "draw_section"]


def draw_section(section: Section) -> NDArray[np.uint8]:
    """The stained section, `(400, 400, 3)`."""
    slide, rng = new_slide(section.seed), rng_for("section", section.seed)
    SECTIONS[section.kind](slide, rng, section)
    return develop(slide)


def _crypt(
    slide: Slide, rng: np.random.Generator, x: float, y: float, radius: float, *, goblets: float = 0.65
) -> Field:
    """A colonic crypt cut across: a ring of goblet and absorptive cells around a small lumen; returns the lumen."""
    shape, turn = slide.shape, rng.uniform(0, np.pi)
    stretch = rng.uniform(1.0, 1.25)
    body = np.zeros(shape)
    window, mask = lobed(rng, shape, x, y, radius, rough=0.04, edge=1.5, stretch=stretch, angle=turn)
    body[window] = mask
    wall = np.clip(ndimage.gaussian_filter(body, 1.5) * 4 * (1 - body), 0, 1)
    slide.eosin += body * (0.33 + 0.05 * slide.grain - slide.eosin) + 0.32 * wall
    slide.hematoxylin += body * (0.10 - slide.hematoxylin)
    cells = int(2 * math.pi * radius / 8.2)
    for k in range(cells):
        theta = 2 * math.pi * (k + rng.uniform(-0.15, 0.15)) / cells
        u, v = math.cos(theta) * math.sqrt(stretch), math.sin(theta) / math.sqrt(stretch)
        dx, dy = u * math.cos(turn) - v * math.sin(turn), u * math.sin(turn) + v * math.cos(turn)
        along = math.atan2(dy, dx)
        if rng.random() < goblets:
            at = (x + 0.58 * radius * dx, y + 0.58 * radius * dy)
            w, m, r = ellipse(shape, *at, 0.20 * radius, 0.115 * radius, along, edge=1.6)
            slide.eosin[w] += m * (0.05 - slide.eosin[w]) + 0.06 * m * np.exp(-(((r - 0.95) / 0.12) ** 2))
            slide.hematoxylin[w] += m * (0.10 + 0.025 * slide.grain[w] - slide.hematoxylin[w])
        deep = rng.uniform(0.82, 0.90)
        nucleus(
            slide,
            x + deep * radius * dx,
            y + deep * radius * dy,
            rng.uniform(4.2, 5.6),
            rng.uniform(2.6, 3.3),
            along,
            dark=rng.uniform(0.72, 0.95),
        )
    lumen = np.zeros(shape)
    window, mask = lobed(rng, shape, x, y, 0.21 * radius, rough=0.18, edge=2.0, stretch=stretch * 1.2, angle=turn)
    lumen[window] = mask
    slide.eosin += lumen * (0.03 - slide.eosin)
    slide.hematoxylin += lumen * (0.03 - slide.hematoxylin)
    return lumen


def _colon(slide: Slide, rng: np.random.Generator, section: Section) -> None:
    """Colonic mucosa; `acute` and `chronic` inflammation, crypt abscesses and crypt distortion by `parts`."""
    angle_free = stroma(slide, rng, everywhere(), density=0.20, cells=0.30, gaps=0.30)
    del angle_free
    chronic, acute = "chronic inflammation" in section.parts, "acute inflammation" in section.parts
    distorted = "crypt distortion" in section.parts
    spacing = 118.0 + 22.0 * section.grade * (chronic or acute)
    lumens: list[Field] = []
    taken = np.zeros(slide.shape)
    for x, y in lattice(rng, spacing, 0.15 if distorted else 0.05):
        if distorted and rng.random() < 0.25:
            continue
        radius = rng.uniform(43, 50) * (rng.uniform(0.7, 1.1) if distorted else 1.0)
        lumens.append(_crypt(slide, rng, x, y, radius, goblets=0.7 - 0.5 * section.grade * (chronic or acute)))
        window, mask = lobed(rng, slide.shape, x, y, radius + 6, rough=0.02, edge=1.0)
        taken[window] = np.maximum(taken[window], mask)
    free = 1 - taken
    inflame(slide, rng, free, kind="plasma cells", gap=11.5, count=75)
    inflame(slide, rng, free, kind="lymphocytes", gap=10.5, count=60)
    if chronic:
        inflame(slide, rng, free, kind="lymphocytes", gap=8.6, count=int(180 + 500 * section.grade))
        inflame(slide, rng, free, kind="plasma cells", gap=10.5, count=int(80 + 260 * section.grade))
    if acute:
        inflame(slide, rng, free, kind="neutrophils", gap=9.5, count=int(80 + 300 * section.grade))
        inflame(slide, rng, taken, kind="neutrophils", gap=20.0, count=int(20 + 50 * section.grade))
    if "crypt abscess" in section.parts:
        inside = sorted(lumens, key=lambda lumen: -float(lumen.sum()))[: 2 + int(3 * section.grade)]
        for lumen in inside:
            wide = (ndimage.maximum_filter(lumen, 13) > 0.5).astype(np.float64)
            slide.eosin += wide * (0.20 - slide.eosin)
            slide.hematoxylin += wide * (0.06 - slide.hematoxylin)
            inflame(slide, rng, wide, kind="neutrophils", gap=6.5, count=60)


def _tumour(slide: Slide, rng: np.random.Generator, section: Section) -> None:
    """Adenocarcinoma: crowded, uneven glands in a cellular stroma; with `grade` the glands are lost to sheets."""
    grade = section.grade
    stroma(slide, rng, everywhere(), density=0.34, cells=0.8, gaps=0.30)
    gland, lumen = np.zeros(slide.shape), np.zeros(slide.shape)
    for x, y in lattice(rng, 112.0 - 18 * grade, 0.12):
        radius = rng.uniform(38, 54)
        window, mask = lobed(
            rng,
            slide.shape,
            x,
            y,
            radius,
            rough=0.13 + 0.10 * grade,
            edge=1.5,
            stretch=rng.uniform(1, 1.9),
            angle=rng.uniform(0, 3.1),
        )
        gland[window] = np.maximum(gland[window], mask)
        holes = int(rng.integers(3, 6)) if "cribriform glands" in section.parts else 1
        for _ in range(holes):
            if rng.random() < 0.85 - 0.75 * max(0.0, grade - 0.4):
                off = rng.normal(0, 0.30 if holes > 1 else 0.05, 2) * radius
                size = radius * (rng.uniform(0.14, 0.26) if holes > 1 else rng.uniform(0.38, 0.50))
                window, mask = lobed(
                    rng,
                    slide.shape,
                    x + off[0],
                    y + off[1],
                    size,
                    rough=0.16,
                    edge=2.0,
                    stretch=rng.uniform(1, 1.9),
                    angle=rng.uniform(0, 3.1),
                )
                lumen[window] = np.maximum(lumen[window], mask)
    lumen *= (distance(gland) > 11).astype(np.float64)
    wall = np.clip(ndimage.gaussian_filter(gland, 1.5) * 4 * (1 - gland), 0, 1)
    slide.eosin += gland * (0.34 + 0.06 * slide.grain - slide.eosin) + 0.15 * wall
    slide.hematoxylin += gland * (0.20 - slide.hematoxylin)
    slide.eosin += lumen * (0.03 - slide.eosin)
    slide.hematoxylin += lumen * (0.02 - slide.hematoxylin)
    epithelium = gland * (1 - lumen)
    nuclei_along(
        slide,
        rng,
        epithelium,
        distance(gland),
        gap=7.4 + 1.6 * grade,
        size=(6.4 + 0.8 * grade, 3.7 + 1.5 * grade),
        unequal=0.35 + 0.6 * grade,
        dark=(0.72, 1.22),
        depth=(4.0, 60.0),
        mitoses=int(3 + 10 * grade) if "mitoses" in section.parts else 0,
    )
    if "dirty necrosis" in section.parts:
        _debris(slide, rng, lumen)
    inflame(slide, rng, 1 - gland, kind="lymphocytes", gap=12.0, count=60)
    if "necrosis" in section.parts:
        necrosis(slide, rng, section)


def _debris(slide: Slide, rng: np.random.Generator, where: Field) -> None:
    slide.eosin += where * (0.38 + 0.12 * slide.grain - slide.eosin) * 0.9
    for x, y in spread(rng, where, 4.5, count=500):
        nucleus(
            slide, x, y, rng.uniform(0.8, 2.2), rng.uniform(0.8, 1.6), rng.uniform(0, 3.1), dark=rng.uniform(0.7, 1.2)
        )


def _liver(slide: Slide, rng: np.random.Generator, section: Section) -> None:
    """Liver cells in plates between sinusoids; `steatosis` fills them with fat, `fibrosis` divides them by septa."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    points = np.array(lattice(rng, 27.0, 0.17))
    gap, cell = voronoi_edges(points, slide.shape)
    tint = rng.normal(0, 0.035, len(points))[cell]
    slide.eosin[:] = 0.40 + tint + 0.055 * slide.grain + 0.10 * smoothstep(1.6, 0.2, gap)
    slide.hematoxylin[:] = 0.13 + 0.03 * slide.grain
    septum = _septa(slide, rng, section.grade) if "fibrosis" in section.parts else np.zeros(slide.shape)
    vein = rng.uniform(-120, 520, 2) if "fibrosis" in section.parts else 200 + rng.uniform(-150, 150, 2)
    theta = np.arctan2(y - vein[1], x - vein[0])
    r = np.hypot(x - vein[0], y - vein[1])
    ridges = np.sin(15 * theta + 2.2 * smooth_field(rng, slide.shape, 30.0) + 0.008 * r * np.sin(3 * theta))
    sinusoid = smoothstep(0.90, 0.99, ridges) * smoothstep(3.5, 1.0, gap) * (septum < 0.3)
    slide.eosin *= 1 - 0.85 * sinusoid
    fat = _fat(slide, rng, section, points, septum) if "steatosis" in section.parts else set()
    for number, (px, py) in enumerate(points.tolist()):
        if number in fat or not (0 <= px < SIZE and 0 <= py < SIZE) or septum[int(py), int(px)] > 0.3:
            continue
        for shift in (-4.2, 4.2) if rng.random() < 0.10 else (0.0,):
            size = rng.uniform(4.3, 5.4)
            nucleus(
                slide,
                px + shift + rng.normal(0, 1.2),
                py + rng.normal(0, 1.2),
                size,
                size * 0.95,
                0.0,
                dark=rng.uniform(0.50, 0.72),
                coarse=0.22,
                nucleolus=1.3,
            )
    for px, py in spread(rng, (sinusoid > 0.35).astype(np.float64), 16.0, count=130):
        nucleus(slide, px, py, 4.6, 1.6, float(theta[int(py), int(px)]), dark=0.85)
    if "fibrosis" not in section.parts:
        _central_vein(slide, rng, float(vein[0]), float(vein[1]))


def _central_vein(slide: Slide, rng: np.random.Generator, x: float, y: float) -> None:
    window, mask = lobed(rng, slide.shape, x, y, 27.0, rough=0.08, edge=2.0)
    _, wall = lobed(rng, slide.shape, x, y, 31.0, rough=0.0, edge=3.0)
    slide.hematoxylin[window] *= 1 - mask
    slide.eosin[window] += mask * (0.03 - slide.eosin[window]) + 0.25 * np.clip(4 * mask * (1 - mask), 0, 1)
    del wall
    for k in range(9):
        a = 2 * math.pi * k / 9
        nucleus(slide, x + 28 * math.cos(a), y + 28 * math.sin(a), 4.2, 1.5, a + math.pi / 2, dark=0.8)


def _fat(slide: Slide, rng: np.random.Generator, section: Section, points: Field, septum: Field) -> set[int]:
    """Round clear vacuoles; a large one pushes the nucleus to the cell's edge. Returns the cells it filled."""
    filled: set[int] = set()
    for number, (x, y) in enumerate(points.tolist()):
        inside = 0 <= x < SIZE and 0 <= y < SIZE
        if rng.random() > 0.06 + 0.80 * section.grade or (inside and septum[int(y), int(x)] > 0.2):
            continue
        radius = rng.uniform(7.5, 12.0 + 4.0 * section.grade)
        window, mask = lobed(rng, slide.shape, x, y, radius, rough=0.015, edge=1.4)
        rim = np.clip(4 * mask * (1 - mask), 0, 1)
        slide.eosin[window] += mask * (0.01 - slide.eosin[window]) + 0.20 * rim
        slide.hematoxylin[window] *= 1 - mask
        a = rng.uniform(0, 2 * np.pi)
        nucleus(
            slide,
            x + (radius + 1.6) * math.cos(a),
            y + (radius + 1.6) * math.sin(a),
            4.6,
            2.2,
            a + math.pi / 2,
            dark=0.85,
        )
        filled.add(number)
    for x, y in spread(rng, 1 - septum, 7.0, count=int(350 * section.grade)):
        window, mask = lobed(rng, slide.shape, x, y, rng.uniform(1.6, 3.4), rough=0.01, edge=1.2)
        slide.eosin[window] *= 1 - 0.95 * mask
        slide.hematoxylin[window] *= 1 - 0.9 * mask
    return filled


def _septa(slide: Slide, rng: np.random.Generator, grade: float) -> Field:
    """Bands of collagen around nodules of liver cells, with lymphocytes and new bile ducts."""
    nodules = np.array(lattice(rng, 250.0 - 70 * grade, 0.14))
    gap, _ = voronoi_edges(nodules, slide.shape)
    width = 7.0 + 17.0 * grade
    bands = smoothstep(width + 3, width - 3, gap + 6 * fractal_field(rng, slide.shape, (26.0, 9.0)))
    stroma(slide, rng, bands, density=0.27, cells=0.8, gaps=0.15)
    inflame(slide, rng, bands, kind="lymphocytes", gap=9.5, count=int(90 + 260 * grade))
    for x, y in spread(rng, (bands > 0.95).astype(np.float64), 60.0, count=5):
        for k in range(7):
            a = 2 * math.pi * k / 7
            nucleus(slide, x + 7 * math.cos(a), y + 7 * math.sin(a), 3.2, 2.8, a, dark=0.8)
        window, mask = lobed(rng, slide.shape, x, y, 3.6, rough=0.05, edge=1.5)
        slide.eosin[window] *= 1 - 0.9 * mask
        slide.hematoxylin[window] *= 1 - 0.9 * mask
    return bands


Painter = Callable[[Slide, np.random.Generator, Section], None]
SECTIONS: Mapping[str, Painter] = {
    "colon": _colon,
    "adenocarcinoma": _tumour,
    "liver": _liver,
    "squamous mucosa": squamous_mucosa,
    "squamous cell carcinoma": squamous_carcinoma,
}
