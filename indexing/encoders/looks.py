"""How a domain's encoder looks at a picture: as it is, and with the light, colour or frame that suit its domain.

One tower sees every look; their features stand side by side, those of the picture as it is first. So a router and a
general head, which know that first look alone, share its features with every domain. Of further looks the mean over the
tower's last map is taken, not its maximum too: measured, that is as good (docs/training.md), and heads stay small.

A look that has shipped keeps what it does: heads, stored features and indexes know it by its name and size alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from corpora.errors import ModelError

__all__ = ["WHOLE", "Look", "joined", "looks_named", "looks_of", "parts_of", "strip_of", "width_of"]

_NORM = 6  # of shades of grey; 1 would be grey world, infinity the brightest pixel
_CONTRAST = 4.0
_LEAST, _MOST = 32, 1024  # pixels of a side

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Look:
    """One way of preparing a picture: its `name`, and the side in `pixels` of the square that the tower sees.

    >>> Look("evened", 320)
    Look(name='evened', pixels=320)
    >>> str(Look("evened", 320))
    'evened@320'
    """

    name: str
    pixels: int

    def __str__(self) -> str:
        return f"{self.name}@{self.pixels}"

    def prepare(self, image: Image.Image) -> Vectors:
        """The picture as (3, pixels, pixels), values about −1…1.

        The whole picture is resized to a square, so that nothing at the border (a costophrenic angle, say) is cut;
        `centre` and `trimmed` cut, and never stand alone.
        """
        image = image.convert("RGB")
        resized = _FRAMES.get(self.name, _all)(image).resize(
            (self.pixels, self.pixels), Image.Resampling.BICUBIC, reducing_gap=3.0
        )
        seen = (_LOOKS[self.name](resized) - np.float32(127.0)) / np.float32(128.0)
        return seen.transpose(2, 0, 1)


WHOLE = Look("whole", 224)
"""The picture as it is: what every encoder sees first, and a router or a general head alone."""


def looks_of(text: str) -> tuple[Look, ...]:
    """The looks that a head's file names, as `whole@224 evened@320`.

    Raises:
        ModelError: a look or size that is not known here, or that `WHOLE` is not the first.
    """
    parts = [part.partition("@") for part in text.split()]
    known = all(name in _LOOKS and re.fullmatch("[0-9]{2,4}", pixels) for name, _, pixels in parts)
    looks = tuple(Look(name, int(pixels)) for name, _, pixels in parts) if known else ()
    if looks[:1] != (WHOLE,) or not all(_LEAST <= look.pixels <= _MOST for look in looks):
        raise ModelError(
            f"It looks at pictures in a way not known here ({text or 'none'}); update Curbside, or fit it again."
        )
    return looks


def looks_named(looks: Sequence[Look]) -> str:
    """What `looks_of` reads.

    >>> looks_named(looks_of("whole@224 balanced@224"))
    'whole@224 balanced@224'
    """
    return " ".join(str(look) for look in looks)


def strip_of(image: Image.Image, looks: Sequence[Look]) -> Vectors:
    """The looks at a picture side by side in one array (3, h, w): h is the largest one's side, w the sum of all."""
    seen = [look.prepare(image) for look in looks]
    if len(seen) == 1:
        return seen[0]
    height = max(look.pixels for look in looks)
    return np.concatenate([np.pad(part, ((0, 0), (0, height - part.shape[1]), (0, 0))) for part in seen], axis=2)


def parts_of(strips: Vectors, looks: Sequence[Look]) -> list[Vectors]:
    """The looks (n, 3, pixels, pixels), one after the other, of strips (n, 3, h, w)."""
    ends = np.cumsum([look.pixels for look in looks])
    return [strips[:, :, : look.pixels, end - look.pixels : end] for look, end in zip(looks, ends, strict=True)]


def joined(seen: Sequence[Vectors]) -> Vectors:
    """Features as a head takes them (n, `width_of`), from those (n, 2560) of each look."""
    first, *others = seen
    side_by_side: Vectors = np.concatenate([first, *(other[:, : other.shape[1] // 2] for other in others)], axis=1)
    return side_by_side


def width_of(looks: int, of_one: int) -> int:
    """How many features a head takes that has so many looks; a tower gives `of_one` of each.

    >>> width_of(1, 2560), width_of(3, 2560)
    (2560, 5120)
    """
    return of_one + (looks - 1) * (of_one // 2)


def _as_it_is(image: Image.Image) -> Vectors:
    return np.asarray(image, np.float32)


def _middle(image: Image.Image) -> Image.Image:
    """The middle, 62 % of each side: where a lesion is."""
    width, height = image.size
    x, y = round(width * 0.19), round(height * 0.19)
    return image.crop((x, y, max(x + 1, width - x), max(y + 1, height - y)))


def _inside(image: Image.Image) -> Image.Image:
    """The picture without the dark that a scanner leaves around it; as it is where its border is not dark."""
    grey = np.asarray(image.convert("L"), np.float32)
    border = float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    bright = grey > border + 20
    rows, columns = (np.flatnonzero(bright.mean(axis=axis) > 0.04) for axis in (1, 0))
    if border > 40 or len(rows) < 20 or len(columns) < 20:
        return image
    return image.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))


def _all(image: Image.Image) -> Image.Image:
    return image


def _evened(image: Image.Image) -> Vectors:
    """What differs from its surroundings, on grey: uneven light and the eye's own colour go, vessels and spots stay
    (Graham's preparation of fundus pictures, Kaggle Diabetic Retinopathy Detection 2015)."""
    around = image.filter(ImageFilter.GaussianBlur(image.width / 20))
    differs = np.asarray(image, np.float32) - np.asarray(around, np.float32)
    return np.asarray(np.clip(_CONTRAST * differs + 128, 0, 255), np.float32)


def _balanced(image: Image.Image) -> Vectors:
    """Colours as under white light: shades of grey (Finlayson and Trezzi 2004; in dermoscopy Barata et al. 2015)."""
    pixels = np.asarray(image, np.float32)
    light = (pixels**_NORM).mean(axis=(0, 1)) ** (1 / _NORM)
    return np.asarray(np.clip(pixels * (light.mean() / np.maximum(light, 1)), 0, 255), np.float32)


_LOOKS: Mapping[str, Callable[[Image.Image], Vectors]] = {
    "whole": _as_it_is,
    "evened": _evened,
    "balanced": _balanced,
    "trimmed": _as_it_is,
    "centre": _as_it_is,
}

_FRAMES: Mapping[str, Callable[[Image.Image], Image.Image]] = {"centre": _middle, "trimmed": _inside}
"""Looks that see a part of the picture."""
