"""Tower features of a home's records, computed once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpora.errors import SourceError
from corpora.images import ImageStore
from corpora.records import Record
from indexing.describe import joint_text
from indexing.encoders.towers import IMAGE_DIM, TEXT_DIM, image_tower, text_tower
from indexing.training.heads import Pairs

__all__ = ["HomeFeatures", "home_features"]

_BATCH = 16
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class HomeFeatures:
    """One row a picture: features of picture and text, what the text says, labels, patient, domain, corpus."""

    images: Vectors
    texts: Vectors
    said: list[str]
    labels: list[frozenset[str]]
    patients: list[str]
    domains: NDArray[np.str_]
    corpora: NDArray[np.str_]
    modalities: NDArray[np.str_]

    def pairs(self, chosen: NDArray[np.bool_]) -> Pairs:
        """The chosen rows as training pairs."""
        return Pairs(self.images, self.texts, self.said, self.labels, self.patients).rows(np.flatnonzero(chosen))


def home_features(records: Iterable[Record], store: ImageStore, device: str = "cpu") -> HomeFeatures:
    """Features of every readable picture of the records; records without pictures are passed over."""
    tower, sentences = image_tower(device), text_tower(device)
    rows: list[Record] = []
    found: list[Vectors] = []
    held: list[Vectors] = []

    def flush() -> None:
        if held:
            found.append(tower.features(np.stack(held)))
            held.clear()

    for record in records:
        for picture in record.pictures:
            try:
                held.append(tower.prepare(store.open(picture.digest)))
            except SourceError:
                continue
            rows.append(record)
            if len(held) == _BATCH:
                flush()
    flush()
    said = [joint_text(record) for record in rows]
    distinct = list(dict.fromkeys(said))
    place = {text: number for number, text in enumerate(distinct)}
    texts = sentences.features(distinct) if distinct else np.zeros((0, TEXT_DIM), np.float32)
    return HomeFeatures(
        np.concatenate(found) if found else np.zeros((0, IMAGE_DIM), np.float32),
        texts[[place[text] for text in said]],
        said,
        [frozenset(record.labels) for record in rows],
        [f"{record.corpus}/{record.patient or record.id}" for record in rows],
        np.array([record.domain for record in rows]),
        np.array([record.corpus for record in rows]),
        np.array([record.modality for record in rows]),
    )
