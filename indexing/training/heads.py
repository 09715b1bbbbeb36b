"""Fitting a head on features computed once: the two small projections that make a domain's space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.encoders.heads import Head, Side
from indexing.encoders.looks import WHOLE, Look
from indexing.training.objective import (
    Targets,
    first_temperature,
    harder,
    image_image_loss,
    image_text_loss,
    label_loss,
    numbered,
    scale_of,
)  # fmt: skip
from indexing.training.pairs import Pairs, label_precision, recall_at_k

__all__ = ["BY_LABELS", "HeadOptions", "Progress", "fit_head", "fit_head_on_both", "head_score", "standard"]

Vectors = NDArray[np.float32]
Progress = Callable[[int, int, float, float], None]
"""Told after every epoch: epochs done, epochs at most, mean loss, validation score."""


@dataclass(frozen=True)
class HeadOptions:
    """Settings of one fit. `dim` of the space, `hidden` units of the correction, AdamW `rate` and `decay`;
    `dropout` on standardised features; weight of the picture–picture term; how much of a positive a shared label makes
    (`credit`); weight of telling labels by their `prototypes`; how many times a negative of the same modality counts
    (`negatives`); the power of its `frequency` that a text counts by; `epochs` at most, `patience` epochs without a
    better validation score before stopping.
    """

    dim: int = 256
    hidden: int = 64
    rate: float = 1e-3
    decay: float = 0.05
    dropout: float = 0.5
    noise: float = 0.1
    pictures: float = 0.5
    credit: float = 0.3
    prototypes: float = 0.0
    negatives: float = 1.0
    frequency: float = 1.0
    batch: int = 256
    epochs: int = 60
    patience: int = 12
    seed: int = 0


BY_LABELS = HeadOptions(credit=0.0, prototypes=0.3, negatives=3.0, frequency=0.5)
"""How a domain's head learns: labels are told by prototypes, not by shared texts, among negatives of the modality, and
a rare text is not lost among common ones."""


def fit_head(
    fit: Pairs,
    stop: Pairs,
    options: HeadOptions = HeadOptions(),
    start: Head | None = None,
    progress: Progress | None = None,
    looks: tuple[Look, ...] = (WHOLE,),
    keep: bool = True,
) -> Head:
    """The head that does best on the pairs `stop`; an interrupt (Ctrl-C) ends the fit and keeps the best so far.

    Args:
        fit: What it learns from.
        stop: Pairs of other patients, which choose the epoch.
        start: A head of the same shapes to start from, as the general one for a domain's.
        progress: Told after every epoch.
        looks: Those at pictures that the features are of; a `start` has its own.
        keep: Whether an interrupt keeps the best so far; else it comes through.
    """
    return _fit_by_choice(fit, stop, options, start, progress, looks, keep)[0]


def fit_head_on_both(
    fit: Pairs,
    stop: Pairs,
    more: Pairs,
    options: HeadOptions = HeadOptions(),
    start: Head | None = None,
    progress: Progress | None = None,
    looks: tuple[Look, ...] = (WHOLE,),
    keep: bool = True,
) -> tuple[Head, bool]:
    """The head that learns from `fit` and `more`, and whether it came to that; for as many epochs as do best on `stop`
    when it learns from `fit` alone.

    `more` holds the pairs of `stop`: once they have chosen, nobody's pictures lie idle. An interrupt (Ctrl-C) keeps the
    best that learned from `fit` alone, and says False. The other arguments are those of `fit_head`.
    """
    head, epochs, whole = _fit_by_choice(fit, stop, options, start, progress, looks, keep)
    if not whole:
        return head, False
    fitting = _Fitting(fit + more, options, start, head.looks)
    try:
        for _ in range(epochs):
            fitting.epoch()
    except KeyboardInterrupt:
        if not keep:
            raise
        return head, False
    return fitting.head(), True


def _fit_by_choice(
    fit: Pairs,
    stop: Pairs,
    options: HeadOptions,
    start: Head | None,
    progress: Progress | None,
    looks: tuple[Look, ...],
    keep: bool,
) -> tuple[Head, int, bool]:
    """The head of the epoch that does best on `stop`, after how many epochs that was, and False where an interrupt
    ended the fit."""
    fitting = _Fitting(fit, options, start, start.looks if start else looks)
    best, best_score, epochs = fitting.head(), -1.0, 0
    try:
        for epoch in range(options.epochs):
            loss = fitting.epoch()
            head = fitting.head()
            score = head_score(head, stop)
            if score > best_score:
                best, best_score, epochs = head, score, epoch + 1
            if progress:
                progress(epoch + 1, options.epochs, loss, score)
            if epoch + 1 - epochs > options.patience:
                break
    except KeyboardInterrupt:
        if not epochs or not keep:
            raise
        return best, epochs, False
    return best, epochs, True


def head_score(head: Head, stop: Pairs) -> float:
    """What chooses an epoch and a fit: recall at 5 and label precision at 5 on these pairs, added."""
    images = head.image(stop.images)
    return recall_at_k(images, head.text(stop.texts), stop.said, 5) + label_precision(
        images, stop.labels, stop.patients
    )


class _Fitting:
    """The module, its optimiser and the order of rows."""

    def __init__(self, fit: Pairs, options: HeadOptions, start: Head | None, looks: tuple[Look, ...]) -> None:
        import torch

        torch.manual_seed(options.seed)
        self._rng = np.random.default_rng(options.seed)
        self._options, self._size = options, len(fit)
        self._images, self._texts = torch.from_numpy(fit.images), torch.from_numpy(fit.texts)
        self._targets = Targets(fit.said, fit.labels, options.credit)
        self._labels, self._prototypes = _prototypes(fit)
        self._modality = torch.from_numpy(numbered(fit.modalities or [""] * len(fit)))
        self._module = _module(fit, options, start)
        self._looks = looks
        self._optimiser = torch.optim.AdamW(self._module.parameters(), lr=options.rate, weight_decay=options.decay)
        self._batches = max(1, len(fit) // options.batch)
        steps = options.epochs * self._batches + 1
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser,
            options.rate,
            total_steps=steps + (steps == 10),  # torch divides by zero where the warm-up has exactly one step
            pct_start=0.1,
        )

    def epoch(self) -> float:
        """One pass over the rows, but for those that fill no batch this time; the mean loss."""
        self._module.train()
        order = self._rng.permutation(self._size)
        batch = self._options.batch
        losses = [self._step(order[n * batch : (n + 1) * batch]) for n in range(self._batches)]
        return float(np.mean(losses))

    def _step(self, rows: NDArray[np.int64]) -> float:
        picture, text, scale = self._module(self._images[rows], self._texts[rows])
        pair, same = self._targets.of(rows)
        logits = scale * picture @ text.T
        if self._options.negatives != 1:
            modality = self._modality[rows]
            logits = harder(logits, pair, modality[:, None] == modality[None], self._options.negatives)
        loss = image_text_loss(logits, pair, self._options.frequency)
        loss = loss + self._options.pictures * image_image_loss(10.0 * picture @ picture.T, same)
        if self._options.prototypes and len(self._prototypes):
            told = label_loss(scale * picture @ self._module.text(self._prototypes).T, self._labels[rows])
            loss = loss + self._options.prototypes * told
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        self._schedule.step()
        return float(loss.detach())

    def head(self) -> Head:
        """The head as it is now."""
        self._module.eval()
        return Head(_side(self._module.image), _side(self._module.text), "unsaved", self._looks)


def _prototypes(fit: Pairs) -> tuple[Any, Any]:
    """Tensors: which row has which label (n, l), and the labels' features (l, d_text); of labels that have some."""
    import torch

    names = sorted({label for row in fit.labels for label in row if label in fit.label_texts})
    column = {name: number for number, name in enumerate(names)}
    labels = np.zeros((len(fit), len(names)), np.float32)
    for row, mine in enumerate(fit.labels):
        labels[row, [column[label] for label in mine if label in column]] = 1.0
    features = [fit.label_texts[name] for name in names]
    return torch.from_numpy(labels), torch.from_numpy(np.stack(features) if features else np.zeros((0, 0), np.float32))


