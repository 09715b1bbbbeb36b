"""Vectors of a home's pictures and texts by any encoder: for a fit on it, and to measure it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from corpora.images import ImageStore
from indexing.describe import joint_text
from indexing.encoders.base import Encoder
from indexing.training.home_features import Row

__all__ = ["picture_vectors", "text_vectors"]

_BATCH = 16

Vectors = NDArray[np.float32]


def picture_vectors(
    encoder: Encoder, rows: Sequence[Row], store: ImageStore, progress: Callable[[int, int], None]
) -> Vectors:
    """Vectors (n, dim) of the rows' pictures; `progress` is told how many are done, of how many.

    Raises:
        SourceError: a picture cannot be read.
        ModelError: the encoder takes texts only.
    """
    parts = []
    for start in range(0, len(rows), _BATCH):
        prepared = [encoder.prepare(store.open(row.digest)) for row in rows[start : start + _BATCH]]
        parts.append(encoder.encode_prepared(np.stack(prepared)))
        progress(min(start + _BATCH, len(rows)), len(rows))
    return np.concatenate(parts)


def text_vectors(encoder: Encoder, rows: Sequence[Row]) -> Vectors:
    """Vectors (n, dim) of the rows' texts, each distinct one encoded once."""
    said = [joint_text(row.record) for row in rows]
    distinct = list(dict.fromkeys(said))
    place = {text: number for number, text in enumerate(distinct)}
    vectors = encoder.encode_texts(distinct)
    return np.asarray(vectors[[place[text] for text in said]], np.float32)
