"""Curbside for MCP clients: tools that search, answer and give reasons, and evidence as resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corpora.errors import MissingDependencyError

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from app.assistant import Assistant

__all__ = ["create_mcp_server"]


def create_mcp_server(assistant: Assistant) -> MCPServer[Any]:
    """A server over an assistant; `server.run("stdio")` serves one client until it leaves.

    While it serves, standard output carries the protocol alone; whatever else is printed goes to standard error.

    Raises:
        MissingDependencyError: the extra `mcp` is not installed.
    """
    try:
        from app.mcp_server.server import build
    except ModuleNotFoundError as error:
        raise MissingDependencyError(error.name or "mcp", "mcp", "The MCP server") from error
    return build(assistant)
