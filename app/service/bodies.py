"""What a request may hold: typed fields, as JSON or as a form with uploaded pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.answers import Turn
from corpora.records import Region
from retrievers.query import Query
from retrievers.written_pictures import written_pictures

__all__ = [
    "AskBody",
    "Box",
    "ContrastBody",
    "EarlierTurn",
    "ExplainBody",
    "QuestionBody",
    "SearchBody",
    "TimelineBody",
    "first_problem",
]

_Day = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Names = Annotated[list[str], Field(max_length=10_000)]
_Pictures = Annotated[list[str], Field(max_length=32)]


class Box(BaseModel):
    """A box, half-open, in pixels of the first picture."""

    model_config = ConfigDict(extra="forbid")

    x0: int
    y0: int
    x1: int
    y1: int

    def region(self) -> Region:
        """The same box as a value; raises `InputError` where it is empty."""
        return Region(self.x0, self.y0, self.x1, self.y1)


class QuestionBody(BaseModel):
    """What searching and asking share; the fields of `retrievers.Query`."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field("", description="The question, or a description; may be empty beside a picture.")
    images: _Pictures = Field(default_factory=list, description="Pictures as base64 or data: addresses.")
    region: Box | None = Field(None, description="The part of the first picture that is asked about.")
    patient: str = Field("", description="The patient whose earlier studies count for `before`.")
    before: _Day | None = Field(None, description="Only studies before this day.")
    exclude: _Names = Field(default_factory=list, description="Record ids (`id` or `corpus/id`) not to be found.")
    exclude_patients: _Names = Field(default_factory=list, description="Patients (`corpus/patient`) not to be found.")
    corpora: _Names | None = Field(None, description="Only these corpora; all where left out.")
    domain: str | None = Field(None, description="Search this domain; found where left out.")

    def options(self) -> dict[str, Any]:
        """All but text and pictures, as `Query` and `Assistant.ask` take them."""
        return {
            "region": self.region.region() if self.region else None,
            "patient": self.patient,
            "before": self.before,
            "exclude": self.exclude,
            "exclude_patients": self.exclude_patients,
            "corpora": self.corpora,
            "domain": self.domain,
        }

    def query(self, pictures: list[bytes], groups: frozenset[str] | None) -> Query:
        """The question as the retriever takes it; `pictures` are those that were uploaded."""
        images = [*written_pictures(self.images), *pictures]
        return Query(text=self.text, images=images, groups=groups, **self.options())


class SearchBody(QuestionBody):
    """A search."""

    k: int = Field(10, ge=1, le=200, description="How many records.")
    question: bool | None = Field(None, description="Whether the words ask or describe; null goes by their form.")
    neighbours: int = Field(0, ge=0, le=20, description="How many neighbours each record may bring; they count for k.")

    def options(self) -> dict[str, Any]:
        """All but text and pictures."""
        return {**super().options(), "neighbours": self.neighbours, "question": self.question}


class ContrastBody(QuestionBody):
    """Both sides of a finding."""

    finding: str = Field("", description="In any spelling; empty takes the first that the question names.")


class TimelineBody(BaseModel):
    """A patient's studies."""

    model_config = ConfigDict(extra="forbid")

    patient: str = Field(min_length=1, description="`corpus/patient`, or the patient alone where one corpus has them.")
    text: str = Field("", description="What the last report is read for; all of it is told anyway.")
    before: _Day | None = Field(None, description="The last report is that of an earlier day than this.")
    exclude: _Names = Field(default_factory=list, description="Record ids (`id` or `corpus/id`) that are left out.")
    corpora: _Names | None = Field(None, description="Only these corpora; all where left out.")

    def query(self, groups: frozenset[str] | None) -> Query:
        """The question as the retriever takes it."""
        return Query(
            self.text,
            patient=self.patient,
            before=self.before,
            exclude=self.exclude,
            corpora=self.corpora,
            groups=groups,
        )


class ExplainBody(QuestionBody):
    """Why a record matches."""

    record: str = Field(min_length=1, max_length=400, description="`corpus/id`, as hits name it.")


class EarlierTurn(BaseModel):
    """An earlier question of the conversation and its answer."""

    model_config = ConfigDict(extra="forbid")

    question: str
    answer: str
    images: _Pictures = Field(default_factory=list)

    def turn(self) -> Turn:
        """The same as the assistant takes it."""
        return Turn(self.question, self.answer, tuple(written_pictures(self.images)))


class AskBody(QuestionBody):
    """A question to answer."""

    history: list[EarlierTurn] = Field(default_factory=list, max_length=100, description="Earlier turns, oldest first.")
    stream: bool = Field(False, description="Send the answer as it is written, as server-sent events.")


def first_problem(problems: Sequence[Mapping[str, Any]]) -> str:
    """One sentence of what pydantic found wrong: where the first problem is, and what it is.

    >>> first_problem([{"loc": ("region", "x0"), "msg": "Field required"}])
    'region.x0: Field required.'
    """
    first = problems[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg'].rstrip('.')}."
