"""The structures that dermoscopy names, each laid into or onto skin by one function.

Those that are pigment or blood change `skin.melanin` and `skin.blood` and come before `skin.expose()`; those
that scatter light (scars, cysts, scale, veil) paint onto `skin.image` and come after it.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from corpora.teaching.skin import Outline, Skin
from corpora.teaching.texture import (
    Field,
    fractal_field,
    lobed,
    mix,
    pixel_grid,
    smooth_field,
    smoothstep,
    voronoi_edges,
)
from corpora.teaching.vessels import Branch, Growth, grow, render_branches

__all__ = [
    "blood_vessels",
    "blotches",
    "blue_veil",
    "cobbles",
    "coiled_vessels",
    "comedo_openings",
    "fissures",
    "globules",
    "lacunae",
    "milia_cysts",
    "network",
    "ovoid_nests",
    "peppering",
    "regression",
    "scale",
    "scatter",
    "strawberry",
    "streaks",
    "ulcer",
    "white_patch",
]


def scatter(rng: np.random.Generator, where: Field, count: int, tries: int = 400) -> list[tuple[float, float]]:
    """`count` random places where a mask is high."""
    found: list[tuple[float, float]] = []
    h, w = where.shape
    for _ in range(tries * max(1, count)):
        if len(found) == count:
            break
        x, y = rng.uniform(0, w - 1), rng.uniform(0, h - 1)
        if where[int(y), int(x)] > rng.uniform(0.3, 0.9):
            found.append((float(x), float(y)))
    return found


def _lattice(rng: np.random.Generator, size: int, spacing: float, jitter: float) -> Field:
    n = int(size / spacing) + 4
    i, j = np.meshgrid(np.arange(-2, n), np.arange(-2, int(n * 1.16) + 2))
    points = np.stack([(i + 0.5 * (j % 2)) * spacing, j * spacing * 0.866], axis=-1).reshape(-1, 2)
    return points + rng.normal(0, jitter * spacing, points.shape)


def network(
    skin: Skin, rng: np.random.Generator, mask: Field, *, spacing: float, jitter: float, width: float, strength: float
) -> None:
    """Pigmented rete ridges around pale papillae: a honeycomb, even in nevi, of varied meshes in melanoma."""
    points = _lattice(rng, skin.shape[0], spacing, jitter)
    # Ridges of living skin swing: the lattice is bent before the meshes are drawn.
    bend = [np.clip(points[:, k], 0, skin.shape[0] - 1).astype(int) for k in (1, 0)]
    points = points + 5.0 * np.stack([smooth_field(rng, skin.shape, 28.0)[bend[0], bend[1]] for _ in range(2)], -1)
    gap, _ = voronoi_edges(points, skin.shape)
    thick = width * np.clip(1 + (0.25 + jitter) * smooth_field(rng, skin.shape, spacing * 1.6), 0.15, 2.6)
    lines = np.clip((thick - gap) / 1.3 + 0.5, 0, 1)
    uneven = np.clip(1 + 0.9 * jitter * smooth_field(rng, skin.shape, spacing * 2.5), 0.1, 2.0)
    skin.melanin += strength * mask * uneven * ndimage.gaussian_filter(lines, 0.7)


def globules(
    skin: Skin, rng: np.random.Generator, mask: Field, *, count: int, radius: tuple[float, float], strength: float
) -> None:
    """Round nests of pigment cells; those below about 0.1 mm are called dots."""
    for x, y in scatter(rng, mask, count):
        window, spot = lobed(rng, skin.shape, x, y, rng.uniform(*radius), rough=0.05, edge=1.6)
        skin.melanin[window] += strength * rng.uniform(0.6, 1.2) * spot


def cobbles(skin: Skin, rng: np.random.Generator, mask: Field, *, spacing: float, strength: float) -> None:
    """Globules that touch, like a cobbled street."""
    gap, _ = voronoi_edges(_lattice(rng, skin.shape[0], spacing, 0.16), skin.shape)
    skin.melanin += strength * mask * smoothstep(0.4, 2.6, gap)


def blotches(
    skin: Skin, rng: np.random.Generator, mask: Field, *, count: int, radius: tuple[float, float], strength: float
) -> None:
    """Areas of even dark pigment, off the middle and of any shape."""
    for x, y in scatter(rng, mask, count):
        window, spot = lobed(
            rng,
            skin.shape,
            x,
            y,
            rng.uniform(*radius),
            rough=0.16,
            edge=12.0,
            stretch=rng.uniform(1, 1.8),
            angle=rng.uniform(0, 3.1),
        )
        skin.melanin[window] += strength * spot * mask[window]


def streaks(skin: Skin, rng: np.random.Generator, shape: Outline, *, start: float, sweep: float, count: int) -> None:
    """Dark fingers that leave the border outwards, some with a bulb at the end (pseudopods)."""
    theta = shape.angle()
    for k in range(count):
        angle = start + sweep * (k + rng.uniform(-0.4, 0.4)) / count
        ray = (np.abs(np.angle(np.exp(1j * (theta - angle)))) < 0.03) & (shape.level > 0.0)
        if not ray.any():
            continue
        ys, xs = np.nonzero(ray)
        reach = float(np.hypot(xs - shape.x, ys - shape.y).max())
        length, thick, lean = rng.uniform(4, 12), rng.uniform(2.2, 3.6), rng.normal(0, 0.008)
        bulb = rng.random() < 0.35
        for step, r in enumerate(np.arange(reach - 16, reach + length, 1.3)):
            turn = angle + lean * step
            share = (r - reach + 16) / (length + 16)
            at = shape.x + r * math.cos(turn), shape.y + r * math.sin(turn)
            wide = thick * (1 - 0.55 * share) * (1.9 if bulb and share > 0.9 else 1.0)
            window, spot = lobed(rng, skin.shape, *at, wide, rough=0.06, edge=1.8)
            skin.melanin[window] = np.maximum(skin.melanin[window], (2.1 - 0.7 * share) * spot)


def blue_veil(skin: Skin, rng: np.random.Generator, mask: Field, x: float, y: float, radius: float) -> None:
    """Pigment deep in the dermis under a thick surface: a blurred blue with a whitish haze."""
    window, spot = lobed(rng, skin.shape, x, y, radius, rough=0.14, edge=34.0, stretch=1.3, angle=rng.uniform(0, 3.1))
    haze = 1 + 0.13 * fractal_field(rng, skin.shape, (9.0, 3.0))[window]
    blue = np.array((0.31, 0.34, 0.44)) * haze[..., None]
    mix(skin.image[window], 0.78 * spot * mask[window], blue)
    white = smoothstep(-0.2, 1.8, fractal_field(rng, skin.shape, (14.0, 5.0))[window])
    mix(skin.image[window], 0.32 * spot * mask[window] * white, (0.70, 0.72, 0.80))


def regression(skin: Skin, rng: np.random.Generator, mask: Field, x: float, y: float, radius: float) -> None:
    """A scar where the tumour has gone: paler than the skin around."""
    window, spot = lobed(rng, skin.shape, x, y, radius, rough=0.16, edge=20.0, stretch=1.4, angle=rng.uniform(0, 3.1))
    mix(skin.image[window], 0.74 * spot * mask[window], (0.90, 0.82, 0.80))


def peppering(skin: Skin, rng: np.random.Generator, where: Field, count: int) -> None:
    """Fine blue-grey grains: pigment in scavenger cells of the dermis."""
    for x, y in scatter(rng, where, count):
        window, spot = lobed(rng, skin.shape, x, y, rng.uniform(0.9, 1.7), rough=0.05, edge=1.2)
        mix(skin.image[window], 0.65 * spot, (0.40, 0.42, 0.50))


def milia_cysts(skin: Skin, rng: np.random.Generator, where: Field, count: int) -> None:
    """Keratin cysts below the surface: round, white to yellow, some glowing like stars."""
    for x, y in scatter(rng, where, count):
        radius = rng.uniform(2.2, 6.0)
        window, spot = lobed(rng, skin.shape, x, y, radius, rough=0.05, edge=radius * 0.9)
        mix(skin.image[window], 0.85 * spot, (0.97, 0.93, 0.82))


def comedo_openings(skin: Skin, rng: np.random.Generator, where: Field, count: int) -> None:
    """Keratin plugs at the surface: sharply bounded, brown to black."""
    for x, y in scatter(rng, where, count):
        window, spot = lobed(
            rng,
            skin.shape,
            x,
            y,
            rng.uniform(3.5, 8.5),
            rough=0.10,
            edge=1.5,
            stretch=rng.uniform(1, 1.6),
            angle=rng.uniform(0, 3.1),
        )
        tone = rng.uniform(0.6, 1.2)
        mix(skin.image[window], 0.86 * spot, (0.26 * tone, 0.16 * tone, 0.09 * tone))


def fissures(skin: Skin, rng: np.random.Generator, mask: Field, *, scale: float, strength: float) -> None:
    """Grooves between ridges, like the surface of a brain."""
    field = smooth_field(rng, skin.shape, scale) + 0.4 * smooth_field(rng, skin.shape, scale * 0.5)
    skin.melanin += strength * mask * ndimage.gaussian_filter(smoothstep(0.42, 0.0, np.abs(field)), 0.9)


def blood_vessels(skin: Skin, rng: np.random.Generator, shape: Outline, *, trunks: int, width: float) -> None:
    """Arborising vessels: bright red, in sharp focus, thick trunks that branch into fine twigs."""
    branches: list[Branch] = []
    limit = shape.radius * 1.05
    for _ in range(trunks):
        angle = rng.uniform(0, 2 * math.pi)
        x, y = shape.x + limit * math.cos(angle), shape.y + limit * math.sin(angle)
        heading = math.atan2(shape.y - y, shape.x - x) + rng.normal(0, 0.5)
        trunk = [(x, y)]
        bend = 0.0
        for _ in range(int(rng.uniform(0.7, 1.5) * limit / 2)):
            bend = 0.8 * bend + rng.normal(0, 0.06)
            heading += bend
            trunk.append((trunk[-1][0] + 2 * math.cos(heading), trunk[-1][1] + 2 * math.sin(heading)))
        growth = Growth(
            lambda point, depth: None,
            lambda point: math.hypot(point[0] - shape.x, point[1] - shape.y) < limit * 1.1,
            step=2.0,
            thinnest=0.42,
            spacing=20.0,
            wander=0.10,
            taper=0.988,
            deepest=3,
            crowding=6.0,
        )
        branches += grow(rng, growth, trunk, width)
    mask = render_branches(branches, skin.shape[0], lambda point: point, 1.0, fade_below=1.6)
    skin.blood += 1.25 * mask
    skin.melanin += 0.25 * mask


def coiled_vessels(skin: Skin, rng: np.random.Generator, where: Field, count: int) -> None:
    """Glomerular vessels: tiny red coils in clusters."""
    for x, y in scatter(rng, where, count):
        radius, start = rng.uniform(2.6, 4.4), rng.uniform(0, 6.28)
        for t in np.linspace(0, 1, 16):
            a, r = start + 7.5 * t, radius * (0.25 + 0.75 * t)
            window, spot = lobed(rng, skin.shape, x + r * math.cos(a), y + r * math.sin(a), 0.9, rough=0.02, edge=1.2)
            skin.blood[window] += 0.55 * spot


def ovoid_nests(skin: Skin, rng: np.random.Generator, where: Field, count: int, radius: tuple[float, float]) -> None:
    """Large blue-grey ovals: pigmented tumour islands in the dermis."""
    for x, y in scatter(rng, where, count):
        window, spot = lobed(
            rng,
            skin.shape,
            x,
            y,
            rng.uniform(*radius),
            rough=0.07,
            edge=9.0,
            stretch=rng.uniform(1.1, 1.8),
            angle=rng.uniform(0, 3.1),
        )
        depth = 1 + 0.10 * fractal_field(rng, skin.shape, (6.0, 2.5))[window]
        mix(skin.image[window], rng.uniform(0.6, 0.85) * spot, np.array((0.38, 0.35, 0.43)) * depth[..., None])


def ulcer(skin: Skin, rng: np.random.Generator, x: float, y: float, radius: float) -> None:
    """A raw spot: red to orange with a yellow crust and dark clotted blood."""
    window, spot = lobed(rng, skin.shape, x, y, radius, rough=0.14, edge=4.0)
    grain = fractal_field(rng, skin.shape, (7.0, 2.5))[window]
    colour = np.array((0.62, 0.22, 0.15)) * (1 + 0.16 * grain)[..., None]
    mix(skin.image[window], 0.92 * spot, colour)
    mix(skin.image[window], 0.55 * spot * smoothstep(0.3, 1.5, grain), (0.85, 0.62, 0.30))
    mix(skin.image[window], 0.65 * spot * smoothstep(-0.6, -1.6, grain), (0.20, 0.05, 0.05))


def white_patch(skin: Skin, rng: np.random.Generator, x: float, y: float, radius: float) -> None:
    """A scar-like white centre, crossed by fine shining lines."""
    window, spot = lobed(rng, skin.shape, x, y, radius, rough=0.12, edge=radius * 0.95)
    mix(skin.image[window], 0.62 * spot, (0.94, 0.86, 0.84))
    gap, _ = voronoi_edges(_lattice(rng, skin.shape[0], 13.0, 0.3), skin.shape)
    mix(skin.image[window], 0.22 * spot * smoothstep(2.2, 0.2, gap[window]), (1.0, 0.96, 0.95))


def lacunae(skin: Skin, rng: np.random.Generator, mask: Field, *, spacing: float, dark: float) -> None:
    """Wide blood spaces: round to oval, red to maroon, side by side with paler septa between."""
    gap, cell = voronoi_edges(_lattice(rng, skin.shape[0], spacing, 0.30), skin.shape)
    depth = ndimage.gaussian_filter(rng.uniform(0.45, 1.35, int(cell.max()) + 1)[cell], 2.0)
    round_gap = ndimage.gaussian_filter(gap, spacing * 0.10)
    rooms = smoothstep(spacing * 0.07, spacing * 0.22, round_gap) * mask
    skin.blood += mask * (0.75 + 0.15 * smooth_field(rng, skin.shape, 9.0)) + rooms * (0.75 + 1.2 * dark) * depth
    skin.melanin += rooms * (0.12 + 1.0 * dark) * depth


def strawberry(skin: Skin, rng: np.random.Generator, mask: Field, *, spacing: float) -> None:
    """Reddish skin between pale follicles: the seeds of the strawberry are follicle openings."""
    points = _lattice(rng, skin.shape[0], spacing, 0.30)
    gap, _ = voronoi_edges(points, skin.shape)
    x, y = pixel_grid(skin.shape)
    from scipy.spatial import cKDTree

    near = np.asarray(cKDTree(points).query(np.stack([x, y], -1).reshape(-1, 2))[0]).reshape(skin.shape)
    skin.blood += (
        mask
        * (1 + 0.3 * smooth_field(rng, skin.shape, 16.0))
        * (0.10 + 0.24 * smoothstep(spacing * 0.24, spacing * 0.36, near) + 0.16 * smoothstep(3.0, 0.0, gap))
    )
    skin.blood -= mask * 0.25 * smoothstep(spacing * 0.25, spacing * 0.12, near)
    skin.melanin += mask * 0.40 * smoothstep(2.4, 0.6, near)


def scale(skin: Skin, rng: np.random.Generator, where: Field, count: int) -> None:
    """Dry flakes: small white to yellow plates."""
    for x, y in scatter(rng, where, count):
        window, spot = lobed(
            rng,
            skin.shape,
            x,
            y,
            rng.uniform(2.0, 7.0),
            rough=0.22,
            edge=2.6,
            stretch=rng.uniform(1, 2.4),
            angle=rng.uniform(0, 3.1),
        )
        mix(skin.image[window], rng.uniform(0.25, 0.62) * spot, (0.96, 0.91, 0.84))
