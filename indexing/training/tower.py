"""Tuning the image tower: its upper blocks learn medical pictures of all domains at once.

One tower serves every domain; each domain has its own projections during the fit, which are thrown away after it, since
heads are fitted on the features anew. The loss is that of `objective` with tags (labels and what a record says of
place, plane, side …) told by a classifier as a third term. Layer-wise rates, a pull towards the weights it began with
(L2-SP, Li et al. 2018), and an exponential moving average keep a tower of 3 million weights honest on few pictures.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.encoders.towers import ImageTower
from indexing.training.objective import Targets, first_temperature, image_image_loss, image_text_loss, scale_of
from indexing.training.views import Maps

__all__ = ["TowerOptions", "TowerRows", "Tuned", "checkpoint_of", "tune_tower"]

Vectors = NDArray[np.float32]
Mask = NDArray[np.bool_]
Progress = Callable[[int, int, float, float], None]
_LEAST_OF_A_TAG = 4
_CHECKPOINT = 3  # its format


@dataclass(frozen=True)
class TowerOptions:
    """Settings of one tuning: how many upper `blocks`, `views` of a picture, `epochs`, AdamW `rate` of the last block
    (each earlier one learns at 0.75 of the next) and of the projections, `pull` towards the first weights. `seeds` fits
    are made and their weights averaged.
    """

    blocks: int = 2
    views: int = 5
    epochs: int = 10
    batch: int = 64
    rate: float = 4e-4
    projection_rate: float = 2e-3
    decay: float = 0.05
    dropout: float = 0.3
    pull: float = 0.002
    dim: int = 256
    seeds: int = 2
    seed: int = 0


@dataclass(frozen=True)
class TowerRows:
    """One row a picture: its text's features (n, 384) and words, labels, tags, domain, and how often it is drawn."""

    texts: Vectors
    said: Sequence[str]
    labels: Sequence[frozenset[str]]
    tags: Sequence[frozenset[str]]
    domains: NDArray[np.str_]
    weights: Vectors

    def __len__(self) -> int:
        return len(self.said)


@dataclass(frozen=True)
class Tuned:
    """How a tuning went: whether it ran to its end, and how many epochs of an earlier run it took up."""

    whole: bool
    taken_up: int = 0


def checkpoint_of(path: Path) -> Path:
    """Where `tune_tower` keeps what the next epoch of a tuning to `path` needs."""
    return path.with_name(f"{path.name}.checkpoint")


def tune_tower(
    tower: ImageTower,
    maps: Maps,
    rows: TowerRows,
    split: tuple[Mask, Mask],
    path: Path,
    score: Callable[[Vectors], float],
    options: TowerOptions = TowerOptions(),
    progress: Progress | None = None,
) -> Tuned:
    """Tune the upper blocks on the rows' maps and write those of the best epoch to `path` (float16 safetensors).

    Args:
        tower: The tower that made the maps.
        maps: (n, views, c, h, w), as `view_maps` makes them, of the same rows.
        rows: What is known of each picture.
        split: Which rows are learned from, and which choose the epoch, bool (n,) each.
        path: Where the tuned tensors go. A checkpoint beside it (`checkpoint_of`) is written every epoch and taken up
            again by a tuning of the same rows and settings; it stays, so that a finished tuning is known as such.
        score: Given features (m, 2560) of the rows that choose the epoch, says how good they are.
        options: Settings.
        progress: Told after every epoch: epochs done, epochs, mean loss, score.

    An interrupt (Ctrl-C) ends the tuning and keeps the best epoch so far; what is returned says so.
    """
    fit, stop = split
    tuning = _Tuning(tower, maps, rows, fit, options)
    checkpoint = checkpoint_of(path)
    best, first = tuning.resume(checkpoint) if path.is_file() else (-np.inf, 0)
    try:
        for epoch in range(first, options.epochs):
            loss = tuning.epoch()
            value = score(tuning.features(np.flatnonzero(stop)))
            if value > best:
                tuning.save(path)
                best = value
            tuning.checkpoint(checkpoint, best, epoch + 1)
            if progress:
                progress(epoch + 1, options.epochs, loss, value)
    except KeyboardInterrupt:
        if best == -np.inf:
            raise
        return Tuned(False, first)
    return Tuned(True, first)


