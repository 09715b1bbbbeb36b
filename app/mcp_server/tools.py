"""The tools of the MCP server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from app.answers import DISCLAIMER
from app.assistant import Assistant
from app.mcp_server.results import tool_result, written_answer
from app.service.bodies import Box
from app.shaping import plain
from corpora.errors import CurbsideError
from retrievers.query import Query
from retrievers.written_hits import written_hits
from retrievers.written_pictures import written_pictures

__all__ = ["add_tools"]

_Text = Annotated[str, Field(description="The question, or a description; may be empty beside a picture.")]
_Images = Annotated[
    list[str] | None, Field(max_length=32, description="Pictures: paths on this machine, base64, or data: addresses.")
]
_K = Annotated[int, Field(ge=1, le=50, description="How many records.")]
_Domain = Annotated[str | None, Field(description="Search this domain; leave out to have it found.")]
_Corpora = Annotated[list[str] | None, Field(description="Only these corpora; leave out for all.")]
_Exclude = Annotated[list[str] | None, Field(description="Records (id or corpus/id) that must not be found.")]
_Patient = Annotated[str, Field(description="The patient whose earlier studies count for `before`.")]
_Before = Annotated[int | None, Field(ge=-(2**63), lt=2**63, description="Only studies before this day.")]
_Region = Annotated[Box | None, Field(description="The part of the first picture that is asked about.")]


def add_tools(server: MCPServer[Any], assistant: Assistant) -> None:
    """Register `search` and `ask`."""
    only_reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @server.tool(annotations=only_reads)
    def search(
        text: _Text = "",
        images: _Images = None,
        k: _K = 6,
        domain: _Domain = None,
        corpora: _Corpora = None,
        exclude: _Exclude = None,
        patient: _Patient = "",
        before: _Before = None,
        region: _Region = None,
    ) -> CallToolResult:
        """Find similar cases, their reports and textbook figures; the result is numbered for citing."""
        with _told():
            query = Query(
                text,
                written_pictures(images or (), files=True),
                region=region.region() if region else None,
                patient=patient,
                before=before,
                exclude=exclude or (),
                corpora=corpora,
                domain=domain,
            )
            found = assistant.retriever.search(query, k)
        value = {**plain(found, paths=False), "disclaimer": DISCLAIMER}
        return tool_result(written_hits(found), [hit.record for hit in found.hits], value)

    @server.tool(annotations=only_reads)
    def ask(
        text: _Text = "",
        images: _Images = None,
        domain: _Domain = None,
        corpora: _Corpora = None,
        exclude: _Exclude = None,
        patient: _Patient = "",
        before: _Before = None,
        region: _Region = None,
    ) -> CallToolResult:
        """Answer a question from evidence, with citations, a verdict and a confidence; or say why it abstains."""
        with _told():
            answer = assistant.ask(
                text,
                written_pictures(images or (), files=True),
                domain=domain,
                corpora=corpora,
                region=region.region() if region else None,
                patient=patient,
                before=before,
                exclude=exclude or (),
            )
        records = [item.record for item in answer.evidence]
        return tool_result(written_answer(answer), records, plain(answer, paths=False))


@contextmanager
def _told() -> Iterator[None]:
    """What the client can mend reaches it as a sentence; anything else is told only to the log."""
    try:
        yield
    except CurbsideError as error:
        raise ToolError(str(error)) from error
