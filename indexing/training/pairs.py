"""Pairs of pictures and texts to fit on and to judge by, and the figures of a space on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pairs", "figures_of", "label_precision", "recall_at_k"]

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """Pictures with their texts: features (n, d_image) and (n, d_text), the texts, labels and patients themselves.

    `modalities` of the pictures, and features (d_text,) of labels as texts (`label_texts`), serve fits whose options
    ask for them.
    """

    images: Vectors
    texts: Vectors
    said: Sequence[str]
    labels: Sequence[frozenset[str]]
    patients: Sequence[str]
    modalities: Sequence[str] = ()
    label_texts: Mapping[str, Vectors] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.said)

    def __add__(self, other: Pairs) -> Pairs:
        """These pairs and then those; what labels are as texts, as here."""
        return Pairs(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.texts, other.texts]),
            [*self.said, *other.said],
            [*self.labels, *other.labels],
            [*self.patients, *other.patients],
            [*self.modalities, *other.modalities],
            self.label_texts,
        )

    def rows(self, numbers: NDArray[np.int64]) -> Pairs:
        """The pairs of these rows."""
        pick = numbers.tolist()
        return Pairs(
            self.images[numbers],
            self.texts[numbers],
            [self.said[n] for n in pick],
            [self.labels[n] for n in pick],
            [self.patients[n] for n in pick],
            [self.modalities[n] for n in pick] if self.modalities else (),
            self.label_texts,
        )


def recall_at_k(images: Vectors, texts: Vectors, said: Sequence[str], k: int) -> float:
    """Share of pictures among whose k nearest distinct texts is their own; unit rows (n, d), one a pair."""
    first: dict[str, int] = {}
    for number, text in enumerate(said):
        first.setdefault(text, number)
    row = {text: number for number, text in enumerate(first)}
    scores = images @ texts[list(first.values())].T
    gold = np.array([row[text] for text in said])
    own = scores[np.arange(len(gold)), gold][:, None]
    # Half of the ties stand before: a space in which everything lies on one point finds nothing.
    before = (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2
    return float((before < k).mean())


def label_precision(images: Vectors, labels: Sequence[frozenset[str]], patients: Sequence[str], k: int = 5) -> float:
    """Share of the k nearest pictures of other patients that share a label with the asked one; unit rows (n, d)."""
    scores = images @ images.T
    names = np.array(patients)
    scores[names[:, None] == names[None]] = -np.inf
    nearest = np.argsort(-scores, axis=1)[:, :k]
    shared = []
    for row, mine in enumerate(labels):
        others = [other for other in nearest[row].tolist() if scores[row, other] > -np.inf]
        if mine and others:
            shared.append(np.mean([bool(mine & labels[other]) for other in others]))
    return float(np.mean(shared)) if shared else 0.0


def figures_of(images: Vectors, texts: Vectors, held: Pairs) -> dict[str, float]:
    """Recall and precision of unit vectors (n, d) on pairs that nothing was fitted on; no precision without labels."""
    labelled = {"label precision@5": label_precision(images, held.labels, held.patients)} if any(held.labels) else {}
    return {
        **{f"recall@{k}": recall_at_k(images, texts, held.said, k) for k in (1, 5, 10)},
        **labelled,
        "pictures": float(len(held)),
        "texts": float(len(set(held.said))),
    }
