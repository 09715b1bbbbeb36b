"""Values as JSON knows them: the command line, the service and the MCP server print the same fields."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from corpora.records import Picture

__all__ = ["plain"]


def plain(value: Any, *, paths: bool = True) -> Any:
    """Dataclasses as dictionaries, tuples and sets as lists, under the names that Python objects have.

    Args:
        value: A result, or a part of one.
        paths: Whether to tell where on this machine a record's picture was read from; those who ask from elsewhere have
            no use for it, and paths may name patients.
    """
    if isinstance(value, Picture) and not paths:
        value = dataclasses.replace(value, source="")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), paths=paths) for field in dataclasses.fields(value)}
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): plain(item, paths=paths) for key, item in value.items()}
    if hasattr(value, "tolist"):  # arrays and numbers of NumPy
        return value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, paths=paths) for item in value]
    return str(value) if isinstance(value, Path) else value
