"""Where in a picture a likeness comes from: what of it is lost when a part is hidden.

Occlusion (M. Zeiler and R. Fergus, ECCV 2014) asks the encoder itself and nothing about its layers, so that the same
map holds for convolutional towers, vision transformers and whatever a site brings, heads and site adapters included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from corpora.records import Region
from indexing.encoders.base import Encoder

__all__ = ["SimilarityMap", "occlusion_map", "overlay", "strongest_region"]

_CELLS = 7
_WINDOW = 2
_AT_A_TIME = 16
_SIDE = 448  # of the picture that is asked: encoders see no more than that
_HALF = 0.5
_STRONG = (255, 92, 0)
_WEAK = (0, 112, 255)

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class SimilarityMap:
    """How much each part of a picture adds to its likeness to something else.

    `grid` (rows, columns) holds the loss of cosine where that part is hidden: positive parts make the match, negative
    ones speak against it. `cosine` is the likeness of the whole picture.
    """

    grid: Vectors
    cosine: float

    @property
    def shares(self) -> Vectors:
        """The grid scaled to −1…1 by its largest value."""
        top = float(np.abs(self.grid).max())
        return self.grid / top if top > 0 else self.grid


def occlusion_map(encoder: Encoder, image: Image.Image, target: Vectors, cells: int = _CELLS) -> SimilarityMap:
    """The map of a picture against a unit vector of the same space: of a text, or of another picture.

    Windows of two by two cells are hidden in turn under a blurred copy of the picture, which takes detail away and
    leaves brightness; a cell's value is the mean loss of the windows that hide it. Takes (cells + 1)² forward passes.

    Args:
        encoder: The one of the domain.
        image: Upright RGB.
        target: (d,), unit.
        cells: In each direction; at least 2.
    """
    small = image.convert("RGB")
    small.thumbnail((_SIDE, _SIDE))
    blurred = small.filter(ImageFilter.GaussianBlur(max(small.size) / 10))
    boxes = [
        _box(row, column, cells, small.size)
        for row in range(1 - _WINDOW, cells)
        for column in range(1 - _WINDOW, cells)
    ]
    scores = np.empty(len(boxes))
    whole = float(encoder.encode_prepared(encoder.prepare(small)[None])[0] @ target)
    for start in range(0, len(boxes), _AT_A_TIME):
        hidden = [encoder.prepare(_hidden(small, blurred, box)) for box in boxes[start : start + _AT_A_TIME]]
        scores[start : start + len(hidden)] = encoder.encode_prepared(np.stack(hidden)) @ target
    losses = (whole - scores).reshape(cells + _WINDOW - 1, cells + _WINDOW - 1)
    grid = sum(
        losses[row : row + cells, column : column + cells] for row in range(_WINDOW) for column in range(_WINDOW)
    )
    return SimilarityMap(np.asarray(grid / _WINDOW**2, np.float32), whole)


def strongest_region(found: SimilarityMap, size: tuple[int, int]) -> Region | None:
    """The box, in pixels of a picture of this size, around the connected cells above half of the map's peak.

    None where no part makes the match, or where there is none: a cosine of 0 or less.
    """
    from scipy import ndimage

    grid = found.grid
    if found.cosine <= 0 or float(grid.max()) <= 0:
        return None
    named, _ = ndimage.label(grid >= _HALF * grid.max())
    rows, columns = np.nonzero(named == named[np.unravel_index(int(grid.argmax()), grid.shape)])
    high, wide = size[1] / grid.shape[0], size[0] / grid.shape[1]
    return Region(
        int(columns.min() * wide),
        int(rows.min() * high),
        max(int((columns.max() + 1) * wide), int(columns.min() * wide) + 1),
        max(int((rows.max() + 1) * high), int(rows.min() * high) + 1),
    )


def overlay(image: Image.Image, found: SimilarityMap, side: int = 512) -> Image.Image:
    """The picture in grey, at most `side` pixels, under the map: orange makes the match, blue speaks against it."""
    shown = image.convert("L").convert("RGB")
    shown.thumbnail((side, side))
    shares = found.shares
    for colour, part in ((_STRONG, np.clip(shares, 0, 1)), (_WEAK, np.clip(-shares, 0, 1))):
        mask = Image.fromarray((part * 170).astype(np.uint8)).resize(shown.size, Image.Resampling.BICUBIC)
        shown.paste(Image.new("RGB", shown.size, colour), mask=mask)
    return shown


def _box(row: int, column: int, cells: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    wide, high = size[0] / cells, size[1] / cells
    return (
        max(0, round(column * wide)),
        max(0, round(row * high)),
        min(size[0], round((column + _WINDOW) * wide)),
        min(size[1], round((row + _WINDOW) * high)),
    )


def _hidden(image: Image.Image, blurred: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    shown = image.copy()
    shown.paste(blurred.crop(box), box[:2])
    return shown
