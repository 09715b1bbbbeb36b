"""Places on a plane for vectors: PCA, then t-SNE, and how much of the neighbourhoods survives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

__all__ = ["Layout", "agreement", "lay_out"]

Vectors = NDArray[np.float32]

_COMPONENTS = 50
_PERPLEXITY = 30.0
_NEAREST = 10
_FEW = 5
_PETAL = 0.006
_GOLDEN = np.pi * (3.0 - np.sqrt(5.0))


@dataclass(frozen=True)
class Layout:
    """Places (n, 2), float32, within −1…1 and widest along the first axis.

    `trustworthiness` (Venna and Kaski, 2001), 0…1, says how far they may be believed: it is 1 where all ten neighbours
    on the plane are neighbours in the space too; None where there are too few vectors to say.
    """

    places: Vectors
    trustworthiness: float | None


def lay_out(vectors: NDArray[np.floating], seed: int = 0) -> Layout:
    """t-SNE (van der Maaten and Hinton, 2008) of unit rows (n, d), after PCA to 50 dimensions.

    Equal rows (the same picture twice, texts that repeat) are placed once and drawn as a small rosette: t-SNE would
    throw them anywhere. The same seed and library versions give the same places.
    """
    rows = np.asarray(vectors, np.float32)
    distinct, which = np.unique(np.round(rows, 4), axis=0, return_inverse=True)
    placed, trust = _placed(distinct, seed)
    return Layout(_rosettes(_upright(placed), which.reshape(-1)), trust)


def agreement(
    vectors: NDArray[np.floating], names: Sequence[str], patients: Sequence[str], nearest: int = 5
) -> tuple[float, float]:
    """How often the nearest neighbours of other patients bear the same name, and how often random ones would.

    Args:
        vectors: Unit rows (n, d), in the space itself, not on the plane.
        names: One name a row; rows without one ("") are left out.
        patients: One patient a row: their own other pictures would be found too easily.
        nearest: How many neighbours count.

    >>> agreement(np.eye(4, dtype=np.float32)[[0, 0, 1, 1]], ["a", "a", "b", "b"], ["p", "q", "r", "s"], nearest=1)
    (1.0, 0.33)
    """
    named = np.array([bool(name) for name in names], bool)
    rows = np.asarray(vectors, np.float32)[named]
    _, said = np.unique([name for name in names if name], return_inverse=True)
    _, owner = np.unique([one for one, name in zip(patients, names, strict=True) if name], return_inverse=True)
    other = owner[:, None] != owner[None]
    same = (said[:, None] == said[None]) & other
    if len(said) <= nearest or not other.any():
        return 0.0, 0.0
    scores = np.where(other, rows @ rows.T, -np.inf)
    best = np.argpartition(-scores, nearest - 1, axis=1)[:, :nearest]
    asked = np.take_along_axis(other, best, axis=1)
    found = np.take_along_axis(same, best, axis=1)[asked].mean()
    return round(float(found), 2), round(float(same.sum() / other.sum()), 2)


def _placed(rows: Vectors, seed: int) -> tuple[Vectors, float | None]:
    count = len(rows)
    if count <= _FEW:  # no neighbourhoods to speak of
        angles = 2 * np.pi * np.arange(count) / max(count, 1)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32), None
    decomposition, manifold = import_module("sklearn.decomposition"), import_module("sklearn.manifold")
    dimensions = min(_COMPONENTS, count - 1, rows.shape[1])
    reduced = decomposition.PCA(dimensions, random_state=seed).fit_transform(rows.astype(np.float64))
    if np.ptp(reduced, axis=0).max() < 1e-9:
        return np.zeros((count, 2), np.float32), None
    perplexity = min(_PERPLEXITY, (count - 1) / 3)
    method = manifold.TSNE(2, perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed, n_jobs=1)
    placed = np.asarray(method.fit_transform(reduced), np.float32)
    near = min(_NEAREST, (count - 1) // 2)
    return placed, round(float(manifold.trustworthiness(reduced, placed, n_neighbors=near)), 3)


def _upright(placed: Vectors) -> Vectors:
    """The places turned so that they are widest from left to right, as screens are, and scaled to −1…1."""
    if len(placed) < 2:
        return np.zeros_like(placed)
    centred = placed.astype(np.float64) - placed.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    widest, narrow = axes[:, 1], axes[:, 0]
    turned = centred @ np.stack([widest * np.sign(widest[0] or 1.0), narrow * np.sign(narrow[1] or 1.0)], axis=1)
    turned -= (turned.max(axis=0) + turned.min(axis=0)) / 2
    return np.asarray(turned / max(float(np.abs(turned).max()), 1e-9), np.float32)


def _rosettes(placed: Vectors, which: NDArray[np.intp]) -> Vectors:
    """The places of all rows: equal ones in a sunflower's order about their common place."""
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], which[order])  # where the rows equal to each begin
    rank = np.empty(len(which))
    rank[order] = np.arange(len(which)) - starts
    radius, turn = _PETAL * np.sqrt(rank), rank * _GOLDEN
    return np.asarray(placed[which] + np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1), np.float32)