def standard(features: Vectors) -> tuple[Vectors, NDArray[np.float64]]:
    """What standardises features (n, d) to rows of about unit length: `mean` and `scale` of a `Side`, (d,) each."""
    spread = features.std(axis=0)
    scale = 1.0 / (np.maximum(spread, np.median(spread) * 0.1 + 1e-6) * np.sqrt(features.shape[1]))
    return features.mean(axis=0), scale


def _module(fit: Pairs, options: HeadOptions, start: Head | None) -> Any:
    """The two sides as a torch module; features are standardised by the fit's own mean and spread, or as in `start`."""
    import torch

    class Tower(torch.nn.Module):
        def __init__(self, features: Vectors, side: Side | None) -> None:
            super().__init__()
            mean, scale = standard(features) if side is None else (side.mean, side.scale)
            self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
            self.register_buffer("scale", torch.from_numpy(scale.astype(np.float32)))
            self.skip = torch.nn.Linear(features.shape[1], options.dim, bias=False)
            self.down = torch.nn.Linear(features.shape[1], options.hidden, bias=False)
            self.up = torch.nn.Linear(options.hidden, options.dim, bias=False)
            torch.nn.init.orthogonal_(self.skip.weight)
            if side is not None:
                for layer, values in ((self.skip, side.skip), (self.down, side.down), (self.up, side.up)):
                    layer.weight.data = torch.from_numpy(np.ascontiguousarray(values.T))

        def forward(self, features: Any) -> Any:
            x = (features - self.mean) * self.scale
            if self.training:
                x = x + options.noise * torch.randn_like(x) / np.sqrt(x.shape[1])
                x = torch.nn.functional.dropout(x, options.dropout)
            return torch.nn.functional.normalize(self.skip(x) + self.up(torch.tanh(self.down(x))), dim=1)

    class Pair(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.image = Tower(fit.images, start.image if start else None)
            self.text = Tower(fit.texts, start.text if start else None)
            self.temperature = first_temperature()

        def forward(self, images: Any, texts: Any) -> Any:
            return self.image(images), self.text(texts), scale_of(self.temperature)

    return Pair()


def _side(tower: Any) -> Side:
    tensors = {
        "mean": tower.mean,
        "scale": tower.scale,
        "skip": tower.skip.weight.T,
        "down": tower.down.weight.T,
        "up": tower.up.weight.T,
    }
    return Side(**{name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()})
