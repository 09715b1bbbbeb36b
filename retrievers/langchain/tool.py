"""Curbside's search as a tool that LangChain and LangGraph agents can call."""

from __future__ import annotations

from collections.abc import Collection

from langchain_core.runnables import run_in_executor
from langchain_core.tools import StructuredTool, ToolException
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from corpora.errors import CurbsideError
from retrievers.found import Hit
from retrievers.query import Query
from retrievers.retriever import Retriever
from retrievers.written_hits import written_hits
from retrievers.written_pictures import written_pictures

__all__ = ["ToolArguments", "curbside_tool"]

_DESCRIPTION = (
    "Find similar medical cases with their reports, and textbook figures and passages, by words, pictures or both. "
    "Returns numbered records to cite as [1], [2] … Research use, not a medical device."
)


class ToolArguments(BaseModel):
    """What an agent may give; a text or a picture at least."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field("", description="what to look for, in words; may be empty beside a picture")
    images: list[str] = Field(default_factory=list, description="pictures: base64, data: addresses, or file paths")
    k: int = Field(6, ge=1, le=50, description="how many records")
    domain: str | None = Field(None, description="search this domain; leave out to have it found")
    corpora: list[str] | None = Field(None, description="only these corpora; leave out for all")
    neighbours: int = Field(0, ge=0, le=20, description="how many neighbours each record may bring; they count for k")


def curbside_tool(
    retriever: Retriever,
    *,
    name: str = "curbside_search",
    files: bool = True,
    groups: Collection[str] | None = None,
) -> StructuredTool:
    """A tool that searches a home; its content is text with numbered citations, its artifact the list of hits.

    A question that cannot be asked comes back as a sentence, so that the agent can mend it.

    Args:
        retriever: Searches; may be shared by any number of agents.
        name: What the model calls the tool.
        files: Whether the model may name pictures by path; False where it speaks for somebody else.
        groups: Access groups of the asking person; None sees everything.
    """

    def search(
        text: str = "",
        images: list[str] | None = None,
        k: int = 6,
        domain: str | None = None,
        corpora: list[str] | None = None,
        neighbours: int = 0,
    ) -> tuple[str, list[Hit]]:
        try:
            pictures = written_pictures(images or (), files=files)
            query = Query(
                text=text, images=pictures, domain=domain, corpora=corpora, groups=groups, neighbours=neighbours
            )
            found = retriever.search(query, k)
        except CurbsideError as error:
            raise ToolException(str(error)) from error
        return written_hits(found), list(found.hits)

    async def search_on_a_thread(
        text: str = "",
        images: list[str] | None = None,
        k: int = 6,
        domain: str | None = None,
        corpora: list[str] | None = None,
        neighbours: int = 0,
    ) -> tuple[str, list[Hit]]:
        return await run_in_executor(None, search, text, images, k, domain, corpora, neighbours)

    return StructuredTool.from_function(
        func=search,
        coroutine=search_on_a_thread,
        name=name,
        description=_DESCRIPTION,
        args_schema=ToolArguments,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=_sentence,
    )


def _sentence(error: ValidationError | object) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"The argument {'.'.join(str(part) for part in first['loc'])} is wrong: {first['msg']}."
