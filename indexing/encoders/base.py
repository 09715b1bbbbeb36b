"""What every encoder is: pictures and texts into unit vectors of one space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import ModelError

__all__ = ["Encoder", "EncoderContext", "Factory", "projected", "unit_rows"]

Vectors = NDArray[np.float32]
_FEW = 4


@runtime_checkable
class Encoder(Protocol):
    """Maps pictures and texts to unit vectors of one space.

    `fingerprint` names weights and settings: vectors of two encoders may be compared only if it is equal.
    `encode_images` is `encode_prepared` of `prepare` of each picture; jobs call the two apart, so that preparing
    (threads) and encoding (one model) overlap. Encoding is safe from several threads.
    """

    spec: str
    dim: int
    fingerprint: str
    has_images: bool

    def prepare(self, image: Image.Image) -> Vectors:
        """One upright RGB picture as the array (c, h, w) that the model takes."""
        ...

    def encode_prepared(self, batch: Vectors) -> Vectors:
        """Vectors (n, dim), unit rows, of prepared pictures (n, c, h, w)."""
        ...

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Vectors (n, dim), unit rows, of upright RGB pictures."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Vectors (n, dim), unit rows; long texts are pooled over their sentences."""
        ...


@dataclass(frozen=True, slots=True)
class EncoderContext:
    """What an encoder is opened with: `device` (cpu, cuda, cuda:1), the folder that relative paths start from.

    `licences` is `any`, or `open` where only weights under open licences may be used.
    """

    device: str = "cpu"
    folder: Path = Path()
    licences: str = "any"


Factory = Callable[[str, EncoderContext], Encoder]


def unit_rows(vectors: NDArray[np.floating]) -> Vectors:
    """The rows scaled to length 1, float32; a zero row stays zero.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    values = np.asarray(vectors, dtype=np.float32)
    if not np.isfinite(values).all():
        raise ModelError("The encoder produced values that are not finite; its weights are damaged.")
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    scaled: Vectors = np.divide(values, norms, out=np.zeros_like(values), where=norms > 0)
    return scaled


def projected(rows: Vectors, matrix: Vectors) -> Vectors:
    """The product of rows (n, d) and a matrix (d, k), in the calling thread alone where the rows are few.

    BLAS would start its threads for one row already, gain nothing, and leave them looking for work: on two cores that
    made the towers of the questions asked next two to three times slower.
    """
    return rows @ matrix if len(rows) > _FEW else np.einsum("nd,dk->nk", rows, matrix)
