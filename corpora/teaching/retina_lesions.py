"""What disease leaves on the retina, each lesion painted onto a canvas of `retina` by one function.

Each takes `(canvas, rng, lesion)`; lesion number i uses the same random draws whatever the count, so a later
study with more lesions keeps the earlier ones where they were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from corpora.teaching.case import rng_for
from corpora.teaching.retina import RADIUS, Canvas
from corpora.teaching.texture import Field, lobed, mix, pixel_grid, smooth_field, smoothstep
from corpora.teaching.vessels import Branch, Growth, Point, grow, render_branches

__all__ = ["PAINTERS", "QUADRANTS", "Lesion", "paint"]

QUADRANTS = ("superotemporal", "inferotemporal", "superonasal", "inferonasal")
_BLOOD = (0.60, 0.26, 0.26)  # what a blot of blood lets through
_LIPID, _COTTON = (0.98, 0.88, 0.50), (0.93, 0.86, 0.70)


@dataclass(frozen=True, slots=True)
class Lesion:
    """A group of equal lesions: how many, how large (1 is usual), and where.

    `where` is a quadrant, "macula", "disc" or "all" (the whole posterior pole).
    """

    kind: str
    count: int = 1
    size: float = 1.0
    where: str = "all"


def paint(canvas: Canvas, lesion: Lesion, seed: str) -> None:
    """Add one group of lesions to the canvas."""
    painter = PAINTERS[lesion.kind]
    for number in range(lesion.count):
        painter(canvas, rng_for("lesion", seed, lesion.kind, lesion.where, number), lesion)


def _position(canvas: Canvas, rng: np.random.Generator, where: str, near: float = 0.16, far: float = 0.80) -> Point:
    """A place in the wanted region, inside the field and off the disc."""
    fovea, disc = canvas.anatomy.fovea, canvas.anatomy.disc
    for _ in range(60):
        if where == "macula":
            distance, angle = rng.uniform(0.03, 0.30), rng.uniform(0, 2 * np.pi)
            return fovea[0] + distance * math.cos(angle), fovea[1] + distance * math.sin(angle)
        if where == "disc":
            distance, angle = canvas.anatomy.disc_radius * rng.uniform(1.1, 1.9), rng.uniform(0, 2 * np.pi)
            return disc[0] + distance * math.cos(angle), disc[1] + distance * math.sin(angle)
        distance, angle = rng.uniform(near, far), rng.uniform(0, 2 * np.pi)
        point = (fovea[0] + distance * math.cos(angle), fovea[1] + distance * math.sin(angle))
        off_disc = math.hypot(point[0] - disc[0], point[1] - disc[1]) > canvas.anatomy.disc_radius * 1.3
        if math.hypot(*point) < 0.90 and off_disc and where in ("all", _quadrant(canvas, point)):
            return point
    return fovea[0] - 0.3, fovea[1]


def _quadrant(canvas: Canvas, point: Point) -> str:
    up = point[1] < canvas.anatomy.fovea[1]
    temporal = point[0] < canvas.anatomy.disc[0] - 0.1
    return f"{'supero' if up else 'infero'}{'temporal' if temporal else 'nasal'}"


def _bleed(canvas: Canvas, window: tuple[slice, slice], mask: Field, strength: float = 1.0) -> None:
    canvas.image[window] *= 1 - strength * mask[..., None] * (1 - np.array(_BLOOD))


def _blot(canvas: Canvas, rng: np.random.Generator, where: str, radius: float, rough: float, strength: float) -> None:
    x, y = canvas.pixel(_position(canvas, rng, where))
    window, mask = lobed(rng, canvas.shape, x, y, radius, rough=rough, edge=1.6)
    _bleed(canvas, window, mask, strength)


def microaneurysm(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """A red dot of 50–100 µm."""
    _blot(canvas, rng, lesion.where, lesion.size * rng.uniform(1.5, 2.3), 0.05, 0.85)


def dot_hemorrhage(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """A small round bleeding in the middle layers."""
    _blot(canvas, rng, lesion.where, lesion.size * rng.uniform(2.2, 3.6), 0.08, 0.95)


def blot_hemorrhage(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """A larger bleeding with uneven borders."""
    _blot(canvas, rng, lesion.where, lesion.size * rng.uniform(4.0, 8.0), 0.09, 1.0)


def _along_fibres(canvas: Canvas, point: Point) -> float:
    """The direction of the nerve fibres: out of the disc, bowing around the macula."""
    disc, fovea = canvas.anatomy.disc, canvas.anatomy.fovea
    outwards = math.atan2(point[1] - disc[1], point[0] - disc[0])
    if point[0] > disc[0]:
        return outwards
    around = math.atan2(point[1] - fovea[1], point[0] - fovea[0]) - math.copysign(math.pi / 2, point[1] - fovea[1]) * -1
    return around if abs(point[1] - fovea[1]) > 0.25 else outwards


def flame_hemorrhage(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """Blood among the nerve fibres: a streak along them with a feathered end."""
    point = _position(canvas, rng, lesion.where, near=0.3, far=0.75)
    x, y = canvas.pixel(point)
    angle = _along_fibres(canvas, point) + rng.normal(0, 0.12)
    length = lesion.size * rng.uniform(8.0, 15.0)
    for _ in range(int(rng.integers(9, 16))):
        along, across = rng.normal(0, 0.30) * length, rng.normal(0, 0.17) * length
        px = x + along * math.cos(angle) - across * math.sin(angle)
        py = y + along * math.sin(angle) + across * math.cos(angle)
        radius = lesion.size * rng.uniform(1.8, 3.6)
        window, mask = lobed(
            rng,
            canvas.shape,
            px,
            py,
            radius,
            rough=0.1,
            edge=1.6,
            stretch=rng.uniform(4, 9),
            angle=angle + rng.normal(0, 0.1),
        )
        _bleed(canvas, window, mask, 0.55)


def hard_exudates(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """A cluster of waxy yellow lipid spots, often in a part of a ring around a leak."""
    cx, cy = canvas.pixel(_position(canvas, rng, lesion.where, near=0.12, far=0.5))
    ring, start, sweep = lesion.size * rng.uniform(10, 26), rng.uniform(0, 6.28), rng.uniform(2.0, 5.5)
    for _ in range(int(rng.integers(12, 28))):
        angle = start + sweep * rng.random()
        r = ring * rng.normal(1.0, 0.16)
        radius = lesion.size * rng.gamma(3.0, 0.55) + 0.7
        window, mask = lobed(
            rng, canvas.shape, cx + r * math.cos(angle), cy + r * math.sin(angle), radius, rough=0.2, edge=1.2
        )
        mix(canvas.image[window], 0.86 * mask, _LIPID)


def macular_star(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """Lipid in Henle's layer: spokes around the fovea."""
    x, y = canvas.pixel(canvas.anatomy.fovea)
    for spoke in np.arange(0.0, 6.28, 0.33):
        angle = spoke + rng.normal(0, 0.06)
        for r in np.arange(9.0, rng.uniform(18, 44), 4.6) + rng.uniform(0, 3):
            radius = lesion.size * rng.uniform(0.8, 2.0)
            at = x + r * math.cos(angle), y + r * math.sin(angle)
            window, mask = lobed(rng, canvas.shape, *at, radius, rough=0.12, edge=1.3, stretch=1.6, angle=angle)
            mix(canvas.image[window], 0.8 * mask, _LIPID)


