"""Tuning the tower on the pictures of a home."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.images import ImageStore
from indexing.describe import joint_text
from indexing.encoders.towers import ImageTower, text_tower
from indexing.training.home_features import Row, text_features
from indexing.training.pairs import label_precision
from indexing.training.tower import TowerOptions, TowerRows, Tuned, checkpoint_of, tune_tower
from indexing.training.views import forget_views, view_maps

__all__ = ["Say", "fit_tower", "neighbour_score"]

Vectors = NDArray[np.float32]
Mask = NDArray[np.bool_]
Say = Callable[[str, int, int, str], None]
"""Told of progress: what is being done, how much of it, out of how much, and what was measured."""

_DRAWN_WEIGHT = 0.25


def fit_tower(
    rows: Sequence[Row],
    split: tuple[Mask, Mask],
    tower: ImageTower,
    store: ImageStore,
    path: Path,
    options: TowerOptions,
    say: Say,
) -> Tuned:
    """Tune the tower on the pictures of the rows and write its upper blocks to `path`; says how that went.

    `split` says which rows are learned from and which choose the epoch, bool (n,) each. Drawn pictures are taken a
    quarter as often: they are many, and not what the tower is for. Ctrl-C keeps the best so far, of the seeds that were
    begun; a tuning that was killed goes on where it was. The views, by far the largest files, go at its end.
    """
    views = path.with_suffix(".views.npy")
    maps = view_maps(
        [row.digest for row in rows],
        [row.record.domain for row in rows],
        store.open,
        tower,
        (options.blocks, options.views, options.seed),
        views,
        lambda done, most: say("views", done, most, ""),
    )
    said = [joint_text(row.record) for row in rows]
    known = TowerRows(
        text_features(said, text_tower(tower.device)),
        said,
        [frozenset(row.record.labels) for row in rows],
        [row.tags for row in rows],
        np.array([row.record.domain for row in rows]),
        np.array([_DRAWN_WEIGHT if row.record.drawn else 1.0 for row in rows], np.float32),
    )
    judges = [row for row, chosen in zip(rows, split[1].tolist(), strict=True) if chosen]
    parts: list[Path] = []
    whole, taken_up = False, 0
    for number in range(options.seeds):
        part = path.with_suffix(f".seed{number}")
        try:
            tuned = tune_tower(
                tower,
                maps,
                known,
                split,
                part,
                lambda features: neighbour_score(features, judges),
                replace(options, seed=options.seed + number),
                lambda done, most, loss, score: say("tuning", done, most, f"loss {loss:.3f}, validation {score:.3f}"),
            )
        except KeyboardInterrupt:
            if not parts:
                raise
            whole = False
            break  # earlier seeds have something to keep, this one has not
        parts.append(part)
        whole, taken_up = tuned.whole, taken_up + tuned.taken_up
        if not whole:
            break
    _average(parts, path)
    for number in range(options.seeds):
        for left in (path.with_suffix(f".seed{number}"), checkpoint_of(path.with_suffix(f".seed{number}"))):
            left.unlink(missing_ok=True)
    if whole:
        forget_views(views)
    return Tuned(whole, taken_up)


def _average(parts: Sequence[Path], path: Path) -> None:
    """The mean of the weights of fits that began at the same tower, one for each seed: better than each of them, at the
    price of one (model soups, Wortsman et al. 2022)."""
    import torch
    from safetensors.torch import load_file, save_file

    towers = [load_file(part) for part in parts]
    mean = {name: torch.stack([tower[name].float() for tower in towers]).mean(0).half() for name in towers[0]}
    save_file(mean, path)
    path.chmod(0o644)


def neighbour_score(features: Vectors, rows: Sequence[Row]) -> float:
    """Mean over domains of the share of a picture's five nearest of other patients that share a label with it."""
    domains = np.array([row.record.domain for row in rows])
    scores = []
    for name in sorted(set(domains.tolist())):
        mine = np.flatnonzero(domains == name).tolist()
        x = features[mine]
        x = (x - x.mean(axis=0)) / (x.std(axis=0) + 0.05)
        x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
        labels = [frozenset(rows[n].record.labels) for n in mine]
        scores.append(label_precision(x, labels, [rows[n].patient for n in mine]))
    return float(np.mean(scores)) if scores else 0.0
