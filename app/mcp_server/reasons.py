"""The tools `contrast`, `timeline` and `explain`: both sides of a finding, what came before, and why."""

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
    Finding,
    ImagesGiven,
    PatientNamed,
    RecordNamed,
    RegionAsked,
    Text,
    query_of,
)
from app.mcp_server.results import (
    ONLY_READS,
    told_as,
    tool_result,
    written_contrast,
    written_timeline,
    written_why,
)
from app.shaping import plain
from retrievers.query import Query

__all__ = ["add_reasons"]


def add_reasons(server: MCPServer[Any], assistant: Assistant) -> None:
    """Register `contrast`, `timeline` and `explain`."""

    @server.tool(annotations=ONLY_READS)
    def contrast(
        text: Text = "",
        images: ImagesGiven = None,
        finding: Finding = "",
        domain: DomainNamed = None,
        corpora: CorporaNamed = None,
        exclude: Excluded = None,
        region: RegionAsked = None,
    ) -> CallToolResult:
        """Find the nearest case that affirms a finding, and the nearest that denies it."""
        with told_as(ToolError):
            query = query_of(text, images, region, exclude=exclude or (), corpora=corpora, domain=domain)
            both = assistant.retriever.contrast(query, finding)
        records = [hit.record for hit in (both.affirming, both.denying) if hit is not None]
        return tool_result(written_contrast(both), records, plain(both, paths=False))

    @server.tool(annotations=ONLY_READS)
    def timeline(
        patient: PatientNamed, text: Text = "", before: Before = None, corpora: CorporaNamed = None
    ) -> CallToolResult:
        """List a patient's studies, earliest first, and what the last one before a day says of what is asked."""
        with told_as(ToolError):
            found = assistant.retriever.timeline(Query(text, patient=patient, before=before, corpora=corpora))
        records = [record for study in found.studies for record in study.records]
        return tool_result(written_timeline(found), records, plain(found, paths=False))

    @server.tool(annotations=ONLY_READS)
    def explain(
        record: RecordNamed,
        text: Text = "",
        images: ImagesGiven = None,
        domain: DomainNamed = None,
        region: RegionAsked = None,
    ) -> CallToolResult:
        """Say why a record matches a question: lists, sentence, region, and maps over the pictures; takes seconds."""
        with told_as(ToolError):
            why = assistant.why(record, query_of(text, images, region, domain=domain))
        maps = [{"title": one.title, "cosine": one.cosine} for one in why.maps]
        told = {**plain(why.explanation, paths=False), "maps": maps}
        return tool_result(written_why(why), [why.record], told, [one.jpeg for one in why.maps])
