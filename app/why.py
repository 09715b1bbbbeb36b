"""Where a record's picture is like what was asked: maps over pictures, ready to be shown."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from corpora.records import Record
from retrievers.explain import SimilarityMap, overlay
from retrievers.found import Hit
from retrievers.query import ImageSource, Query
from retrievers.retriever import Retriever

__all__ = ["ShownMap", "maps_of"]

_SIDE = 420


@dataclass(frozen=True, slots=True)
class ShownMap:
    """A picture under a map as JPEG, what it is, and the likeness (a cosine) that it explains."""

    title: str
    jpeg: bytes
    cosine: float


def maps_of(retriever: Retriever, record: Record, image: ImageSource | None, text: str) -> tuple[ShownMap, ...]:
    """The maps between a question and one record; none where the record has no picture.

    Args:
        retriever: On the home.
        record: One that the asking person may see.
        image: The question's picture, if it has one.
        text: The question's words, which may be empty.

    Raises:
        QueryError: the question is empty.
    """
    query = Query(text=text, images=[] if image is None else [image])
    why = retriever.explain(query, Hit(record, 0.0, {}, {}))
    asked = query.pictures[0] if query.pictures else None
    shown = retriever.images.open(record.pictures[0].digest) if record.pictures else None
    listed = (
        ("your picture, against this one", asked, why.asked_map),
        ("this picture, against yours", shown, why.hit_map),
        ("this picture, against your words", shown, why.words_map),
    )
    return tuple(
        _shown(title, picture, made) for title, picture, made in listed if picture is not None and made is not None
    )


def _shown(title: str, picture: Image.Image, made: SimilarityMap) -> ShownMap:
    buffer = io.BytesIO()
    overlay(picture, made, _SIDE).save(buffer, "JPEG", quality=85)
    return ShownMap(title, buffer.getvalue(), round(made.cosine, 3))
