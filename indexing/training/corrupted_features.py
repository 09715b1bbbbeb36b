"""Tower features of pictures as bad equipment and bad copies leave them: what a router must not take for strange, and
what heads learn from too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.images import ImageStore
from indexing.encoders.looks import WHOLE, Look, joined
from indexing.encoders.towers import ImageTower
from indexing.training.corruptions import SEVERITIES, corrupt, corruption_names, reference_picture
from indexing.training.home_features import HomeFeatures, Row

__all__ = ["corrupted_features", "worn"]

_BATCH = 32

Vectors = NDArray[np.float32]


def corrupted_features(
    rows: Sequence[Row],
    store: ImageStore,
    tower: ImageTower,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda *_: None,
    looks: Sequence[Look] = (WHOLE,),
) -> Vectors:
    """Features (n, `width_of`) of each row's picture, so looked at, under a corruption of its domain whose family and
    severity are drawn at random; every look sees the same corrupted picture.

    Raises:
        SourceError: a picture of the store cannot be read.
    """
    rng = np.random.default_rng(seed)
    parts: list[Vectors] = []
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        pictures = [_corrupted(row, store, rng) for row in batch]
        parts.append(joined([tower.features(np.stack([look.prepare(one) for one in pictures])) for look in looks]))
        progress(start + len(batch), len(rows))
    return np.concatenate(parts)


def worn(
    features: HomeFeatures,
    rows: Sequence[Row],
    chosen: NDArray[np.bool_],
    store: ImageStore,
    tower: ImageTower,
    looks: Sequence[Look] = (WHOLE,),
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> HomeFeatures:
    """The features of the rows with those of chosen (n,) pictures, so looked at, corrupted; of others nothing."""
    seen = corrupted_features(
        [rows[number] for number in np.flatnonzero(chosen).tolist()], store, tower, seed, progress, looks
    )
    images = np.zeros((len(rows), seen.shape[1]), np.float32)
    images[chosen] = seen
    return replace(features, images=images)


def _corrupted(row: Row, store: ImageStore, rng: np.random.Generator) -> Image.Image:
    names = corruption_names(row.record.domain)
    name, severity = names[int(rng.integers(len(names)))], int(rng.choice(SEVERITIES))
    picture = reference_picture(store.open(row.digest))
    return corrupt(picture, name, severity, int(rng.integers(2**31)), row.record.domain)
