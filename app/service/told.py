"""What the routes of `reasons` return, for the OpenAPI document: arrays and pictures as JSON has them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.service.bodies import Box
from retrievers.found import Hit
from retrievers.timeline import Study

__all__ = ["ContrastTold", "MapTold", "ShownTold", "TimelineTold", "WhyTold"]


class ContrastTold(BaseModel):
    """Both sides of a finding; the fields of `retrievers.contrast.Contrast`."""

    finding: str
    affirming: Hit | None
    denying: Hit | None
    looked: int
    outside: str
    disclaimer: str


class TimelineTold(BaseModel):
    """A patient's studies; the fields of `retrievers.timeline.Timeline`."""

    patient: str
    studies: list[Study]
    prior: Study | None
    whole: str
    regional: str
    disclaimer: str


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
