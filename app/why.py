"""Why a record matches a question, with maps over pictures that are ready to be shown."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

from app.shaping import plain
from corpora.records import Record
from retrievers.explain import Explanation, SimilarityMap, maps_over, overlay
from retrievers.query import Query
from retrievers.retriever import Retriever

__all__ = ["ShownMap", "Why", "why_of"]

_SIDE = 420
_TITLES = {
    "asked": "your picture, against this one",
    "found": "this picture, against yours",
    "words": "this picture, against your words",
}


@dataclass(frozen=True, slots=True)
class ShownMap:
    """A picture under a map as JPEG, what it is, and the likeness (a cosine) that it explains."""

    title: str
    jpeg: bytes
    cosine: float

    def as_json(self) -> dict[str, Any]:
        """The same with the picture as a `data:` address."""
        image = f"data:image/jpeg;base64,{base64.b64encode(self.jpeg).decode('ascii')}"
        return {"title": self.title, "cosine": self.cosine, "image": image}


@dataclass(frozen=True, slots=True)
class Why:
    """The explanation of one record, and its maps drawn over the pictures."""

    record: Record
    explanation: Explanation
    maps: tuple[ShownMap, ...]

    def as_json(self) -> dict[str, Any]:
        """Every field of the explanation, and `maps` as pictures."""
        return {**plain(self.explanation), "maps": [one.as_json() for one in self.maps]}


def why_of(retriever: Retriever, query: Query, record: Record) -> Why:
    """Why a record matches a question; where none of the question's lists holds it, no list is named.

    Args:
        retriever: On the home.
        query: The question.
        record: One that the asking person may see.

    Raises:
        QueryError: the question is empty.
    """
    hit = retriever.standing(query, record)
    explanation = retriever.explain(query, hit)
    maps = maps_over(explanation, query, hit, retriever.images.open)
    return Why(record, explanation, tuple(_shown(_TITLES[name], picture, made) for name, picture, made in maps))


def _shown(title: str, picture: Image.Image, made: SimilarityMap) -> ShownMap:
    buffer = io.BytesIO()
    overlay(picture, made, _SIDE).save(buffer, "JPEG", quality=85)
    return ShownMap(title, buffer.getvalue(), round(made.cosine, 3))
