"""The back of the eye, drawn in the order in which light meets it: choroid, vessels, disc, lens, camera.

Positions are in field radii with the centre at (0, 0), x to the right, y down, always of a right eye (nose on
the right); a left eye is its mirror image. A 45° field is about 13.5 mm wide, so 1.0 is about 6.7 mm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from corpora.teaching.case import rng_for
from corpora.teaching.retina_vessels import Plexus, grow_plexus
from corpora.teaching.texture import Field, fractal_field, mix, pixel_grid, smooth_field, smoothstep, to_pixels
from corpora.teaching.vessels import Point

__all__ = ["RADIUS", "SIZE", "Canvas", "Eye", "anatomy_of", "develop", "draw_eye"]

SIZE, RADIUS = 448, 216.0
_MIDDLE = SIZE / 2 - 0.5
# What choroid and pigment epithelium send back (R, G, B); between them lies the range of real photographs.
_PALETTES = {
    "orange": (0.80, 0.39, 0.15),
    "brown": (0.60, 0.33, 0.16),
    "tan": (0.78, 0.54, 0.35),
    "rosy": (0.72, 0.44, 0.35),
    "red": (0.76, 0.29, 0.12),
    "dark": (0.47, 0.23, 0.11),
}
_VEIN, _ARTERY = (0.68, 0.42, 0.46), (0.90, 0.58, 0.54)  # what a vessel of full width lets through


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye as the disease has made it; `seed` fixes what disease does not change.

    `cup` is the vertical cup-to-disc ratio; `swelling`, `tessellation`, `haze` and `narrowing` go from 0 to 1;
    `crescent` is the width of peripapillary atrophy in disc radii; `beading` and `nicking` mark the vessels.
    """

    seed: str
    side: Literal["right", "left"]
    cup: float = 0.32
    swelling: float = 0.0
    pallor: float = 0.0
    tessellation: float = 0.12
    crescent: float = 0.0
    haze: float = 0.0
    narrowing: float = 0.0
    beading: float = 0.0
    nicking: bool = False
    congested: str = ""
    palette: str = ""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Where things are in one eye, and how large its disc is."""

    disc: Point
    fovea: Point
    disc_radius: float
    palette: str
    plexus_seed: str


@dataclass(slots=True)
class Canvas:
    """The picture in the making (h, w, 3), the eye's anatomy, and its vessels; lesions paint onto `image`."""

    image: Field
    anatomy: Anatomy
    plexus: Plexus
    shape: tuple[int, int] = (SIZE, SIZE)
    vessel_mask: Field = field(default_factory=lambda: np.zeros((SIZE, SIZE)))

    def pixel(self, point: Point) -> Point:
        """Pixel coordinates of a position."""
        return _MIDDLE + point[0] * RADIUS, _MIDDLE + point[1] * RADIUS

    def distance(self, point: Point) -> Field:
        """The distance of each pixel from a position, in field radii."""
        x, y = pixel_grid(self.shape)
        px, py = self.pixel(point)
        return np.hypot(x - px, y - py) / RADIUS


def anatomy_of(eye: Eye) -> Anatomy:
    """The unchanging layout of an eye."""
    rng = rng_for("retina", eye.seed)
    disc = (float(rng.uniform(0.46, 0.66)), float(rng.uniform(-0.10, 0.05)))
    fovea = (disc[0] - float(rng.uniform(0.62, 0.70)), disc[1] + float(rng.uniform(0.02, 0.10)))
    names = list(_PALETTES)
    palette = eye.palette or names[int(rng.integers(len(names)))]
    return Anatomy(disc, fovea, float(rng.uniform(0.118, 0.138)), palette, eye.seed)


def draw_eye(eye: Eye) -> Canvas:
    """Choroid, pigment epithelium, nerve fibres, vessels and disc, before lesions and the camera."""
    anatomy = anatomy_of(eye)
    plexus = grow_plexus(
        anatomy.plexus_seed,
        anatomy.disc,
        anatomy.fovea,
        narrowing=eye.narrowing,
        beading=eye.beading,
        congested=eye.congested,
    )
    canvas = Canvas(np.zeros((SIZE, SIZE, 3)), anatomy, plexus)
    _choroid(canvas, eye)
    _macula(canvas)
    _nerve_fibres(canvas)
    _disc(canvas, eye)
    _vessels(canvas, eye)
    return canvas


