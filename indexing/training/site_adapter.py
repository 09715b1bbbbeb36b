"""Fitting a site adapter on the vectors that an index already holds.

Each side gets the identity plus a map of low rank, from zero on, so that the first epoch starts at what the encoder
itself does. The loss is symmetric InfoNCE with soft targets (equal texts are positives, shared labels by their overlap)
plus the supervised contrastive term between pictures (Khosla et al. 2020); the temperature is learned, from 0.07, not
below 0.01. Weight decay pulls back to the identity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora.records import Record
from indexing.describe import joint_text
from indexing.encoders.adapted import Projection
from indexing.shards import Manifest, load_rows
from indexing.training.objective import (
    Targets,
    first_temperature,
    image_image_loss,
    image_text_loss,
    numbered,
    scale_of,
)
from indexing.training.split import patient_groups, split_by_patient

__all__ = [
    "STOP_SHARE", "AdapterOptions", "FittedAdapter", "Split", "StoredPairs", "fit_adapter", "measure", "split_rows",
]  # fmt: skip

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Progress = Callable[[int, int, str], None]

_BLOCK = 256
_NEAREST = 5
_MOST_STOP = 600
_FEWEST_STEPS = 8
STOP_SHARE = 0.2


@dataclass(frozen=True)
class AdapterOptions:
    """Settings of one fit: `rank` of the maps, AdamW `rate` and `decay` (towards the identity), `noise` beside
    vectors of length 1, weight of the picture–picture term; `epochs` at most, `patience` epochs without a better score
    on the stopping patients, `steps` of a batch an epoch at most.
    """

    rank: int = 8
    rate: float = 1e-3
    decay: float = 0.05
    noise: float = 0.2
    pictures: float = 0.5
    batch: int = 256
    epochs: int = 80
    patience: int = 10
    steps: int = 200
    seed: int = 0


@dataclass(frozen=True)
class StoredPairs:
    """Every picture of a domain with its record's text, as the index holds them.

    `images`, `texts`: (n, d) unit rows; `said` numbers the texts, equal ones alike, and `people` the patients, (n,).
    """

    images: Vectors
    texts: Vectors
    said: Rows
    people: Rows
    patients: Sequence[str]
    labels: Sequence[frozenset[str]]
    corpora: Sequence[str]

    def __len__(self) -> int:
        return len(self.said)

    @classmethod
    def read(cls, version: Path, manifest: Manifest, domain: str, records: Mapping[int, Record]) -> StoredPairs:
        """The pairs of a published version, of the records that the catalogue still has; no picture is opened."""
        folders = {side.side: version / side.folder for side in manifest.sides if side.domain == domain}
        empty = np.zeros((0, 1), np.float32)
        if not {"image", "text"} <= folders.keys():
            return cls(empty, empty, np.zeros(0, np.int64), np.zeros(0, np.int64), (), (), ())
        image, text = (
            (load_rows(folders[side], "records"), load_rows(folders[side], "vectors")) for side in ("image", "text")
        )
        row = {uid: number for number, uid in enumerate(text[0].tolist())}
        kept = [number for number, uid in enumerate(image[0].tolist()) if uid in row and uid in records]
        chosen = image[0][kept].tolist()
        found = [records[uid] for uid in chosen]
        groups = patient_groups(records.values())
        patients = [groups[uid] for uid in chosen]
        return cls(
            np.asarray(image[1][kept], np.float32),
            np.asarray(text[1][[row[uid] for uid in chosen]], np.float32),
            numbered([joint_text(record) for record in found]),
            numbered(patients),
            patients,
            [frozenset(record.labels) for record in found],
            [record.corpus for record in found],
        )

    @cached_property
    def label_table(self) -> Vectors:
        """(n, labels) of 0 and 1."""
        column = {name: number for number, name in enumerate(sorted({one for row in self.labels for one in row}))}
        table = np.zeros((len(self), max(1, len(column))), np.float32)
        for row, names in enumerate(self.labels):
            table[row, [column[name] for name in names]] = 1.0
        return table

    @cached_property
    def distinct(self) -> tuple[Rows, Rows]:
        """The first row of each distinct text, and its one patient, or −1 where several have it: both (texts,)."""
        first = np.unique(self.said, return_index=True)[1]
        owner = self.people[first]
        shared = np.unique(self.said[self.people != owner[self.said]])
        owner[shared] = -1
        return first.astype(np.int64), owner


@dataclass(frozen=True)
class Split:
    """Row numbers by what their patients do: fit the maps, say when to stop, or judge."""

    fit: Rows
    stop: Rows
    judge: Rows


@dataclass(frozen=True)
class FittedAdapter:
    """The maps that did best on the stopping patients, their mean score there and the encoder's own, the best epoch."""

    image: Projection
    text: Projection
    score: float
    before: float
    epoch: int


def split_rows(patients: Sequence[str], share: float = 0.15, seed: int = 0) -> Split:
    """Patients that judge are those that every fit holds out, by the hash of the name; a fifth of the others stop.

    >>> [len(rows) for rows in vars(split_rows([f"a/{n}" for n in range(1000)])).values()]
    [672, 177, 151]
    """
    judge = split_by_patient(patients, share)
    stop = np.array([_hash(f"{seed} {patient}") < STOP_SHARE for patient in patients], bool) & ~judge
    fit, stopping, judging = (np.flatnonzero(rows).astype(np.int64) for rows in (~judge & ~stop, stop, judge))
    return Split(fit, stopping, judging)


