"""Which corruptions belong to which domain, and how strong each severity is."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from corpora.errors import InputError, UnknownNameError
from indexing.training.corruptions import artefacts, blur, noise, tone
from indexing.training.corruptions.pixels import REFERENCE_SIDE

__all__ = ["SEVERITIES", "corrupt", "corruption_names", "reference_picture"]

SEVERITIES = (1, 2, 3, 4, 5)

Levels = tuple[float, float, float, float, float]
Operation = Callable[[Image.Image, float, np.random.Generator], Image.Image]


@dataclass(frozen=True)
class _Family:
    """An operation, its levels from mild to severe, and the domains whose levels differ."""

    operation: Operation
    levels: Levels
    elsewhere: Mapping[str, Levels] = field(default_factory=dict)


# Levels of pixelate, JPEG, noise, Gaussian blur, brightness, contrast and gamma are MedMNIST-C's (chest radiographs,
# then the domain's own where they differ). The others are ours, chosen by eye: defocus and motion as one length
# instead of two numbers, colour as a factor, bubbles, the dermoscope's rim and letters relative to the picture.
_FAMILIES: dict[str, _Family] = {
    "pixelate": _Family(
        tone.pixelate,
        (0.30, 0.25, 0.20, 0.15, 0.10),
        {
            "ophthalmology": (0.80, 0.60, 0.50, 0.40, 0.35),
            "pathology": (0.80, 0.60, 0.40, 0.30, 0.25),
            "dermatology": (0.70, 0.50, 0.40, 0.30, 0.25),
        },
    ),
    "jpeg": _Family(
        tone.jpeg,
        (50, 30, 15, 10, 7),
        {"ophthalmology": (30, 25, 20, 10, 5), "dermatology": (30, 20, 15, 10, 7)},
    ),
    "gaussian_noise": _Family(
        noise.gaussian_noise, (0.04, 0.08, 0.12, 0.18, 0.26), {"ophthalmology": (0.04, 0.08, 0.12, 0.16, 0.20)}
    ),
    "speckle_noise": _Family(
        noise.speckle_noise,
        (0.05, 0.15, 0.20, 0.35, 0.45),
        {"ophthalmology": (0.10, 0.15, 0.20, 0.25, 0.30), "ultrasound": (0.10, 0.15, 0.20, 0.25, 0.30)},
    ),
    "impulse_noise": _Family(noise.impulse_noise, (0.01, 0.03, 0.06, 0.09, 0.17)),
    "shot_noise": _Family(noise.shot_noise, (60, 25, 18, 10, 5)),
    "gaussian_blur": _Family(blur.gaussian_blur, (3, 5, 7, 9, 11)),
    "defocus_blur": _Family(blur.defocus_blur, (2, 3, 4, 5, 6)),
    "motion_blur": _Family(blur.motion_blur, (6, 9, 12, 16, 20)),
    "zoom_blur": _Family(blur.zoom_blur, (1.11, 1.16, 1.21, 1.26, 1.31)),
    "brightness_up": _Family(
        tone.brightness,
        (1.1, 1.2, 1.3, 1.4, 1.5),
        {"ultrasound": (1.4, 1.5, 1.6, 1.8, 2.0), "pathology": (1.1, 1.15, 1.2, 1.22, 1.25)},
    ),
    "brightness_down": _Family(
        tone.brightness,
        (0.9, 0.8, 0.7, 0.6, 0.5),
        {"ultrasound": (0.55, 0.5, 0.45, 0.4, 0.3), "pathology": (0.85, 0.8, 0.75, 0.72, 0.7)},
    ),
    "contrast_up": _Family(tone.contrast, (1.1, 1.2, 1.3, 1.4, 1.6)),
    "contrast_down": _Family(
        tone.contrast,
        (0.9, 0.8, 0.7, 0.6, 0.4),
        {"pathology": (0.8, 0.7, 0.6, 0.55, 0.5), "dermatology": (0.8, 0.7, 0.6, 0.5, 0.4)},
    ),
    "gamma_up": _Family(tone.gamma, (1.1, 1.2, 1.3, 1.4, 1.6)),
    "gamma_down": _Family(tone.gamma, (0.9, 0.8, 0.7, 0.6, 0.4)),
    "saturate": _Family(tone.saturate, (1.2, 1.4, 1.6, 1.8, 2.0)),
    "stain_deposit": _Family(artefacts.stain_deposit, (1, 2, 3, 4, 5)),
    "bubble": _Family(artefacts.bubble, (0.06, 0.09, 0.12, 0.16, 0.20)),
    "black_corner": _Family(artefacts.black_corner, (0.90, 0.84, 0.78, 0.72, 0.66)),
    "characters": _Family(artefacts.characters, (1, 2, 3, 4, 6)),
}

_TONES = ("brightness_up", "brightness_down", "contrast_up", "contrast_down")
_NOISES = ("gaussian_noise", "speckle_noise", "impulse_noise", "shot_noise")
_DOMAINS: dict[str, tuple[str, ...]] = {
    "radiology": ("pixelate", "jpeg", *_NOISES, "gaussian_blur", *_TONES, "gamma_up", "gamma_down"),
    "ophthalmology": (
        "pixelate", "jpeg", "gaussian_noise", "speckle_noise", "defocus_blur", "motion_blur",
        "brightness_down", "contrast_down",
    ),
    "ultrasound": (
        "pixelate", "jpeg", "speckle_noise", "motion_blur", "brightness_up", "brightness_down", "contrast_down",
    ),
    "pathology": (
        "pixelate", "jpeg", "defocus_blur", "motion_blur", *_TONES, "saturate", "stain_deposit", "bubble",
    ),
    "dermatology": (
        "pixelate", "jpeg", *_NOISES, "defocus_blur", "motion_blur", "zoom_blur", *_TONES,
        "black_corner", "characters",
    ),
}  # fmt: skip
# Textbooks and domains of a site's own: what can happen to any picture.
_GENERAL = ("pixelate", "jpeg", "gaussian_noise", "impulse_noise", "gaussian_blur", "motion_blur", *_TONES)


def corruption_names(domain: str | None = None) -> tuple[str, ...]:
    """The families that a domain's pictures suffer from; without a domain, every one there is.

    >>> corruption_names("ultrasound")[:3]
    ('pixelate', 'jpeg', 'speckle_noise')
    """
    return tuple(_FAMILIES) if domain is None else _DOMAINS.get(domain, _GENERAL)


def corrupt(image: Image.Image, name: str, severity: int, seed: int = 0, domain: str = "") -> Image.Image:
    """The picture after one corruption: same size, RGB; the picture given stays as it is.

    Equal arguments give equal pixels. The severities of one seed draw the same places and, but for shot noise, the same
    noise. Levels hold for pictures whose shorter side is 224 pixels: lengths grow with the picture, but noise and JPEG
    act on its own pixels, so reduce it first (`reference_picture`).

    Args:
        image: An upright picture.
        name: One of `corruption_names()`.
        severity: 1 (mild) … 5 (severe).
        seed: What noise, directions and places are drawn from.
        domain: Whose levels to use where domains differ.

    Raises:
        UnknownNameError: there is no such corruption.
        InputError: the severity is none of 1…5.
    """
    if name not in _FAMILIES:
        raise UnknownNameError("corruption", name, _FAMILIES)
    if severity not in SEVERITIES:
        raise InputError(f"The severity {severity} is none; give 1 (mild) to 5 (severe).")
    family = _FAMILIES[name]
    levels = family.elsewhere.get(domain, family.levels)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return family.operation(image, levels[severity - 1], rng)


def reference_picture(image: Image.Image) -> Image.Image:
    """The picture reduced to a shorter side of 224 pixels, for which severities are meant; a smaller one stays."""
    factor = REFERENCE_SIDE / min(image.size)
    if factor >= 1.0:
        return image.convert("RGB")
    size = (round(image.width * factor), round(image.height * factor))
    return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
