"""Which entries of an index the atlas shows, and what a reader is told of each."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.records import Record
from indexing.describe import joint_text
from indexing.opened import OpenedSide

__all__ = ["Entries", "Point", "choose_entries", "shares", "telling_label", "thumbnail"]

_THUMBNAIL = 64
_MOST_TEXT = 180
_FEW = 3
_SHARE = 0.02

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Point:
    """One entry as it is shown.

    `label` is the one of `labels` that it is coloured by; `picture` the digest, "" where there is none.
    """

    uid: int
    record: str
    corpus: str
    patient: str
    domain: str
    modality: str
    label: str
    labels: tuple[str, ...]
    licence: str
    text: str
    picture: str

    def name(self, by: str) -> str:
        """What it is called when points are told apart by `domain`, `label` or `modality`; "" where that is unknown."""
        return {"domain": self.domain, "label": self.label, "modality": self.modality}[by]


@dataclass(frozen=True)
class Entries:
    """Entries of one domain: points, and their stored vectors (n, d) in the domain's own space."""

    domain: str
    encoder: str
    points: tuple[Point, ...]
    vectors: Vectors


def choose_entries(
    sides: Sequence[OpenedSide], records: Mapping[int, Record], most: int, rng: np.random.Generator
) -> tuple[list[Entries], int]:
    """At most `most` entries of these sides whose records are given, drawn at random; and how many there are in all.

    Domains get equal shares, small ones all they have. An entry of a picture shows that picture; one of a text shows
    its record's first picture.
    """
    there = [[row for row, uid in enumerate(side.records.tolist()) if uid in records] for side in sides]
    chosen = []
    for side, rows, share in zip(sides, there, shares([len(rows) for rows in there], most), strict=True):
        if share:
            kept = sorted(rng.choice(rows, share, replace=False).tolist())
            chosen.append(_entries(side, kept, records))
    return chosen, sum(map(len, there))


def _entries(side: OpenedSide, mine: list[int], records: Mapping[int, Record]) -> Entries:
    counts = Counter(label for row in mine for label in records[int(side.records[row])].labels)
    few = max(_FEW, _SHARE * len(mine))
    points = tuple(_point(side, row, records[int(side.records[row])], counts, few) for row in mine)
    return Entries(
        side.manifest.domain, side.manifest.encoder, points, np.asarray(side.vectors[mine], dtype=np.float32)
    )


def shares(counts: Sequence[int], most: int) -> list[int]:
    """How many of each to show so that together they are at most `most`: equal shares, small ones whole.

    >>> shares([100, 5, 40], 60)
    [28, 5, 27]
    """
    given = [0] * len(counts)
    left = most
    for place, number in enumerate(sorted(range(len(counts)), key=lambda n: counts[n])):
        given[number] = min(counts[number], left // (len(counts) - place))
        left -= given[number]
    return given


def thumbnail(image: Image.Image) -> str:
    """The picture in at most 64 × 64 pixels as a data URI (WebP, about a kilobyte)."""
    small = image.convert("RGB")
    small.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=60, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def telling_label(labels: Sequence[str], counts: Mapping[str, int], few: float) -> str:
    """Of a record's labels the rarest that at least `few` records bear, else the commonest; "" where it has none.

    A body region that all share tells nothing, and a diagnosis that one record has makes no group.

    >>> telling_label(["lung", "b-lines", "comet"], {"lung": 90, "b-lines": 20, "comet": 1}, few=5)
    'b-lines'
    """
    shared = [label for label in labels if counts[label] >= few]
    if shared:
        return min(shared, key=lambda label: counts[label])
    return max(labels, key=lambda label: counts[label], default="")


def _point(side: OpenedSide, row: int, record: Record, counts: Mapping[str, int], few: float) -> Point:
    part = side.part(int(row)) if side.manifest.side == "image" else 0
    picture = record.pictures[part].digest if part < len(record.pictures) else ""
    said = " ".join(joint_text(record).split())
    return Point(
        uid=record.uid,
        record=record.id,
        corpus=record.corpus,
        patient=record.patient_key,
        domain=record.domain,
        modality=record.modality,
        label=telling_label(record.labels, counts, few),
        labels=record.labels,
        licence=record.licence.name,
        text=said if len(said) <= _MOST_TEXT else f"{said[: _MOST_TEXT - 1].rstrip()}…",
        picture=picture,
    )
