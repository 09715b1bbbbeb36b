"""An encoder whose pictures are off by a known amount: `planted:swapped` exchanges dimensions, `planted:straight` none.

A case is a point z of 16 numbers. Its picture shows z with noise in 4 × 4 grey cells; its report writes z down.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from corpora.catalog import Catalog, Corpus
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from indexing.encoders import EncoderPlan, registry
from indexing.encoders.base import Encoder, EncoderContext, unit_rows

DIM = 16
SWAPPED = EncoderPlan(default="planted:swapped", sentence="planted:straight")
STRAIGHT = EncoderPlan(default="planted:straight", sentence="planted:straight")

Vectors = NDArray[np.float32]


class PlantedEncoder:
    """Pictures by their cells, texts by the numbers in them."""

    dim = DIM
    has_images = True

    def __init__(self, name: str) -> None:
        self.spec, self.fingerprint = f"planted:{name}", f"planted:{name}/1"
        self._order = np.arange(DIM)
        if name == "swapped":
            self._order = self._order.reshape(-1, 2)[:, ::-1].ravel()

    def prepare(self, image: Image.Image) -> Vectors:
        cells = np.asarray(image.convert("L").resize((4, 4), Image.Resampling.BOX), np.float32)
        return (cells[None] - 128.0) / 40.0

    def encode_prepared(self, batch: Vectors) -> Vectors:
        return unit_rows(batch.reshape(len(batch), DIM)[:, self._order])

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        if not images:
            return np.zeros((0, DIM), np.float32)
        return self.encode_prepared(np.stack([self.prepare(image) for image in images]))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        found = np.ones((len(texts), DIM), np.float32)
        for row, text in enumerate(texts):
            numbers = re.findall(r"-?\d+", text)[:DIM]
            found[row, : len(numbers)] = np.array(numbers, np.float32)
        return unit_rows(found)


def open_planted(name: str, context: EncoderContext) -> Encoder:
    return PlantedEncoder(name)


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `planted:…` a spec for one test."""
    monkeypatch.setitem(registry._FACTORIES, "planted", f"{__name__}:open_planted")


def plant(home: Home, count: int, *, first: int = 0, corpus: str = "planted") -> list[Record]:
    """Put cases into the home, each of another patient, one label of four, and its own report."""
    store, records = ImageStore(home.images), []
    for number in range(first, first + count):
        rng = np.random.Generator(np.random.PCG64(number))
        label = number % 4
        point = rng.standard_normal(DIM) + 1.5 * np.eye(DIM)[label]
        cells = np.clip((point + 0.3 * rng.standard_normal(DIM)) * 40 + 128, 0, 255).astype(np.uint8).reshape(4, 4)
        buffer = io.BytesIO()
        Image.fromarray(cells).resize((16, 16), Image.Resampling.NEAREST).convert("RGB").save(buffer, "PNG")
        digest, width, height = store.add(buffer.getvalue())
        records.append(
            Record(
                id=f"case-{number}", corpus=corpus, kind="case", domain="radiology", patient=f"p{number}",
                report=" ".join(str(round(100 * value)) for value in point), labels=("abcd"[label],),
                pictures=(Picture(digest=digest, width=width, height=height),),
            )
        )  # fmt: skip
    with Catalog.open(home.catalog_url) as catalog:
        if corpus not in {known.name for known in catalog.corpora()}:
            catalog.put_corpus(Corpus(corpus))
        catalog.add(records)
    return records


def hide_pictures(home: Home) -> Path:
    """Move the pictures out of the home: whoever opens one fails."""
    return Path(shutil.move(home.images, home.path / "elsewhere"))
