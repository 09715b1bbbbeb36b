"""A deterministic encoder without weights: fast, the same in every process, in one space for pictures and texts."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexing.encoders import EncoderPlan, registry
from indexing.encoders.base import Encoder, EncoderContext, unit_rows

DIM = 16
PLAN = EncoderPlan(default="tiny:{domain}", sentence="tiny:sentence")
OTHER_PLAN = EncoderPlan(default="tiny:{domain}@2", sentence="tiny:sentence")

Vectors = NDArray[np.float32]


class TinyEncoder:
    """Pictures by an 8 × 8 thumbnail, texts by their words; `name@2` has other weights than `name`.

    `TINY_DELAY` seconds pass at every call, so that a test can kill a process inside one.
    """

    def __init__(self, name: str, context: EncoderContext) -> None:
        self.spec = f"tiny:{name}"
        self.dim = DIM
        self.has_images = name != "sentence"
        self.fingerprint = f"{self.spec}/{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        self._weights = _rows(f"{name.partition('@')[2]} picture", 3 * 8 * 8)

    def prepare(self, image: Image.Image) -> Vectors:
        pixels = np.asarray(image.convert("RGB").resize((8, 8), Image.Resampling.BOX), np.float32)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1) / 255.0 - 0.5)

    def encode_prepared(self, batch: Vectors) -> Vectors:
        _wait()
        return unit_rows(batch.reshape(len(batch), -1) @ self._weights + 1e-3)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        if not images:
            return np.zeros((0, DIM), np.float32)
        return self.encode_prepared(np.stack([self.prepare(image) for image in images]))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, DIM), np.float32)
        _wait()
        words = [re.findall(r"\w+", text.casefold()) or ["nothing"] for text in texts]
        return unit_rows(np.stack([sum(_rows(word, 1)[0] for word in said) for said in words]))


def open_tiny(name: str, context: EncoderContext) -> Encoder:
    return TinyEncoder(name, context)


def register() -> None:
    """Make `tiny:…` a spec of this process."""
    registry._FACTORIES["tiny"] = f"{__name__}:open_tiny"


def _wait() -> None:
    time.sleep(float(os.environ.get("TINY_DELAY", "0")))


def _rows(name: str, count: int) -> Vectors:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return np.random.Generator(np.random.PCG64(seed)).standard_normal((count, DIM)).astype(np.float32)