def cotton_wool_spot(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """A fluffy white patch: swollen nerve fibres where a small artery is blocked."""
    point = _position(canvas, rng, lesion.where, near=0.34, far=0.62)
    x, y = canvas.pixel(point)
    angle = _along_fibres(canvas, point) + math.pi / 2 * (rng.random() < 0.4)
    window, mask = lobed(
        rng,
        canvas.shape,
        x,
        y,
        lesion.size * rng.uniform(7, 11),
        rough=0.09,
        edge=9.0,
        stretch=rng.uniform(1.2, 1.9),
        angle=angle,
        lobes=4,
    )
    mix(canvas.image[window], 0.85 * mask * (1 - 0.4 * canvas.vessel_mask[window]), _COTTON)


def _frond(canvas: Canvas, rng: np.random.Generator, root: Point, reach: float, stems: int) -> None:
    """A tuft of fine vessels that wind and loop without any plan."""
    growth = Growth(
        lambda point, depth: math.atan2(point[1] - root[1], point[0] - root[0]),
        lambda point: math.hypot(point[0] - root[0], point[1] - root[1]) < reach,
        step=0.007,
        thinnest=0.0011,
        spacing=0.035,
        pull=0.02,
        wander=0.30,
        taper=0.99,
        deepest=3,
    )
    branches: list[Branch] = []
    for stem in range(stems):
        angle = 2 * math.pi * (stem + rng.uniform(0, 0.8)) / stems
        trunk, heading = [root], angle
        for _ in range(int(reach / 0.007)):
            heading += rng.normal(0, 0.30)
            trunk.append((trunk[-1][0] + 0.007 * math.cos(heading), trunk[-1][1] + 0.007 * math.sin(heading)))
        branches += grow(rng, growth, trunk, 0.0036)
    mask = render_branches(branches, canvas.shape[0], canvas.pixel, RADIUS, fade_below=1.2)
    canvas.image *= 1 - 0.9 * mask[..., None] * (1 - np.array((0.78, 0.36, 0.36)))


def disc_vessels(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """New vessels on the disc."""
    _frond(canvas, rng, (canvas.anatomy.disc[0] - 0.03, canvas.anatomy.disc[1]), 0.20 * lesion.size, 9)


def elsewhere_vessels(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """New vessels away from the disc, along an arcade."""
    _frond(canvas, rng, _position(canvas, rng, lesion.where, near=0.45, far=0.65), 0.13 * lesion.size, 7)


def preretinal_hemorrhage(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """Blood before the retina that has settled: a flat top and a bowl below, hiding the vessels."""
    x, y = canvas.pixel(_position(canvas, rng, lesion.where, near=0.38, far=0.58))
    window, mask = lobed(rng, canvas.shape, x, y, lesion.size * rng.uniform(26, 36), rough=0.05, edge=2.5, stretch=1.5)
    rows = np.arange(window[0].start, window[0].stop, dtype=np.float64)[:, None] - y
    below = smoothstep(-3.0, 0.0, rows + 2.0 * np.ones_like(mask))
    mix(canvas.image[window], 0.93 * mask * below, (0.36, 0.055, 0.035))


def drusen(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """One yellow deposit under the pigment epithelium; soft where it is large."""
    angle, distance = rng.uniform(0, 6.28), 0.25 * math.sqrt(rng.uniform(0.005, 1.0))
    x, y = canvas.pixel(
        (canvas.anatomy.fovea[0] + distance * math.cos(angle), canvas.anatomy.fovea[1] + distance * math.sin(angle))
    )
    radius = lesion.size * rng.uniform(1.6, 3.4)
    window, mask = lobed(rng, canvas.shape, x, y, radius, rough=0.10, edge=1.0 + 0.55 * radius)
    mix(canvas.image[window], 0.62 * mask, (0.98, 0.80, 0.45))


def geographic_atrophy(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """Lost pigment epithelium: a pale, scalloped, sharply bounded area through which the choroid shows."""
    x, y = canvas.pixel(canvas.anatomy.fovea)
    parts = [(x + rng.normal(0, 12) * lesion.size, y + rng.normal(0, 9) * lesion.size) for _ in range(4)]
    total = np.zeros(canvas.shape)
    for px, py in parts:
        window, mask = lobed(rng, canvas.shape, px, py, lesion.size * rng.uniform(17, 27), rough=0.10, edge=2.0)
        total[window] = np.maximum(total[window], mask)
    choroid = smoothstep(0.25, 0.05, np.abs(smooth_field(rng, canvas.shape, 7.0)))
    pale = canvas.image * 0.35 + np.array((0.95, 0.74, 0.46)) * 0.60
    pale *= 1 - 0.16 * choroid[..., None] * np.array((0.3, 1.0, 1.0))
    rim = smoothstep(0.05, 0.5, total) * smoothstep(1.0, 0.5, total)
    canvas.image *= 1 - 0.25 * rim[..., None]
    mix(canvas.image, 0.9 * total * (1 - 0.8 * canvas.vessel_mask), pale)


def subretinal_membrane(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """A greyish choroidal membrane at the macula with blood beside it and fluid around it."""
    x, y = canvas.pixel(canvas.anatomy.fovea)
    window, mask = lobed(rng, canvas.shape, x, y, 46 * lesion.size, rough=0.08, edge=14.0)
    mix(canvas.image[window], 0.20 * mask, (0.62, 0.50, 0.34))
    for _ in range(4):
        px, py = x + rng.normal(0, 20) * lesion.size, y + rng.normal(0, 15) * lesion.size
        window, mask = lobed(rng, canvas.shape, px, py, lesion.size * rng.uniform(10, 19), rough=0.10, edge=3.0)
        mix(canvas.image[window], 0.80 * mask, (0.42, 0.09, 0.06))
    window, mask = lobed(rng, canvas.shape, x, y, 20 * lesion.size, rough=0.12, edge=5.0)
    mix(canvas.image[window], 0.80 * mask, (0.58, 0.52, 0.38))


def fibre_defect(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """A dark wedge where nerve fibres are lost, from the disc along an arcade."""
    x, y = pixel_grid(canvas.shape)
    px, py = canvas.pixel(canvas.anatomy.disc)
    up = -1.0 if lesion.where.startswith("supero") else 1.0
    theta = np.arctan2(y - py, px - x) * up  # 0 towards the temple, positive on the side of the defect
    d = np.hypot(x - px, y - py) / RADIUS
    off = np.abs(theta - (1.30 - 0.85 * smoothstep(0.1, 0.9, d)))  # fibres bow around the macula
    inside = smoothstep(0.17 * lesion.size, 0.09 * lesion.size, off)
    wedge = inside * smoothstep(0.12, 0.18, d) * smoothstep(1.0, 0.55, d)
    canvas.image *= 1 - 0.17 * wedge[..., None]


def disc_hemorrhage(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """A splinter of blood across the disc's margin."""
    up = -1 if lesion.where.startswith("supero") else 1
    angle = math.pi - up * rng.uniform(0.7, 1.2)
    r = canvas.anatomy.disc_radius * 1.03
    x, y = canvas.pixel((canvas.anatomy.disc[0] + r * math.cos(angle), canvas.anatomy.disc[1] + r * math.sin(angle)))
    window, mask = lobed(rng, canvas.shape, x, y, 3.4 * lesion.size, rough=0.08, edge=1.4, stretch=4.5, angle=angle)
    _bleed(canvas, window, mask)


def laser_scar(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """A coagulated spot: pale, with a ring or a heart of pigment."""
    x, y = canvas.pixel(_position(canvas, rng, lesion.where, near=0.60, far=1.1))
    radius = lesion.size * rng.uniform(4.0, 6.5)
    window, mask = lobed(rng, canvas.shape, x, y, radius, rough=0.05, edge=2.5)
    mix(canvas.image[window], 0.55 * mask, (0.86, 0.74, 0.52))
    window, mask = lobed(rng, canvas.shape, x, y, radius * rng.uniform(0.3, 0.75), rough=0.12, edge=2.5)
    mix(canvas.image[window], rng.uniform(0.3, 0.9) * mask, (0.20, 0.13, 0.09))


def atrophic_patch(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """A white patch of bare sclera with pigment at its border, as in high myopia."""
    x, y = canvas.pixel(_position(canvas, rng, lesion.where, near=0.08, far=0.4))
    window, mask = lobed(rng, canvas.shape, x, y, lesion.size * rng.uniform(10, 24), rough=0.16, edge=2.5)
    mix(canvas.image[window], 0.85 * mask, (0.95, 0.86, 0.66))
    window, mask = lobed(rng, canvas.shape, x, y, lesion.size * 4.0, rough=0.25, edge=2.0)
    mix(canvas.image[window], 0.5 * mask, (0.25, 0.15, 0.10))


def myelinated_fibres(canvas: Canvas, rng: np.random.Generator, lesion: Lesion) -> None:
    """Nerve fibres with a sheath: a white patch at the disc that ends in a feathered edge along them."""
    x, y = pixel_grid(canvas.shape)
    px, py = canvas.pixel(canvas.anatomy.disc)
    middle = math.radians(-115 if lesion.where.startswith("supero") else 115)
    theta, d = np.arctan2(y - py, x - px), np.hypot(x - px, y - py) / RADIUS
    off = np.abs(np.angle(np.exp(1j * (theta - middle))))
    feather = 0.025 * np.sin(37 * theta + 2) + 0.03 * np.sin(71 * theta) + 0.025 * np.sin(151 * theta + 1)
    reach = (0.36 + feather) * lesion.size * np.clip(1 - (off / 0.75) ** 2, 0, 1) ** 0.5
    mask = smoothstep(0.03, -0.07, d - reach) * smoothstep(0.09, 0.14, d)
    mix(canvas.image, 0.85 * mask, (0.97, 0.93, 0.82))


Painter = Callable[[Canvas, np.random.Generator, Lesion], None]
PAINTERS: Mapping[str, Painter] = {
    "microaneurysm": microaneurysm,
    "dot hemorrhage": dot_hemorrhage,
    "blot hemorrhage": blot_hemorrhage,
    "flame hemorrhage": flame_hemorrhage,
    "hard exudates": hard_exudates,
    "macular star": macular_star,
    "cotton wool spot": cotton_wool_spot,
    "neovascularization of the disc": disc_vessels,
    "neovascularization elsewhere": elsewhere_vessels,
    "preretinal hemorrhage": preretinal_hemorrhage,
    "drusen": drusen,
    "geographic atrophy": geographic_atrophy,
    "choroidal neovascular membrane": subretinal_membrane,
    "nerve fiber layer defect": fibre_defect,
    "disc hemorrhage": disc_hemorrhage,
    "laser scar": laser_scar,
    "chorioretinal atrophy": atrophic_patch,
    "myelinated nerve fibers": myelinated_fibres,
}
