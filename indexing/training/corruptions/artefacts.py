"""Things that lie on or in front of the specimen: stain, air bubbles, the dermoscope's rim, burnt-in letters."""

from __future__ import annotations

import string

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from indexing.training.corruptions.pixels import Pixels, from_pixels, length_scale, to_pixels

__all__ = ["black_corner", "bubble", "characters", "stain_deposit"]

# Precipitated haematoxylin, eosin, Giemsa, tissue ink, dirt.
_STAINS = np.array([(58, 34, 96), (150, 40, 90), (44, 52, 120), (28, 60, 44), (62, 44, 30)], np.float32) / 255.0
_BUBBLES = 3
_LETTERS = string.ascii_uppercase + string.digits


def stain_deposit(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """`level` irregular spots of precipitated stain or ink, nearly opaque, with soft rims."""
    pixels = to_pixels(image)
    side = min(image.size)
    for _ in range(int(level)):
        centre = rng.uniform(0.1, 0.9, 2) * image.size
        mask = _blob(image.size, centre, side * rng.uniform(0.06, 0.13), rng)
        grain = 0.85 + 0.15 * rng.random((*mask.shape, 1), dtype=np.float32)
        colour = _STAINS[rng.integers(len(_STAINS))] * grain
        pixels = pixels + (0.9 * mask[..., None]) * (colour - pixels)
    return from_pixels(pixels)


def bubble(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Three air bubbles under the cover glass, of radius up to `level` × the shorter side: a dark rim that bends the
    light, a bright crescent inside it, and a paler, unsharp middle."""
    pixels = to_pixels(image)
    soft = to_pixels(image.convert("RGB").filter(ImageFilter.GaussianBlur(2.5 * length_scale(image))))
    y, x = np.mgrid[: image.height, : image.width].astype(np.float32)
    for _ in range(_BUBBLES):
        (across, down), radius = rng.uniform(0.1, 0.9, 2) * image.size, level * min(image.size) * rng.uniform(0.6, 1.0)
        away = np.hypot(x - across, y - down) / radius
        inside = np.clip((1.0 - away) * radius, 0.0, 1.0)[..., None]
        pixels = pixels + inside * (0.75 * soft + 0.25 - pixels)
        rim = np.exp(-(((away - 0.97) / 0.06) ** 2))[..., None]
        lit = np.exp(-(((away - 0.84) / 0.06) ** 2)) * np.clip((across - x + down - y) / (1.4 * radius), 0.0, 1.0)
        pixels = pixels * (1.0 - 0.65 * rim) + 0.6 * lit[..., None]
    return from_pixels(pixels)


def black_corner(image: Image.Image, level: float, _rng: np.random.Generator) -> Image.Image:
    """The dark rim of a dermoscope: black outside a circle of radius `level` × half the diagonal."""
    pixels = to_pixels(image)
    y, x = np.mgrid[: image.height, : image.width].astype(np.float32)
    half = np.hypot(*image.size) / 2
    away = np.hypot(x - (image.width - 1) / 2, y - (image.height - 1) / 2)
    seen = np.clip((level * half - away) / (0.03 * half) + 0.5, 0.0, 1.0)
    return from_pixels(pixels * seen[..., None])


def characters(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """`level` short words of capital letters and digits, white or black, burnt into the picture at drawn places."""
    written = image.convert("RGB")
    pen = ImageDraw.Draw(written)
    for _ in range(int(level)):
        font = ImageFont.load_default(max(6.0, min(image.size) * float(rng.uniform(0.07, 0.12))))
        word = "".join(rng.choice(list(_LETTERS), int(rng.integers(3, 8))))
        left, top, right, bottom = pen.textbbox((0, 0), word, font=font)
        room = max(1.0, image.width - (right - left)), max(1.0, image.height - (bottom - top))
        place = (float(rng.uniform(0, room[0]) - left), float(rng.uniform(0, room[1]) - top))
        pen.text(place, word, font=font, fill=(255, 255, 255) if rng.random() < 0.7 else (0, 0, 0))
    return written


def _blob(size: tuple[int, int], centre: NDArray[np.floating], radius: float, rng: np.random.Generator) -> Pixels:
    """The cover (h, w), 0…1, of a spot whose outline wobbles."""
    angles = np.linspace(0.0, 2 * np.pi, 90, endpoint=False)
    outline = np.ones_like(angles)
    for wave in range(2, 9):
        outline += rng.normal(0.0, 0.35 / wave) * np.cos(wave * angles + rng.uniform(0.0, 2 * np.pi))
    reach = radius * np.maximum(outline, 0.3)
    points = np.stack([centre[0] + reach * np.cos(angles), centre[1] + reach * np.sin(angles)], axis=1)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in points], fill=255)
    softened = mask.filter(ImageFilter.GaussianBlur(max(0.6, radius * 0.06)))
    return np.asarray(softened, np.float32) / np.float32(255.0)
