"""The tools `search` and `ask` of the MCP server."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult

from app.assistant import Assistant
from app.mcp_server.arguments import (
    Before,
    CorporaNamed,
    DomainNamed,
    Excluded,
    ImagesGiven,
    K,
    Neighbours,
    PatientAsked,
    RegionAsked,
    Text,
    query_of,
)
from app.mcp_server.results import ONLY_READS, told_as, tool_result, written_answer
from app.shaping import plain
from retrievers.written_hits import written_hits
from retrievers.written_pictures import written_pictures

__all__ = ["add_tools"]


def add_tools(server: MCPServer[Any], assistant: Assistant) -> None:
    """Register `search` and `ask`."""

    @server.tool(annotations=ONLY_READS)
    def search(
        text: Text = "",
        images: ImagesGiven = None,
        k: K = 6,
        domain: DomainNamed = None,
        corpora: CorporaNamed = None,
        exclude: Excluded = None,
        patient: PatientAsked = "",
        before: Before = None,
        region: RegionAsked = None,
        neighbours: Neighbours = 0,
    ) -> CallToolResult:
        """Find similar cases, their reports and textbook figures; the result is numbered for citing."""
        with told_as(ToolError):
            query = query_of(
                text,
                images,
                region,
                patient=patient,
                before=before,
                exclude=exclude or (),
                corpora=corpora,
                domain=domain,
                neighbours=neighbours,
            )
            found = assistant.retriever.search(query, k)
        return tool_result(written_hits(found), [hit.record for hit in found.hits], plain(found, paths=False))

    @server.tool(annotations=ONLY_READS)
    def ask(
        text: Text = "",
        images: ImagesGiven = None,
        domain: DomainNamed = None,
        corpora: CorporaNamed = None,
        exclude: Excluded = None,
        patient: PatientAsked = "",
        before: Before = None,
        region: RegionAsked = None,
    ) -> CallToolResult:
        """Answer a question from evidence, with citations, a verdict and a confidence; or say why it abstains."""
        with told_as(ToolError):
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
