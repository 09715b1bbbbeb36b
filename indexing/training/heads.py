"""Fitting a head: symmetric InfoNCE with several positives a row, on features computed once.

The loss is CLIP's (Radford et al. 2021) with soft targets: rows whose texts are equal, or whose labels overlap, are
positives of each other, since "normal fundus" occurs hundreds of times. A supervised contrastive term (Khosla et al.
2020) pulls pictures of equal labels together. The temperature is learned, from 0.07, not below 0.01.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.encoders.heads import Head, Side

__all__ = ["HeadOptions", "Pairs", "fit_head", "recall_at_k", "split_by_patient"]

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """Pictures with their texts: features (n, d_image) and (n, d_text), the texts, labels and patients themselves."""

    images: Vectors
    texts: Vectors
    said: Sequence[str]
    labels: Sequence[frozenset[str]]
    patients: Sequence[str]

    def __len__(self) -> int:
        return len(self.said)

    def rows(self, numbers: NDArray[np.int64]) -> Pairs:
        """The pairs of these rows."""
        pick = numbers.tolist()
        return Pairs(
            self.images[numbers],
            self.texts[numbers],
            [self.said[n] for n in pick],
            [self.labels[n] for n in pick],
            [self.patients[n] for n in pick],
        )


@dataclass(frozen=True)
class HeadOptions:
    """Settings of one fit. `dim` of the space, `hidden` units of the correction, AdamW `rate` and `decay`;
    `dropout` on standardised features; weight of the picture–picture term; `epochs` at most, `patience` epochs
    without a better validation score before stopping.
    """

    dim: int = 256
    hidden: int = 64
    rate: float = 1e-3
    decay: float = 0.05
    dropout: float = 0.5
    noise: float = 0.1
    pictures: float = 0.5
    batch: int = 256
    epochs: int = 60
    patience: int = 12
    seed: int = 0


def split_by_patient(patients: Sequence[str], share: float = 0.15) -> NDArray[np.bool_]:
    """For each row, whether its patient is held out, by a hash of the name: the same in every home and every run.

    >>> bool((split_by_patient(["a/1", "a/1", "a/2"])[:2] == split_by_patient(["a/1", "a/1"])).all())
    True
    """
    return np.array([zlib.crc32(patient.encode()) % 1000 < share * 1000 for patient in patients], dtype=bool)


def recall_at_k(head: Head, pairs: Pairs, k: int) -> float:
    """Share of pictures among whose k nearest distinct texts is their own."""
    distinct = list(dict.fromkeys(pairs.said))
    row = {text: number for number, text in enumerate(distinct)}
    first = [pairs.said.index(text) for text in distinct]
    scores = head.image(pairs.images) @ head.text(pairs.texts[first]).T
    gold = np.array([row[text] for text in pairs.said])
    better = (scores > scores[np.arange(len(gold)), gold][:, None]).sum(axis=1)
    return float((better < k).mean())


def label_precision(head: Head, pairs: Pairs, k: int = 5) -> float:
    """Share of the k nearest pictures of other patients that share a label with the asked one."""
    vectors = head.image(pairs.images)
    scores = vectors @ vectors.T
    patients = np.array(pairs.patients)
    scores[patients[:, None] == patients[None]] = -np.inf
    nearest = np.argsort(-scores, axis=1)[:, :k]
    shared = [
        np.mean([bool(pairs.labels[row] & pairs.labels[other]) for other in others])
        for row, others in enumerate(nearest.tolist())
        if pairs.labels[row]
    ]
    return float(np.mean(shared)) if shared else 0.0


def fit_head(fit: Pairs, held: Pairs, options: HeadOptions = HeadOptions()) -> tuple[Head, dict[str, float]]:
    """The head that does best on the held-out patients, and its figures there."""
    torch: Any = import_module("torch")
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    module = _module(torch, fit, options)
    optimiser = torch.optim.AdamW(module.parameters(), lr=options.rate, weight_decay=options.decay)
    steps = options.epochs * max(1, len(fit) // options.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=steps + 1, pct_start=0.1)
    images, texts = torch.from_numpy(fit.images), torch.from_numpy(fit.texts)
    targets = _Targets(fit)
    best, best_score, waited = None, -1.0, 0
    for _ in range(options.epochs):
        module.train()
        order = rng.permutation(len(fit))
        for start in range(0, max(1, len(fit) // options.batch) * options.batch, options.batch):
            rows = order[start : start + options.batch]
            if len(rows) < 2:
                continue
            picture, text, scale = module(images[rows], texts[rows])
            pair, same = targets.of(rows, torch)
            loss = _soft_cross_entropy(torch, scale * picture @ text.T, pair)
            loss = loss + options.pictures * _supervised(torch, 10.0 * picture @ picture.T, same)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        head = _head(module)
        score = recall_at_k(head, held, 5) + label_precision(head, held)
        if score > best_score:
            best, best_score, waited = head, score, 0
        else:
            waited += 1
        if waited > options.patience:
            break
    if best is None:
        best = _head(module)
    return best, {
        **{f"recall@{k}": recall_at_k(best, held, k) for k in (1, 5, 10)},
        "label precision@5": label_precision(best, held),
        "held-out pictures": float(len(held)),
        "held-out texts": float(len(set(held.said))),
    }


class _Targets:
    """Which rows are positives of each other: equal texts fully, shared labels by their overlap."""

    def __init__(self, pairs: Pairs) -> None:
        self._text = np.unique(np.array(pairs.said, dtype=object).astype(str), return_inverse=True)[1]
        names = sorted({label for labels in pairs.labels for label in labels})
        column = {name: number for number, name in enumerate(names)}
        self._labels = np.zeros((len(pairs), max(1, len(names))), np.float32)
        for row, labels in enumerate(pairs.labels):
            self._labels[row, [column[label] for label in labels]] = 1.0

    def of(self, rows: NDArray[np.int64], torch: Any) -> tuple[Any, Any]:
        text = (self._text[rows][:, None] == self._text[rows][None]).astype(np.float32)
        chosen = self._labels[rows]
        shared = chosen @ chosen.T
        union = chosen.sum(1)[:, None] + chosen.sum(1)[None] - shared
        overlap = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
        return torch.from_numpy(np.maximum(text, 0.3 * overlap)), torch.from_numpy(overlap)


def _soft_cross_entropy(torch: Any, logits: Any, targets: Any) -> Any:
    rows = targets / targets.sum(1, keepdim=True)
    columns = targets.T / targets.T.sum(1, keepdim=True)
    forward = -(rows * torch.log_softmax(logits, dim=1)).sum(1).mean()
    return (forward - (columns * torch.log_softmax(logits.T, dim=1)).sum(1).mean()) / 2


def _supervised(torch: Any, logits: Any, same: Any) -> Any:
    apart = torch.eye(len(same), dtype=torch.bool)
    positives = same.masked_fill(apart, 0.0)
    logs = torch.log_softmax(logits.masked_fill(apart, -1e9), dim=1)
    weight = positives.sum(1)
    has = weight > 0
    return (-(positives * logs).sum(1)[has] / weight[has]).mean() if bool(has.any()) else logits.sum() * 0.0


def _module(torch: Any, fit: Pairs, options: HeadOptions) -> Any:
    """The two sides as a torch module; features are standardised by the fit's own mean and spread."""

    class Tower(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, features: Vectors) -> None:
            super().__init__()
            spread = features.std(axis=0)
            scale = 1.0 / (np.maximum(spread, np.median(spread) * 0.1 + 1e-6) * np.sqrt(features.shape[1]))
            self.register_buffer("mean", torch.from_numpy(features.mean(axis=0)))
            self.register_buffer("scale", torch.from_numpy(scale.astype(np.float32)))
            self.skip = torch.nn.Linear(features.shape[1], options.dim, bias=False)
            self.down = torch.nn.Linear(features.shape[1], options.hidden, bias=False)
            self.up = torch.nn.Linear(options.hidden, options.dim, bias=False)
            torch.nn.init.orthogonal_(self.skip.weight)

        def forward(self, features: Any) -> Any:
            x = (features - self.mean) * self.scale
            if self.training:
                x = x + options.noise * torch.randn_like(x) / np.sqrt(x.shape[1])
                x = torch.nn.functional.dropout(x, options.dropout)
            return torch.nn.functional.normalize(self.skip(x) + self.up(torch.tanh(self.down(x))), dim=1)

    class Pair(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.image, self.text = Tower(fit.images), Tower(fit.texts)
            self.log_scale = torch.nn.Parameter(torch.tensor(float(np.log(1 / 0.07))))

        def forward(self, images: Any, texts: Any) -> Any:
            return self.image(images), self.text(texts), self.log_scale.clamp(max=float(np.log(100.0))).exp()

    return Pair()


def _head(module: Any) -> Head:
    module.eval()

    def side(tower: Any) -> Side:
        tensors = {
            "mean": tower.mean,
            "scale": tower.scale,
            "skip": tower.skip.weight.T,
            "down": tower.down.weight.T,
            "up": tower.up.weight.T,
        }
        return Side(**{name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()})

    return replace(Head(side(module.image), side(module.text), digest="unsaved"))
