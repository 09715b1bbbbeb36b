"""Evidence as resources of the MCP server."""

from __future__ import annotations

import json
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import ResourceSecurity
from mcp.server.mcpserver.exceptions import ResourceNotFoundError

from app.answers import DISCLAIMER
from app.assistant import Assistant
from app.mcp_server.results import told_as
from app.shaping import plain

__all__ = ["add_resources"]

_PICTURE_SIDE = 800


def add_resources(server: MCPServer[Any], assistant: Assistant) -> None:
    """Register records and pictures."""

    # The id is looked up in the catalogue and never becomes a path.
    @server.resource(
        "curbside://record/{corpus}/{+id}",
        title="Record",
        mime_type="application/json",
        security=ResourceSecurity(exempt_params=frozenset({"id"})),
    )
    def record(corpus: str, id: str) -> str:  # noqa: A002 (the field's name everywhere)
        """A case, figure or passage, whole, as evidence cites it."""
        with told_as(ResourceNotFoundError):
            found = assistant.record(corpus, id)
        return json.dumps({**plain(found, paths=False), "disclaimer": DISCLAIMER}, ensure_ascii=False)

    @server.resource("curbside://picture/{digest}", title="Evidence picture", mime_type="image/jpeg")
    def picture(digest: str) -> bytes:
        """A picture of a record, by the digest that the record names, as JPEG of at most 800 pixels."""
        with told_as(ResourceNotFoundError):
            return assistant.picture(digest, _PICTURE_SIDE)
