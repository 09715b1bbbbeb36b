"""Pictures as arrays and back, and what every corruption asks of a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["REFERENCE_SIDE", "Pixels", "channels", "from_pixels", "length_scale", "to_pixels"]

Pixels = NDArray[np.float32]

REFERENCE_SIDE = 224
_GREY = 2.0 / 255.0


def to_pixels(image: Image.Image) -> Pixels:
    """The picture as (h, w, 3), float32, 0…1."""
    return np.asarray(image.convert("RGB"), dtype=np.float32) / np.float32(255.0)


def from_pixels(pixels: Pixels) -> Image.Image:
    """The inverse of `to_pixels`; values outside 0…1 are clipped."""
    return Image.fromarray((np.clip(pixels, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))


def channels(pixels: Pixels) -> int:
    """1 for a picture that is grey in colour, else 3: the noise of a grey detector has no colour either."""
    spread = pixels.max(axis=2) - pixels.min(axis=2)
    return 1 if float(spread.mean()) < _GREY else 3


def length_scale(image: Image.Image) -> float:
    """What a length at the reference size measures in this picture: its shorter side over 224."""
    return min(image.size) / REFERENCE_SIDE
