"""Domain-aware retrieval: ask with text, pictures or both, get records with their reasons."""

from typing import TYPE_CHECKING

from retrievers.found import DomainFound, Found, Hit, Selection
from retrievers.query import Query

if TYPE_CHECKING:
    from retrievers.langchain import CurbsideEmbeddings, CurbsideRetriever, curbside_tool
    from retrievers.retriever import Retriever

__all__ = [
    "CurbsideEmbeddings",
    "CurbsideRetriever",
    "DomainFound",
    "Found",
    "Hit",
    "Query",
    "Retriever",
    "Selection",
    "curbside_tool",
]
_IN_LANGCHAIN = ("CurbsideEmbeddings", "CurbsideRetriever", "curbside_tool")


def __getattr__(name: str) -> object:
    """Loads what needs more than the standard library and NumPy only when it is first named."""
    if name == "Retriever":
        from retrievers.retriever import Retriever

        return Retriever
    if name in _IN_LANGCHAIN:
        from retrievers import langchain

        return getattr(langchain, name)
    raise AttributeError(f"module 'retrievers' has no attribute {name!r}")