def develop(canvas: Canvas, eye: Eye) -> NDArray[np.uint8]:
    """Lens, illumination and film: haze, vignette, noise, the round aperture; `(448, 448, 3)`."""
    rng = rng_for("camera", eye.seed)
    image = canvas.image
    x, y = pixel_grid(canvas.shape)
    u, v = (x - _MIDDLE) / RADIUS, (y - _MIDDLE) / RADIUS
    r2 = u**2 + v**2
    tilt = rng.uniform(-0.13, 0.13, 2)
    light = 1.06 - 0.36 * r2 + tilt[0] * u + tilt[1] * v
    image = image * light[..., None]
    blur = 0.55 + 4.0 * eye.haze
    image = np.stack([ndimage.gaussian_filter(image[..., c], blur) for c in range(3)], axis=-1)
    if eye.haze:
        veil = np.array((0.52, 0.46, 0.34)) * (0.9 + 0.12 * smooth_field(rng, canvas.shape, 70.0))[..., None]
        image = image * (1 - 0.62 * eye.haze) + 0.62 * eye.haze * veil * np.clip(light, 0.2, 1.2)[..., None]
    # Light that the iris scatters reaches the rim of the field as a pale, bluish or greenish crescent.
    angle, strength = rng.uniform(0, 2 * np.pi), rng.choice([0.0, 0.0, 0.12, 0.25])
    rim = smoothstep(0.75, 1.05, np.sqrt(r2)) * np.clip(np.cos(np.arctan2(v, u) - angle), 0, 1) ** 2
    image = image + strength * rim[..., None] * np.array((0.55, 0.62, 0.50))
    grain = rng.standard_normal((*canvas.shape, 3))
    image = image + 0.012 * ndimage.gaussian_filter(grain, (0.6, 0.6, 0)) * 1.6
    image *= smoothstep(1.004, 0.992, np.sqrt(r2))[..., None]
    pixels = to_pixels(image)
    return pixels if eye.side == "right" else np.ascontiguousarray(pixels[:, ::-1])


def _choroid(canvas: Canvas, eye: Eye) -> None:
    rng = rng_for("choroid", eye.seed)
    base = np.array(_PALETTES[canvas.anatomy.palette]) * (1 + 0.04 * rng.standard_normal(3))
    texture = 0.035 * fractal_field(rng, canvas.shape, (40.0, 14.0)) + 0.012 * smooth_field(rng, canvas.shape, 1.6)
    image = base * (1.0 + texture)[..., None]
    # Choroidal vessels: pale ribbons that wind between pigment, seen where the epithelium is thin.
    ribbons = _ribbons(rng, canvas)
    strength = eye.tessellation * smoothstep(0.1, 0.45, canvas.distance(canvas.anatomy.fovea))
    image *= 1.0 + strength[..., None] * (ribbons[..., None] * np.array((0.26, 0.36, 0.30)) - 0.20)
    canvas.image = image


def _ribbons(rng: np.random.Generator, canvas: Canvas) -> Field:
    """Ribbons that run roughly towards the macula, from noise that is longer along the radius than around it."""
    px, py = canvas.pixel(canvas.anatomy.fovea)
    x, y = pixel_grid(canvas.shape)
    warp = 7.0 * smooth_field(rng, canvas.shape, 12.0)
    r, theta = np.hypot(x - px + warp, y - py - warp) + 40.0, np.arctan2(y - py - warp, x - px + warp)
    total = np.zeros(canvas.shape)
    for along, across in ((15.0, 3.6), (10.0, 2.6)):
        noise = ndimage.gaussian_filter(rng.standard_normal((220, 300)), (along * 0.6, across), mode="wrap")
        noise /= noise.std()
        value = ndimage.map_coordinates(noise, [r * 0.45, theta * 300 / (2 * np.pi)], order=1, mode="grid-wrap")
        total = np.maximum(total, smoothstep(0.55, 0.0, np.abs(value)))
    result: Field = ndimage.gaussian_filter(total, 0.9)
    return result


def _macula(canvas: Canvas) -> None:
    d = canvas.distance(canvas.anatomy.fovea)
    shade = 0.30 * np.exp(-((d / 0.19) ** 2)) + 0.20 * np.exp(-((d / 0.06) ** 2))
    canvas.image *= 1.0 - shade[..., None] * np.array((0.55, 0.85, 0.75))
    mix(canvas.image, 0.28 * np.exp(-((d / 0.010) ** 2)), (1.0, 0.85, 0.6))


def _nerve_fibres(canvas: Canvas) -> None:
    """Fine bright striae that fan out from the disc, strongest above and below it."""
    x, y = pixel_grid(canvas.shape)
    px, py = canvas.pixel(canvas.anatomy.disc)
    theta = np.arctan2(y - py, x - px)
    rng = rng_for("fibres", canvas.anatomy.plexus_seed)
    waves = sum(np.sin(n * theta + p) for n, p in zip(range(60, 150, 13), rng.uniform(0, 6.28, 7), strict=True))
    d = canvas.distance(canvas.anatomy.disc)
    strength = 0.010 * np.abs(np.sin(theta)) * np.exp(-(((d - 0.25) / 0.22) ** 2))
    canvas.image *= (1.0 + strength * waves + 2.2 * strength)[..., None]


