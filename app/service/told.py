"""What `/v1/explain` returns, for the OpenAPI document: the explanation's arrays and pictures as JSON has them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.service.bodies import Box

__all__ = ["MapTold", "ShownTold", "WhyTold"]


class MapTold(BaseModel):
    """How much each part of a picture adds to the likeness `cosine`; `grid` is rows of columns."""

    grid: list[list[float]]
    cosine: float


class ShownTold(BaseModel):
    """A map drawn over its picture, as a `data:` address."""

    title: str
    cosine: float
    image: str


class WhyTold(BaseModel):
    """Why a record matches; the fields of `retrievers.explain.Explanation`, the maps also as pictures."""

    record: str
    found_by: list[tuple[str, int, float]] = Field(description="List, place and similarity, best place first.")
    sentence: str
    asked_map: MapTold | None
    hit_map: MapTold | None
    words_map: MapTold | None
    region: Box | None
    maps: list[ShownTold]
    disclaimer: str
