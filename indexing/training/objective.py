"""What a fit minimises: symmetric InfoNCE with several positives a row, and a supervised contrastive term.

The first is CLIP's loss (Radford et al. 2021) with soft targets: rows whose texts are equal, or whose labels overlap,
are positives of each other, since "normal fundus" occurs hundreds of times. The second (Khosla et al. 2020) pulls
pictures of equal labels together. The temperature is learned, from 0.07, not below 0.01.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Targets", "first_temperature", "harder", "image_image_loss", "image_text_loss", "label_loss", "numbered",
    "scale_of",
]  # fmt: skip

_OVERLAP = 0.3  # how much of a positive a shared label makes, beside an equal text


def numbered(values: Sequence[str]) -> NDArray[np.int64]:
    """A number for each value, equal ones alike, in the order in which they first come: (n,).

    >>> numbered(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    known: dict[str, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], np.int64)


class Targets:
    """Which rows are positives of each other: equal texts fully, shared labels by `credit` times their Jaccard."""

    def __init__(self, said: Sequence[str], labels: Sequence[frozenset[str]], credit: float = _OVERLAP) -> None:
        self._text, self._credit = numbered(said), credit
        names = sorted({label for row in labels for label in row})
        column = {name: number for number, name in enumerate(names)}
        self._labels = np.zeros((len(said), max(1, len(names))), np.float32)
        for row, mine in enumerate(labels):
            self._labels[row, [column[label] for label in mine]] = 1.0

    def of(self, rows: NDArray[np.int64]) -> tuple[Any, Any]:
        """Tensors (n, n) of these rows: targets of picture against text, and of picture against picture."""
        import torch

        text = (self._text[rows][:, None] == self._text[rows][None]).astype(np.float32)
        chosen = self._labels[rows]
        shared = chosen @ chosen.T
        union = chosen.sum(1)[:, None] + chosen.sum(1)[None] - shared
        overlap = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
        return torch.from_numpy(np.maximum(text, self._credit * overlap)), torch.from_numpy(overlap)


def image_text_loss(logits: Any, targets: Any, frequency: float = 1.0) -> Any:
    """Mean of both directions' cross-entropy of `logits` (n, n) with soft `targets` (n, n).

    From texts to pictures a text that m rows say (a target of 1) counts m to the power of `frequency`: 1 takes rows as
    they come, 0 every distinct text once, as one asks for it.
    """
    import torch

    rows = targets / targets.sum(1, keepdim=True)
    columns = targets.T / targets.T.sum(1, keepdim=True)
    to_text = -(rows * torch.log_softmax(logits, dim=1)).sum(1)
    to_picture = -(columns * torch.log_softmax(logits.T, dim=1)).sum(1)
    weight = (targets == 1).sum(0) ** (frequency - 1)
    return (to_text.mean() + (to_picture * weight / weight.mean()).mean()) / 2


def image_image_loss(logits: Any, overlap: Any) -> Any:
    """Supervised contrastive loss of pictures; a row is no positive of itself, one without positives counts nothing."""
    import torch

    itself = torch.eye(len(overlap), dtype=torch.bool, device=overlap.device)
    positives = overlap.masked_fill(itself, 0.0)
    logs = torch.log_softmax(logits.masked_fill(itself, -1e9), dim=1)
    weight = positives.sum(1)
    has = weight > 0
    return (-(positives * logs).sum(1)[has] / weight[has]).mean() if bool(has.any()) else logits.sum() * 0.0


def label_loss(logits: Any, labels: Any) -> Any:
    """Cross-entropy of pictures against prototypes of labels: `logits` and 0/1 `labels`, both (n, labels).

    A picture of several labels is shared between them; one without any counts nothing.
    """
    import torch

    count = labels.sum(1)
    has = count > 0
    told = -(labels * torch.log_softmax(logits, dim=1)).sum(1)
    return (told[has] / count[has]).mean() if bool(has.any()) else logits.sum() * 0.0


def harder(logits: Any, targets: Any, alike: Any, times: float) -> Any:
    """The `logits` (n, n) with each negative that is `alike` (bool, n × n) counted so many times."""
    return logits + float(np.log(times)) * (alike & (targets == 0))


def first_temperature() -> Any:
    """The learned logarithm of 1/temperature, at its start."""
    import torch

    return torch.nn.Parameter(torch.tensor(float(np.log(1 / 0.07))))


def scale_of(temperature: Any) -> Any:
    """1/temperature, at most 100."""
    return temperature.clamp(max=float(np.log(100.0))).exp()
