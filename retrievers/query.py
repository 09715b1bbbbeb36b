"""The question that a retriever answers, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from PIL import Image

from corpora.errors import QueryError
from corpora.images import DecodeLimits, decode, read_image_bytes, upright
from corpora.records import Region
from retrievers.understanding import Understood

__all__ = ["EMPTY", "ImageSource", "Query"]

EMPTY = "The question is empty; give a text, a picture, or both."
"""What is said of a question without either."""

_MOST_NEIGHBOURS = 20
_MOST_PIXELS = 240_000_000

ImageSource: TypeAlias = str | Path | bytes | Image.Image


@dataclass(frozen=True)
class Query:
    """What to look for: text, pictures, or both.

    Args:
        text: A question or a description.
        images: Pictures as paths, bytes or PIL images; decoded once, here.
        region: The part of the first picture that the question is about.
        patient: Whose earlier studies are wanted: `patient`, or `corpus/patient`.
        before: Only studies before this day.
        exclude: Record ids (`"id"` or `"corpus/id"`) that must not be found.
        exclude_patients: Patients (`"corpus/patient"`) none of whose records must be found.
        corpora: Only these corpora; all where None.
        domain: Search this domain whatever the router thinks.
        groups: Access groups of the asking person; None is the owner of the home, who sees everything.
        neighbours: How many neighbours each hit may bring along (a figure's paragraphs, a case's earlier study …); they
            count against k.
        question: Whether the words ask about the pictures, and so must not choose which cases are near, or describe
            what is wanted; None goes by their form.

    Raises:
        QueryError: neither text nor picture; with a patient alone, a timeline can be asked for, but no search.
        QueryError: the pictures have over 240 megapixels together.
        DecodeError: a picture cannot be decoded.

    >>> Query()
    Traceback (most recent call last):
    corpora.errors.QueryError: The question is empty; give a text, a picture, or both.
    """

    text: str = ""
    images: Sequence[ImageSource] = ()
    region: Region | None = None
    patient: str = ""
    before: int | None = None
    exclude: Iterable[str] = ()
    exclude_patients: Iterable[str] = ()
    corpora: Iterable[str] | None = None
    domain: str | None = None
    groups: Iterable[str] | None = None
    neighbours: int = 0
    question: bool | None = None

    def __post_init__(self) -> None:
        if isinstance(self.images, (str, Path, bytes, Image.Image)):
            raise QueryError("images is one picture; give a list of pictures.")
        for name in ("exclude", "exclude_patients", "corpora", "groups"):
            if isinstance(getattr(self, name), str):
                raise QueryError(f"{name} is one text; give a list of texts.")
        if any("\ud800" <= character <= "\udfff" for character in f"{self.patient}{self.domain or ''}"):
            raise QueryError("The patient or domain is no valid Unicode text; write it anew.")
        text = " ".join("".join(c for c in self.text if c.isprintable() or c.isspace()).split())
        if not text and not self.images and not self.patient:
            raise QueryError(EMPTY)
        if self.region is not None and not self.images:
            raise QueryError("A region is given without a picture; give the picture of which it is a part.")
        if not 0 <= self.neighbours <= _MOST_NEIGHBOURS:
            raise QueryError(f"neighbours is {self.neighbours}; it must lie between 0 and {_MOST_NEIGHBOURS}.")
        freeze = object.__setattr__
        freeze(self, "text", text)
        freeze(self, "images", tuple(_opened(self.images)))
        freeze(self, "exclude", frozenset(self.exclude))
        freeze(self, "exclude_patients", frozenset(self.exclude_patients))
        for name in ("corpora", "groups"):
            value = getattr(self, name)
            freeze(self, name, None if value is None else frozenset(value))

    def asking(self, asked: Understood) -> Query:
        """The same, with what its words do beside a picture decided by their form."""
        made = copy(self)
        object.__setattr__(made, "question", asked.asks or asked.composed is not None)
        return made

    @property
    def pictures(self) -> tuple[Image.Image, ...]:
        """The decoded pictures, upright RGB; the first cut to `region` where one is given."""
        images = tuple(image for image in self.images if isinstance(image, Image.Image))
        if self.region is None or not images:
            return images
        box = self.region
        if box.x0 >= images[0].width or box.y0 >= images[0].height:
            raise QueryError(f"The region lies outside the picture of {images[0].width} × {images[0].height} pixels.")
        cut = (box.x0, box.y0, min(box.x1, images[0].width), min(box.y1, images[0].height))
        return (images[0].crop(cut), *images[1:])


def _opened(images: Sequence[ImageSource]) -> Iterator[Image.Image]:
    pixels = 0
    for number, image in enumerate(images, 1):
        opened = _open(image, number)
        pixels += opened.width * opened.height
        if pixels > _MOST_PIXELS:  # 32 pictures at the limit of one would fill gigabytes
            raise QueryError(f"The pictures have over {_MOST_PIXELS // 10**6} megapixels together; give fewer.")
        yield opened


def _open(image: ImageSource, number: int) -> Image.Image:
    limits = DecodeLimits()
    if isinstance(image, Image.Image):
        return upright(image, f"picture {number}", limits)
    if isinstance(image, bytes):
        return decode(image, f"picture {number}", limits)
    if not isinstance(image, (str, Path)):
        raise QueryError(f"picture {number} is of type {type(image).__name__}; give a path, bytes or a PIL image.")
    return decode(read_image_bytes(Path(image), limits), Path(image).name, limits)
