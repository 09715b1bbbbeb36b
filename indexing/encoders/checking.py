"""Looks at an encoder: does it see, does it read, do the two agree, how fast is it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import DeadEncoderError
from corpora.teaching import DrawnCase, example
from indexing.encoders.base import Encoder

__all__ = ["Agreement", "Checked", "check_encoder", "reference_cases"]

Vectors = NDArray[np.float32]

# One drawn case a domain, each with a finding that shows; the labels make the texts.
_REFERENCES = (
    ("chest_radiograph", "pleural effusion"),
    ("breast_ultrasound", None),
    ("fundus", None),
    ("dermoscopy", None),
    ("histology", None),
)
_SEED = 7
_SAME = 1e-5  # two inputs whose cosine is nearer to 1 than this got one vector
_UNIT = 1e-3


@dataclass(frozen=True, slots=True)
class Agreement:
    """Pictures against texts: `cosines[i][j]` of picture i and text j, the nearest text of each picture."""

    cosines: tuple[tuple[float, ...], ...]
    nearest: tuple[int, ...]
    own_nearest: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What was seen. `likeness` is the mean cosine between different inputs; rates are items a second.

    Where the encoder takes no pictures, what is about them is None.
    """

    spec: str
    fingerprint: str
    dim: int
    domains: tuple[str, ...]
    texts: tuple[str, ...]
    norms: tuple[float, float]
    text_likeness: float
    texts_per_second: float
    picture_likeness: float | None = None
    pictures_per_second: float | None = None
    agreement: Agreement | None = None


def reference_cases(seed: int = _SEED) -> list[DrawnCase]:
    """One drawn case of each domain that has pictures: small, the same at every call."""
    return [example(modality, finding, seed) for modality, finding in _REFERENCES]


def check_encoder(encoder: Encoder, seed: int = _SEED) -> Checked:
    """Embed reference pictures and texts and say what came out.

    Raises:
        DeadEncoderError: rows without unit length, or one vector for different inputs.
        ModelError: values that are not finite.
    """
    cases = reference_cases(seed)
    texts = tuple(f"{case.modality}: {', '.join(case.labels)}" for case in cases)
    said, text_rate = _timed(lambda: encoder.encode_texts(texts), len(texts))
    _require_alive(encoder.spec, said, "texts")
    facts = (encoder.spec, encoder.fingerprint, encoder.dim, tuple(case.domain for case in cases), texts)
    if not encoder.has_images:
        return Checked(*facts, _norms(said), _likeness(said), text_rate)
    pictures = [Image.fromarray(case.draw()).convert("RGB") for case in cases]
    seen = encoder.encode_images(pictures)
    _require_alive(encoder.spec, seen, "pictures")
    # As jobs embed: a query's features may be kept from the last time, those of a batch are not.
    _, rate = _timed(lambda: encoder.encode_prepared(np.stack(list(map(encoder.prepare, pictures)))), len(pictures))
    cosines = seen @ said.T
    nearest = tuple(int(column) for column in cosines.argmax(axis=1))
    own = sum(row == column for row, column in enumerate(nearest))
    table = tuple(tuple(round(float(value), 4) for value in row) for row in cosines)
    return Checked(
        *facts,
        norms=_norms(np.concatenate([said, seen])),
        text_likeness=_likeness(said),
        texts_per_second=text_rate,
        picture_likeness=_likeness(seen),
        pictures_per_second=rate,
        agreement=Agreement(table, nearest, own),
    )


def _timed(encode: Callable[[], Vectors], count: int) -> tuple[Vectors, float]:
    """The vectors of a second run, and items a second; the first run warms up."""
    encode()
    start = time.perf_counter()
    vectors = encode()
    return vectors, round(count / max(time.perf_counter() - start, 1e-9), 1)


def _require_alive(spec: str, vectors: Vectors, what: str) -> None:
    low, high = _norms(vectors)
    if low < 1 - _UNIT or high > 1 + _UNIT:
        raise DeadEncoderError(
            f"{spec} gives {what} vectors of length {low:.3f} to {high:.3f} instead of 1; "
            "its weights or its code are wrong."
        )
    closest = float(_pairs(vectors).max())
    if closest > 1 - _SAME:
        raise DeadEncoderError(
            f"{spec} gives different {what} one and the same vector; that tower is dead: its weights are missing, "
            "damaged, or not the ones that its configuration describes."
        )


def _norms(vectors: Vectors) -> tuple[float, float]:
    norms = np.linalg.norm(vectors, axis=1)
    return round(float(norms.min()), 4), round(float(norms.max()), 4)


def _likeness(vectors: Vectors) -> float:
    return round(float(_pairs(vectors).mean()), 4)


def _pairs(vectors: Vectors) -> Vectors:
    """The cosines of all pairs of different rows."""
    rows, columns = np.triu_indices(len(vectors), k=1)
    cosines: Vectors = (vectors @ vectors.T)[rows, columns]
    return cosines
