"""A site of many patients with small drawn pictures: one kind of shape, and one text, for each finding."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from corpora.catalog import Catalog, Corpus
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Licence, Picture, Record

OPEN = Licence("CC0 1.0", "open")
UNCLEAR = Licence()
FINDINGS = ("cyst", "solid mass", "calcification", "normal tissue")


def shape(finding: int, seed: int, side: int = 64) -> Image.Image:
    """A ring, a disk, dots or stripes somewhere on grey noise."""
    rng = np.random.default_rng([finding, seed])
    image = Image.fromarray(rng.integers(60, 110, (side, side), dtype=np.uint8)).convert("RGB")
    pen = ImageDraw.Draw(image)
    x, y = (int(value) for value in rng.integers(side // 8, side // 3, 2))
    box = (x, y, x + side // 2, y + side // 2)
    if finding == 0:
        pen.ellipse(box, fill=(5, 5, 10), outline=(240, 240, 240))
    elif finding == 1:
        pen.rectangle(box, fill=(200, 190, 180))
    elif finding == 2:
        for dx, dy in rng.integers(0, side // 2, (14, 2)).tolist():
            pen.ellipse((x + dx, y + dy, x + dx + 3, y + dy + 3), fill=(255, 255, 255))
    else:
        for line in range(0, side, 6):
            pen.line((0, line, side, line), fill=(150, 140, 130))
    return image


def stored(home: Home, image: Image.Image) -> Picture:
    """The picture in the home's store."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    digest, width, height = ImageStore(home.images).add(buffer.getvalue())
    return Picture(digest=digest, width=width, height=height)


def site_records(
    home: Home, patients: int, corpus: str = "site", licence: Licence = OPEN, domain: str = "ultrasound"
) -> list[Record]:
    """A record with one picture for each patient."""
    return [
        Record(
            id=f"case-{number}",
            corpus=corpus,
            kind="case",
            domain=domain,
            modality=domain,
            report=f"The picture shows {FINDINGS[number % 4]}, size {number % 3}.",
            pictures=(stored(home, shape(number % 4, number)),),
            labels=(FINDINGS[number % 4],),
            patient=f"p{number}",
            licence=licence,
        )
        for number in range(patients)
    ]


def put(home: Home, records: Sequence[Record]) -> None:
    """Add the records and their corpora to the home's catalogue."""
    with Catalog.open(home.catalog_url) as catalog:
        for name in {record.corpus for record in records} - {known.name for known in catalog.corpora()}:
            catalog.put_corpus(Corpus(name))
        catalog.add(list(records))
