"""Blur: out of focus, moved, zoomed while exposed. Lengths are in pixels of a picture whose shorter side is 224."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from indexing.training.corruptions.pixels import Pixels, from_pixels, length_scale, to_pixels

__all__ = ["defocus_blur", "gaussian_blur", "motion_blur", "zoom_blur"]

_ZOOM_STEPS = 9


def gaussian_blur(image: Image.Image, level: float, _rng: np.random.Generator) -> Image.Image:
    """A Gaussian over a window of `level` pixels; its standard deviation follows OpenCV's rule, 0.15·level + 0.35."""
    sigma = (0.15 * level + 0.35) * length_scale(image)
    return image.convert("RGB").filter(ImageFilter.GaussianBlur(sigma))


def defocus_blur(image: Image.Image, level: float, _rng: np.random.Generator) -> Image.Image:
    """Out of focus: each point becomes a disk of radius `level` pixels."""
    radius = level * length_scale(image)
    reach = int(np.ceil(radius))
    away = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
    disk = np.clip(radius + 0.5 - away, 0.0, 1.0)  # the rim is counted by how much of a pixel it covers
    return from_pixels(_convolved(to_pixels(image), disk.astype(np.float32)))


def motion_blur(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Moved while exposed: each point becomes a line of `level` pixels in a drawn direction."""
    length = max(level * length_scale(image), 1.0)
    angle = rng.uniform(0.0, np.pi)
    reach = int(np.ceil(length / 2)) + 1
    along = np.linspace(-length / 2, length / 2, int(8 * length))
    line, _, _ = np.histogram2d(
        reach + 0.5 + along * np.sin(angle), reach + 0.5 + along * np.cos(angle),
        bins=2 * reach + 1, range=[[0, 2 * reach + 1]] * 2,
    )  # fmt: skip
    return from_pixels(_convolved(to_pixels(image), line.astype(np.float32)))


def zoom_blur(image: Image.Image, level: float, _rng: np.random.Generator) -> Image.Image:
    """Moved towards the skin while exposed: the mean of the picture enlarged 1 to `level` times about its middle."""
    rgb = image.convert("RGB")
    width, height = rgb.size
    total = np.zeros((height, width, 3), np.float32)
    for factor in np.linspace(1.0, level, _ZOOM_STEPS):
        dx, dy = width * (1 - 1 / factor) / 2, height * (1 - 1 / factor) / 2
        enlarged = rgb.resize(rgb.size, Image.Resampling.BILINEAR, box=(dx, dy, width - dx, height - dy))
        total += to_pixels(enlarged)
    return from_pixels(total / np.float32(_ZOOM_STEPS))


def _convolved(pixels: Pixels, kernel: Pixels) -> Pixels:
    """The picture (h, w, 3) under a kernel (k, k) with odd k, its border mirrored; by Fourier transform."""
    reach = kernel.shape[0] // 2
    padded = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    shape = padded.shape[:2]
    spectrum = np.fft.rfft2(padded, axes=(0, 1)) * np.fft.rfft2(kernel / kernel.sum(), shape)[..., None]
    whole = np.fft.irfft2(spectrum, shape, axes=(0, 1))
    return np.asarray(whole[2 * reach :, 2 * reach :], np.float32)