class _Tuning:
    """The upper blocks, their moving average, the projections of each domain, and the order of rows."""

    def __init__(self, tower: ImageTower, maps: Maps, rows: TowerRows, fit: Mask, options: TowerOptions) -> None:
        import torch

        torch.manual_seed(options.seed)
        self._rng = np.random.default_rng(options.seed)
        self._maps, self._rows, self._options, self._device = maps, rows, options, tower.device
        self._names, self._upper = _upper_blocks(tower.module, options.blocks)
        self._average = copy.deepcopy(self._upper)
        self._begun = [weights.detach().clone() for weights in self._upper.parameters()]
        self._texts = torch.from_numpy(rows.texts)
        self._pools = {
            str(name): np.flatnonzero(fit & (rows.domains == name)) for name in sorted(set(rows.domains[fit].tolist()))
        }
        self._targets = Targets(rows.said, rows.labels)
        self._tags = {name: _tag_matrix(rows.tags, pool) for name, pool in self._pools.items()}
        some = np.flatnonzero(fit)[:: max(1, int(fit.sum()) // 512)]
        features = torch.from_numpy(self.features(some))
        self._mean, spread = features.mean(0).to(self._device), features.std(0)
        self._spread = spread.clamp_min(float(spread.median()) * 0.1 + 1e-6).to(self._device)
        self._projections = self._new_projections(features.shape[1])
        self._temperature = first_temperature()
        self._stamp = _stamp(tower.digest, maps, rows, fit, options)
        self._steps = max(1, int(sum(rows.weights[pool].sum() for pool in self._pools.values()) / options.batch))
        self._step_number = 0
        self._optimiser = torch.optim.AdamW(self._groups(), weight_decay=options.decay)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._rate)

    def features(self, numbers: NDArray[np.int64]) -> Vectors:
        """Features (m, 2560) of the unchanged pictures of these rows, by the moving average."""
        import torch

        self._average.eval()
        with torch.inference_mode():
            parts = [
                self._pooled(
                    self._average, numbers[start : start + 64], np.zeros(len(numbers[start : start + 64]), int)
                )
                for start in range(0, len(numbers), 64)
            ]
        return np.concatenate([part.cpu().numpy() for part in parts]).astype(np.float32)

    def epoch(self) -> float:
        """As many steps as the rows' weights fill batches; each step takes the pictures of one domain."""
        sizes = np.array([self._rows.weights[pool].sum() for pool in self._pools.values()]) ** 0.7
        names = list(self._pools)
        return float(
            np.mean([self._step(str(self._rng.choice(names, p=sizes / sizes.sum()))) for _ in range(self._steps)])
        )

    def _step(self, domain: str) -> float:
        import torch
        from torch.nn import functional

        options, pool = self._options, self._pools[domain]
        weights = self._rows.weights[pool] / self._rows.weights[pool].sum()
        rows = self._rng.choice(pool, min(options.batch, len(pool)), replace=False, p=weights)
        self._upper.eval()  # statistics of batch normalisation stay as they are: batches are small
        x = self._pooled(self._upper, rows, self._rng.integers(0, self._maps.shape[1], len(rows)))
        x = functional.dropout((x - self._mean) / self._spread, options.dropout) / np.sqrt(x.shape[1])
        image, text, tell = self._projections[list(self._pools).index(domain)]
        pictures = functional.normalize(image(x), dim=1)
        said = functional.dropout(self._texts[rows].to(self._device), options.dropout)
        texts = functional.normalize(text(said), dim=1)
        pair, same = (target.to(self._device) for target in self._targets.of(rows))
        loss = image_text_loss(scale_of(self._temperature) * pictures @ texts.T, pair)
        loss = loss + image_image_loss(10.0 * pictures @ pictures.T, same)
        tags = torch.from_numpy(self._tags[domain][rows]).to(self._device)
        told = functional.binary_cross_entropy_with_logits(4.0 * tell(x), tags, reduction="none")
        loss = loss + told.sum(1).mean() / 3
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._upper.parameters(), 5.0)
        self._optimiser.step()
        self._schedule.step()
        self._settle()
        return float(loss.detach())

    def _settle(self) -> None:
        """Pull the weights a little towards those at the start, and move the average."""
        import torch

        self._step_number += 1
        pull = self._options.pull * self._schedule.get_last_lr()[0] / self._options.rate
        keep = min(0.99, self._step_number / (self._step_number + 9))
        with torch.no_grad():
            for begun, weights in zip(self._begun, self._upper.parameters(), strict=True):
                weights.add_(begun - weights, alpha=pull)
            for mean, weights in zip(self._average.parameters(), self._upper.parameters(), strict=True):
                mean.mul_(keep).add_(weights, alpha=1 - keep)

    def _pooled(self, upper: Any, rows: NDArray[np.int64], views: NDArray[np.int64]) -> Any:
        import torch

        maps = torch.from_numpy(np.ascontiguousarray(self._maps[rows, views], dtype=np.float32))
        x = upper(maps.to(self._device, memory_format=torch.channels_last))
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1)

    def _new_projections(self, width: int) -> Any:
        import torch

        def three(name: str) -> Any:
            sizes = (
                (width, self._options.dim),
                (self._texts.shape[1], self._options.dim),
                (width, self._tags[name].shape[1]),
            )
            return torch.nn.ModuleList([torch.nn.Linear(*size) for size in sizes]).to(self._device)

        return torch.nn.ModuleList([three(name) for name in self._pools])  # not by name, which may be any

    def _groups(self) -> list[dict[str, Any]]:
        last = len(self._upper) - 2  # the final convolution and its normalisation learn at the full rate
        groups: list[dict[str, Any]] = [
            {"params": block.parameters(), "lr": self._options.rate * 0.75 ** max(0, last - number)}
            for number, block in enumerate(self._upper)
        ]
        rest = [*self._projections.parameters(), self._temperature]
        return [*groups, {"params": rest, "lr": self._options.projection_rate}]

    def _rate(self, step: int) -> float:
        """Warm up over 8 % of the steps, then a cosine down to 1 %."""
        steps = self._steps * self._options.epochs
        warm = max(1, int(0.08 * steps))
        return float(
            min((step + 1) / warm, 0.5 * (1 + np.cos(np.pi * max(0, step - warm) / max(1, steps - warm))) + 0.01)
        )

    def save(self, path: Path) -> None:
        """The averaged tensors under the tower's own names, float16."""
        import torch
        from safetensors.torch import save_file

        path.parent.mkdir(parents=True, exist_ok=True)
        tensors = {
            f"{prefix}.{name}": tensor.to(torch.float16).contiguous().cpu()
            for prefix, block in zip(self._names, self._average, strict=True)
            for name, tensor in block.state_dict().items()
            if tensor.is_floating_point()
        }
        partial = path.with_name(f"{path.name}.partial")
        save_file(tensors, partial)
        partial.chmod(0o644)
        partial.replace(path)

    def checkpoint(self, path: Path, best: float, epoch: int) -> None:
        """Everything that the next epoch needs, written whole or not at all."""
        import torch

        state = {
            "upper": self._upper.state_dict(), "average": self._average.state_dict(),
            "projections": self._projections.state_dict(), "temperature": self._temperature.detach(),
            "optimiser": self._optimiser.state_dict(), "schedule": self._schedule.state_dict(),
            "torch": torch.get_rng_state(), "device": self._generator_state(),
            "rng": json.dumps(self._rng.bit_generator.state), "stamp": self._stamp,
            "step": self._step_number, "best": best, "epoch": epoch,
        }  # fmt: skip
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def _generator_state(self) -> Any:
        """That of the GPU's generator, which draws its dropout; empty on the CPU, whose own is always kept."""
        import torch

        return (
            torch.cuda.get_rng_state(self._device)
            if self._device.startswith("cuda")
            else torch.empty(0, dtype=torch.uint8)
        )

    def resume(self, path: Path) -> tuple[float, int]:
        """Take up a checkpoint of the same rows and settings; the best score so far and the next epoch."""
        import torch

        if not path.is_file():
            return -np.inf, 0
        state = torch.load(path, map_location=self._device, weights_only=True)
        if state.get("stamp") != self._stamp:
            return -np.inf, 0
        self._upper.load_state_dict(state["upper"])
        self._average.load_state_dict(state["average"])
        self._projections.load_state_dict(state["projections"])
        with torch.no_grad():
            self._temperature.copy_(state["temperature"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["torch"].cpu())
        if self._device.startswith("cuda") and len(state["device"]):  # a tuning may have begun on the CPU
            torch.cuda.set_rng_state(state["device"].cpu(), self._device)
        self._step_number = state["step"]
        self._rng.bit_generator.state = json.loads(state["rng"])
        return float(state["best"]), int(state["epoch"])


def _stamp(digest: str, maps: Maps, rows: TowerRows, fit: Mask, options: TowerOptions) -> str:
    """Names what a tuning learns from and how: a checkpoint of anything else must not be taken up."""
    told = [_CHECKPOINT, digest, options, maps.shape, *rows.said, *rows.domains.tolist()]
    told += [sorted(names) for names in (*rows.labels, *rows.tags)]
    found = hashlib.sha256(repr(told).encode())
    for array in (maps[:, 0, 0], rows.weights, fit):
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _upper_blocks(model: Any, blocks: int) -> tuple[list[str], Any]:
    """The names and copies of the last blocks, the final convolution and its normalisation."""
    torch: Any = import_module("torch")

    first = len(model.blocks) - blocks
    names = [*(f"blocks.{number}" for number in range(first, len(model.blocks))), "conv_head", "bn2"]
    parts = [*model.blocks[first:], model.conv_head, model.bn2]
    return names, torch.nn.Sequential(*(copy.deepcopy(part) for part in parts)).to(memory_format=torch.channels_last)


def _tag_matrix(tags: Sequence[frozenset[str]], pool: NDArray[np.int64]) -> Vectors:
    """Which row carries which tag (n, t); tags of fewer than four rows of the pool tell nothing that can be learned."""
    counts = Counter(tag for row in pool.tolist() for tag in tags[row])
    known = sorted(tag for tag, count in counts.items() if count >= _LEAST_OF_A_TAG)
    column = {tag: number for number, tag in enumerate(known)}
    matrix = np.zeros((len(tags), max(1, len(known))), np.float32)
    for row in pool.tolist():
        matrix[row, [column[tag] for tag in tags[row] if tag in column]] = 1.0
    return matrix
