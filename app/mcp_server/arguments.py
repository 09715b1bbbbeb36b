"""What the tools of the MCP server take, each with the words that describe it to a model."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from app.service.bodies import Box
from retrievers.query import Query
from retrievers.written_pictures import written_pictures

__all__ = [
    "Before",
    "CorporaNamed",
    "DomainNamed",
    "Excluded",
    "Finding",
    "ImagesGiven",
    "K",
    "Neighbours",
    "PatientAsked",
    "PatientNamed",
    "RecordNamed",
    "RegionAsked",
    "Text",
    "query_of",
]

Text = Annotated[str, Field(description="The question, or a description; may be empty beside a picture.")]
ImagesGiven = Annotated[
    list[str] | None, Field(max_length=32, description="Pictures: paths on this machine, base64, or data: addresses.")
]
K = Annotated[int, Field(ge=1, le=50, description="How many records.")]
Neighbours = Annotated[
    int, Field(ge=0, le=20, description="How many neighbours each record may bring; they count for k.")
]
DomainNamed = Annotated[str | None, Field(description="Search this domain; leave out to have it found.")]
CorporaNamed = Annotated[list[str] | None, Field(description="Only these corpora; leave out for all.")]
Excluded = Annotated[list[str] | None, Field(description="Records (id or corpus/id) that must not be found.")]
PatientAsked = Annotated[str, Field(description="The patient whose earlier studies count for `before`.")]
PatientNamed = Annotated[
    str, Field(min_length=1, description="`corpus/patient`, or the patient alone where one corpus has them.")
]
Before = Annotated[int | None, Field(ge=-(2**63), lt=2**63, description="Only studies before this day.")]
RegionAsked = Annotated[Box | None, Field(description="The part of the first picture that is asked about.")]
Finding = Annotated[str, Field(description="In any spelling; leave out to take the first that the question names.")]
RecordNamed = Annotated[str, Field(min_length=1, max_length=400, description="`corpus/id`, as results name it.")]


def query_of(text: str, images: list[str] | None, region: Box | None, **options: Any) -> Query:
    """The question as the retriever takes it; `options` are the other arguments of `Query`.

    Raises:
        CurbsideError: a picture is none that can be read, or the question cannot be asked.
    """
    pictures = written_pictures(images or (), files=True)
    return Query(text, pictures, region=region.region() if region else None, **options)
