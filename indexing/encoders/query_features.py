"""Tower features of what is asked: one question after the other, from any number of threads, remembered for a while."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from threadpoolctl import threadpool_limits

from indexing.encoders.gathering import Gatherer
from indexing.encoders.looks import WHOLE, Look, joined
from indexing.encoders.once import once
from indexing.encoders.towers import image_tower, text_tower

__all__ = ["QueryFeatures"]

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class QueryFeatures:
    """Tower features of asked pictures and texts, remembered for a while: every domain's head starts from the same.

    Texts that several threads ask at once go through their tower together; so do pictures on a GPU. On a processor each
    picture has a core.
    """

    device: str
    tuned: Path | None = None

    def image(self, image: Image.Image, looks: Sequence[Look] = (WHOLE,)) -> Vectors:
        """Features (d,) of one picture as a head with these looks takes them; each look is remembered by itself."""
        digest = hashlib.sha256(image.tobytes()).digest()
        features: Vectors = joined([self._look((look, image.size, digest), image)[None] for look in looks])[0]
        return features

    def text(self, text: str) -> Vectors:
        """Features (384,) of one text."""
        return self._remember("text", text, lambda: _texts_together(self.device)(text, text))

    def _look(self, key: tuple[Look, tuple[int, int], bytes], image: Image.Image) -> Vectors:
        look = key[0]

        def forward() -> Vectors:
            together = _images_together(self.device, self.tuned, 0 if self.device == "cpu" else look.pixels)
            return together(key, look.prepare(image))

        return self._remember(f"image {self.tuned or ''}", key, forward)

    def _remember(self, kind: str, key: Hashable, compute: Callable[[], Vectors]) -> Vectors:
        full = (self.device, kind, key)
        with _lock:
            if full in _remembered:
                _remembered.move_to_end(full)
                return _remembered[full]
        value = compute()
        with _lock:
            _remembered[full] = value
            while len(_remembered) > _MOST_REMEMBERED:
                _remembered.popitem(last=False)
        return value


@once
def _images_together(device: str, tuned: Path | None, pixels: int) -> Gatherer[Vectors, Vectors]:
    """A processor takes one picture after the other, of any size (0); a GPU those of one size in a batch."""
    import torch

    tower = image_tower(device, tuned)
    if device == "cpu":  # which is quickest with one picture a core; a GPU is with many at once
        return Gatherer(
            lambda prepared: list(tower.features(np.stack(prepared), traced=True)),
            most=1,
            places=torch.get_num_threads(),
            begin=_one_core,
        )
    return Gatherer(lambda prepared: list(tower.features(np.stack(prepared))), most=32)


@once
def _texts_together(device: str) -> Gatherer[str, Vectors]:
    tower = text_tower(device)
    if device == "cpu":
        return Gatherer(lambda texts: list(tower.features(texts, traced=True)), most=64, begin=_one_core)
    return Gatherer(lambda texts: list(tower.features(texts)), most=64)


def _one_core() -> None:
    """Keep this thread to one core: teams of threads that wait for each other at every layer wait for long where the
    cores are busy with other questions, or with idle threads of another library's team that still look for work."""
    import torch

    torch.get_num_threads()  # at its first use in a thread, torch sets the number itself
    threadpool_limits(1, user_api="openmp")  # of OpenMP it limits the calling thread alone


_MOST_REMEMBERED = 512
_remembered: OrderedDict[tuple[str, str, Hashable], Vectors] = OrderedDict()
_lock = threading.Lock()
