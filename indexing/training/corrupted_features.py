"""Tower features of pictures as bad equipment and bad copies leave them: what a router must not take for strange."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.images import ImageStore
from indexing.encoders.towers import ImageTower
from indexing.training.corruptions import SEVERITIES, corrupt, corruption_names, reference_picture
from indexing.training.home_features import Row

__all__ = ["corrupted_features"]

_BATCH = 32

Vectors = NDArray[np.float32]


def corrupted_features(
    rows: Sequence[Row],
    store: ImageStore,
    tower: ImageTower,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Vectors:
    """Features (n, d) of each row's picture under a corruption of its domain, family and severity drawn at random.

    Raises:
        SourceError: a picture of the store cannot be read.
    """
    rng = np.random.default_rng(seed)
    parts: list[Vectors] = []
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        parts.append(tower.features(np.stack([tower.prepare(_corrupted(row, store, rng)) for row in batch])))
        progress(start + len(batch), len(rows))
    return np.concatenate(parts)


def _corrupted(row: Row, store: ImageStore, rng: np.random.Generator) -> Image.Image:
    names = corruption_names(row.record.domain)
    name, severity = names[int(rng.integers(len(names)))], int(rng.choice(SEVERITIES))
    picture = reference_picture(store.open(row.digest))
    return corrupt(picture, name, severity, int(rng.integers(2**31)), row.record.domain)
