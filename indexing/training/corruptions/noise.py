"""Noise of detectors and transmission. Grey pictures get grey noise."""

from __future__ import annotations

import numpy as np
from PIL import Image

from indexing.training.corruptions.pixels import channels, from_pixels, to_pixels

__all__ = ["gaussian_noise", "impulse_noise", "shot_noise", "speckle_noise"]


def gaussian_noise(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Electronic noise: adds a normal value of standard deviation `level` (share of the full range)."""
    pixels = to_pixels(image)
    shape = (*pixels.shape[:2], channels(pixels))
    return from_pixels(pixels + level * rng.standard_normal(shape, dtype=np.float32))


def speckle_noise(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Interference, as in ultrasound: multiplies by 1 plus a normal value of standard deviation `level`."""
    pixels = to_pixels(image)
    shape = (*pixels.shape[:2], channels(pixels))
    return from_pixels(pixels * (1.0 + level * rng.standard_normal(shape, dtype=np.float32)))


def impulse_noise(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Broken pixels: a share `level` of the values becomes black or white, each as often."""
    pixels = to_pixels(image)
    drawn = rng.random((*pixels.shape[:2], channels(pixels)), dtype=np.float32)
    struck = np.where(drawn < level / 2, np.float32(0.0), np.where(drawn > 1 - level / 2, np.float32(1.0), pixels))
    return from_pixels(struck)


def shot_noise(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Few photons: Poisson counts of which a white pixel expects `level`."""
    pixels = to_pixels(image)
    kept = pixels[..., : channels(pixels)]
    counts = rng.poisson(kept * level).astype(np.float32) / np.float32(level)
    return from_pixels(np.broadcast_to(counts, pixels.shape))