def _disc(canvas: Canvas, eye: Eye) -> None:
    rng = rng_for("disc", eye.seed)
    x, y = pixel_grid(canvas.shape)
    (px, py), radius = canvas.pixel(canvas.anatomy.disc), canvas.anatomy.disc_radius * (1 + 0.28 * eye.swelling)
    u, v = (x - px) / (RADIUS * radius * 0.92), (y - py) / (RADIUS * radius)
    r = np.hypot(u, v)
    base = np.array(_PALETTES[canvas.anatomy.palette])
    pale = np.array((0.97, 0.86, 0.66))
    if eye.crescent:  # bare sclera temporal of the disc
        wide = np.hypot((u + 0.45 * eye.crescent) / (1 + 0.55 * eye.crescent), v / (1 + 0.25 * eye.crescent))
        patch = smoothstep(1.06, 0.94, wide + 0.03 * smooth_field(rng, canvas.shape, 8.0))
        mottle = 0.75 + 0.10 * smooth_field(rng, canvas.shape, 5.0)
        mix(canvas.image, patch * mottle, base * 0.35 + pale * 0.68)
    edge = 0.05 + 0.30 * eye.swelling
    rim = base * 0.42 + np.array((0.98, 0.78, 0.50)) * 0.62 + np.array((0.03, -0.04, -0.05)) * (1 - eye.pallor)
    rim = rim * (1 - 0.7 * eye.pallor) + pale * 0.95 * 0.7 * eye.pallor
    if eye.swelling:
        rim = rim * (1 - 0.35 * eye.swelling) + np.array((0.90, 0.45, 0.34)) * 0.35 * eye.swelling
        halo = np.exp(-(((r - 1.1) / 0.45) ** 2)) * 0.5 * eye.swelling
        mix(canvas.image, halo, base * 0.6 + pale * 0.35)
    mask = smoothstep(1.0 + edge, 1.0 - edge, r)
    # The temporal rim is thinner and so paler than the nasal one.
    shade = rim * (1.0 - 0.10 * np.clip(u, -1, 1))[..., None]
    mix(canvas.image, mask * (1 - 0.25 * eye.swelling), shade)
    if not eye.swelling:
        mix(canvas.image, 0.35 * np.exp(-(((r - 1.03) / 0.045) ** 2)), base * 0.5 + pale * 0.42)
    cup = eye.cup * (1 - eye.swelling)
    if cup > 0.05:
        cu, cv = (u + 0.18 * (1 - cup)) / (cup * 0.94), (v - 0.03) / cup
        depth = 0.22 + 0.25 * (1 - cup)
        inside = smoothstep(1.0 + depth, 1.0 - depth, np.hypot(cu, cv)) * mask
        grain = 1.0 + 0.03 * smooth_field(rng, canvas.shape, 2.2) * (cup > 0.6)
        mix(canvas.image, inside * 0.9, np.array((1.0, 0.92, 0.72)) * grain[..., None])


def _vessels(canvas: Canvas, eye: Eye) -> None:
    cup_radius = eye.cup * canvas.anatomy.disc_radius
    veins = canvas.plexus.render(canvas.pixel, RADIUS, "vein")
    arteries = canvas.plexus.render(canvas.pixel, RADIUS, "artery")
    if eye.nicking:
        # Where a stiff artery crosses a vein it hides the vein on both sides of itself.
        wide = ndimage.maximum_filter(canvas.plexus.render(canvas.pixel, RADIUS, "artery", trunks_only=True), 11)
        veins = veins * (1 - 0.95 * smoothstep(0.35, 0.9, wide) * (1 - arteries))
    hidden = 1.0 - 0.75 * eye.swelling * np.exp(-((canvas.distance(canvas.anatomy.disc) / 0.17) ** 4))
    if eye.cup > 0.6:  # vessels dive behind the rim's edge and show again on the cup's floor
        d = canvas.distance(canvas.anatomy.disc)
        hidden = hidden * (1 - 0.55 * smoothstep(cup_radius, cup_radius * 0.75, d))
    shadow = ndimage.gaussian_filter(np.maximum(veins, arteries), 1.8)
    canvas.image *= (1 - 0.09 * shadow * hidden)[..., None]
    canvas.image *= 1 - (veins * hidden)[..., None] * (1 - np.array(_VEIN))
    canvas.image *= 1 - (arteries * hidden)[..., None] * (1 - np.array(_ARTERY))
    reflex = canvas.plexus.render(canvas.pixel, RADIUS, "artery", share=0.34, trunks_only=True)
    strength = 0.30 + 0.35 * eye.narrowing
    away = smoothstep(0.9, 1.5, canvas.distance(canvas.anatomy.disc) / canvas.anatomy.disc_radius)
    bright = np.minimum(1.0, np.array(_PALETTES[canvas.anatomy.palette]) * 1.25)
    mix(canvas.image, strength * reflex * hidden * away, bright)
    canvas.vessel_mask = np.maximum(veins, arteries)
