"""Squamous mucosa, healthy and turned to carcinoma."""

from __future__ import annotations

import math

import numpy as np

from corpora.teaching.texture import Field, lobed, smooth_field, smoothstep, voronoi_edges
from corpora.teaching.tissue import SIZE, Slide, inflame, nuclei_along, nucleus, spread, stroma
from corpora.teaching.tissue_section import Section, distance, everywhere, lattice, necrosis

__all__ = ["squamous_carcinoma", "squamous_mucosa"]


def squamous_mucosa(slide: Slide, rng: np.random.Generator, section: Section) -> None:
    """Stratified squamous mucosa: dark basal cells below, flat pale cells at the surface, stroma underneath."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    pegs = 22 * np.sin(x / 27 + rng.uniform(0, 6)) + 12 * smooth_field(rng, slide.shape, 24.0)[200][None, :]
    base, top = 255 + pegs, 46 + 5 * smooth_field(rng, slide.shape, 60.0)[100][None, :]
    up = np.clip((base - y) / (base - top), -1.0, 1.3)  # 0 on the basement membrane, 1 at the surface
    epithelium = smoothstep(-0.008, 0.008, up) * smoothstep(1.008, 0.992, up)
    stroma(slide, rng, (up < 0).astype(np.float64), density=0.36, cells=0.45, direction=0.0, gaps=0.5)
    points = spread(rng, epithelium, 9.5, tries=14000)
    # Cells widen and flatten as they rise: the sheet is measured in a space stretched along x.
    stretched = np.array([(px, py * (1.0 + 0.9 * max(0.0, float(up[int(py), int(px)])))) for px, py in points])
    from scipy.spatial import cKDTree

    places = np.stack([x, y * (1 + 0.9 * np.clip(up, 0, None))], -1).reshape(-1, 2)
    distances = np.asarray(cKDTree(stretched).query(places, k=2)[0])
    gap = ((distances[:, 1] - distances[:, 0]) / 2).reshape(slide.shape)
    level = np.clip(up, 0, 1)
    slide.eosin += epithelium * (
        0.26 + 0.20 * level + 0.05 * slide.grain + 0.10 * smoothstep(1.6, 0.3, gap) - slide.eosin
    )
    slide.hematoxylin += epithelium * (0.20 * (1 - level) ** 3 + 0.03 - slide.hematoxylin)
    for px, py in points:
        height = float(up[int(py), int(px)])
        if height > 0.9 and rng.random() < 0.5:
            continue
        flat = smoothstep(0.45, 0.95, np.array(height)).item()
        upright = max(0.0, 1 - height / 0.12)
        a, b = 4.4 + 1.0 * flat, 3.7 - 2.2 * flat - 0.8 * upright
        nucleus(
            slide, px, py, a, b, math.pi / 2 * upright + rng.normal(0, 0.12), dark=0.62 + 0.4 * upright + 0.2 * flat
        )
    inflame(slide, rng, (up < -0.02).astype(np.float64), kind="lymphocytes", gap=12.0, count=70)


def squamous_carcinoma(slide: Slide, rng: np.random.Generator, section: Section) -> None:
    """Nests of atypical squamous cells that invade a fibrous stroma, some with pearls of keratin."""
    grade = section.grade
    stroma(slide, rng, everywhere(), density=0.34, cells=0.7, gaps=0.3)
    nest = np.zeros(slide.shape)
    for x, y in lattice(rng, 168.0, 0.15):
        window, mask = lobed(
            rng,
            slide.shape,
            x,
            y,
            rng.uniform(52, 78),
            rough=0.16,
            edge=1.6,
            stretch=rng.uniform(1, 1.6),
            angle=rng.uniform(0, 3.1),
        )
        nest[window] = np.maximum(nest[window], mask)
    depth = distance(nest)
    points = np.array(spread(rng, nest, 13.0))
    gap, _ = voronoi_edges(points, slide.shape)
    slide.eosin += nest * (
        0.42 + 0.006 * np.minimum(depth, 30) + 0.06 * slide.grain - 0.16 * smoothstep(1.5, 0.3, gap) - slide.eosin
    )
    slide.hematoxylin += nest * (0.10 - slide.hematoxylin)
    pearls = np.zeros(slide.shape)
    if "keratin pearls" in section.parts:
        for x, y in spread(rng, (depth > 26).astype(np.float64), 90.0, count=4):
            _pearl(slide, rng, x, y, rng.uniform(19, 29), pearls)
    nuclei_along(
        slide,
        rng,
        nest * (pearls < 0.4),
        depth,
        gap=12.0 - 2.5 * grade,
        size=(6.0 + grade, 4.6 + grade),
        unequal=0.35 + 0.6 * grade,
        dark=(0.62, 1.15),
        depth=(3.0, 200.0),
        mitoses=int(2 + 8 * grade) if "mitoses" in section.parts else 0,
    )
    inflame(slide, rng, 1 - nest, kind="lymphocytes", gap=10.0, count=220)
    if "necrosis" in section.parts:
        necrosis(slide, rng, section)


def _pearl(slide: Slide, rng: np.random.Generator, x: float, y: float, radius: float, pearls: Field) -> None:
    """Keratin in concentric layers, like an onion, with flattened nuclei between the outer ones."""
    window, mask = lobed(rng, slide.shape, x, y, radius, rough=0.07, edge=3.0)
    dy, dx = np.mgrid[window].astype(np.float64)
    r = np.hypot(dx - x, dy - y) + 1.6 * smooth_field(rng, slide.shape, 6.0)[window]
    slide.eosin[window] += mask * (0.92 + 0.16 * np.sin(r * 1.35) - slide.eosin[window])
    slide.hematoxylin[window] += mask * (0.03 - slide.hematoxylin[window])
    pearls[window] = np.maximum(pearls[window], mask)
    for k in range(14):
        a, d = 2 * math.pi * k / 14 + rng.normal(0, 0.2), radius * rng.uniform(0.75, 1.15)
        nucleus(slide, x + d * math.cos(a), y + d * math.sin(a), 5.0, 1.8, a + math.pi / 2, dark=0.7)