def measure(
    pairs: StoredPairs, rows: Rows, image: Projection | None = None, text: Projection | None = None
) -> NDArray[np.float64]:
    """How each row (q,) is found in the whole domain: Recall@10 image→text, Recall@10 text→image, P@5 of label; (q, 3).

    Equal texts count as one and as right. Other pictures of the patient, and texts that only the patient has, cannot
    be found. A tie counts against the row, so nothing is won by drawing everything together. P@5 is NaN where no
    picture of another patient shares a label.
    """
    images = pairs.images if image is None else image(pairs.images)
    texts = pairs.texts if text is None else text(pairs.texts)
    blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
    return np.concatenate([_measured(pairs, images, texts, block) for block in blocks] or [np.zeros((0, 3))])


def fit_adapter(
    pairs: StoredPairs,
    fit: Rows,
    stop: Rows,
    options: AdapterOptions = AdapterOptions(),
    progress: Progress = lambda done, total, stage: None,
) -> FittedAdapter | None:
    """The maps of best mean score on the stopping rows; None where no epoch beats the encoder itself there."""
    torch: Any = import_module("torch")
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    if len(stop) > _MOST_STOP:
        stop = np.sort(rng.choice(stop, _MOST_STOP, replace=False))
    before = _mean(measure(pairs, stop))
    module = _module(torch, pairs.images.shape[1], options)
    optimiser = torch.optim.AdamW(module.parameters(), lr=options.rate, weight_decay=options.decay)
    images, texts = torch.from_numpy(pairs.images), torch.from_numpy(pairs.texts)
    targets = Targets([str(number) for number in pairs.said.tolist()], pairs.labels)
    best: FittedAdapter | None = None
    waited = 0
    for epoch in range(1, options.epochs + 1):
        progress(epoch - 1, options.epochs, "fitting")
        for rows in _batches(rng, fit, options):
            picture, text, scale = module(images[rows], texts[rows])
            pair, same = targets.of(rows)
            loss = image_text_loss(scale * picture @ text.T, pair)
            loss = loss + options.pictures * image_image_loss(10.0 * picture @ picture.T, same)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        image, text = module.projections()
        score = _mean(measure(pairs, stop, image, text))
        if score > (before if best is None else best.score):
            best, waited = FittedAdapter(image, text, score, before, epoch), 0
        else:
            waited += 1
        if waited >= options.patience:
            break
    progress(options.epochs, options.epochs, "judging")
    return best


def _measured(pairs: StoredPairs, images: Vectors, texts: Vectors, rows: Rows) -> NDArray[np.float64]:
    said, people = pairs.said[rows], pairs.people[rows]
    first, owner = pairs.distinct
    at = np.arange(len(rows))

    scores = images[rows] @ texts[first].T
    own = scores[at, said]
    other = np.arange(len(first))[None] != said[:, None]
    to_text = (other & (owner[None] != people[:, None]) & (scores >= own[:, None])).sum(axis=1) < 10

    scores = texts[rows] @ images.T
    mine = pairs.people[None] == people[:, None]
    hidden = mine.copy()
    hidden[at, rows] = False
    right = pairs.said[None] == said[:, None]
    best = np.where(right & ~hidden, scores, -np.inf).max(axis=1)
    to_image = (~right & ~hidden & (scores >= best[:, None])).sum(axis=1) < 10

    scores = np.where(mine, -np.inf, images[rows] @ images.T)
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, :_NEAREST]
    shared = (pairs.label_table[rows] @ pairs.label_table.T > 0) & ~mine
    precision = np.where(shared.any(axis=1), np.take_along_axis(shared, nearest, axis=1).mean(axis=1), np.nan)
    return np.stack([to_text, to_image, precision], axis=1).astype(np.float64)


def _mean(measured: NDArray[np.float64]) -> float:
    return float(np.nanmean(measured, axis=1).mean()) if len(measured) else 0.0


def _batches(rng: np.random.Generator, fit: Rows, options: AdapterOptions) -> list[Rows]:
    """Every row once, in whole batches; where that is less than the fewest steps, again in another order."""
    size = min(options.batch, len(fit))
    batches: list[Rows] = []
    while len(batches) < _FEWEST_STEPS:
        order = rng.permutation(fit)
        batches += [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
    return batches[: max(options.steps, _FEWEST_STEPS)]


def _module(torch: Any, dim: int, options: AdapterOptions) -> Any:
    rank = min(options.rank, dim)

    class Side(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.down = torch.nn.Parameter(torch.empty(dim, rank))
            self.up = torch.nn.Parameter(torch.zeros(rank, dim))  # zero: the first map is the identity
            torch.nn.init.orthogonal_(self.down)

        def forward(self, vectors: Any) -> Any:
            noisy = vectors + options.noise * torch.randn_like(vectors) / dim**0.5
            return torch.nn.functional.normalize(noisy + noisy @ self.down @ self.up, dim=1)

        def projection(self) -> Projection:
            down, up = (one.detach().cpu().numpy().astype(np.float32).copy() for one in (self.down, self.up))
            return Projection(down, up)

    class Pair(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.image, self.text = Side(), Side()
            self.temperature = first_temperature()

        def forward(self, images: Any, texts: Any) -> Any:
            return self.image(images), self.text(texts), scale_of(self.temperature)

        def projections(self) -> tuple[Projection, Projection]:
            return self.image.projection(), self.text.projection()

    return Pair()


def _hash(name: str) -> float:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32
