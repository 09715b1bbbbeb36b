"""Exposure, contrast, colour, and what storing a picture costs it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance

from indexing.training.corruptions.pixels import REFERENCE_SIDE, from_pixels, to_pixels

__all__ = ["brightness", "contrast", "gamma", "jpeg", "pixelate", "saturate"]


def pixelate(image: Image.Image, level: float, _rng: np.random.Generator) -> Image.Image:
    """Stored too small: reduced to a shorter side of `level` × 224 pixels, and enlarged again in blocks."""
    rgb = image.convert("RGB")
    factor = level * REFERENCE_SIDE / min(rgb.size)
    small = (max(1, round(rgb.width * factor)), max(1, round(rgb.height * factor)))
    return rgb.resize(small, Image.Resampling.BOX).resize(rgb.size, Image.Resampling.NEAREST)


def jpeg(image: Image.Image, level: float, _rng: np.random.Generator) -> Image.Image:
    """Stored as JPEG of quality `level`."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=int(level))
    with Image.open(buffer) as opened:
        return opened.convert("RGB")


def brightness(image: Image.Image, level: float, _rng: np.random.Generator) -> Image.Image:
    """Exposed `level` times as long."""
    return ImageEnhance.Brightness(image.convert("RGB")).enhance(level)


def contrast(image: Image.Image, level: float, _rng: np.random.Generator) -> Image.Image:
    """The distance of each value from the mean grey times `level`."""
    return ImageEnhance.Contrast(image.convert("RGB")).enhance(level)


def gamma(image: Image.Image, level: float, _rng: np.random.Generator) -> Image.Image:
    """Each value (0…1) to the power of `level`: above 1 the middle tones darken."""
    return from_pixels(to_pixels(image) ** np.float32(level))


def saturate(image: Image.Image, level: float, _rng: np.random.Generator) -> Image.Image:
    """Stained or photographed in stronger colours: the distance of each colour from its grey times `level`."""
    return ImageEnhance.Color(image.convert("RGB")).enhance(level)
