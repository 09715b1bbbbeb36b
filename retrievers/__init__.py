"""Domain-aware retrieval: ask with text, pictures or both, get records with their reasons."""

from typing import TYPE_CHECKING

from retrievers.found import DomainFound, Found, Hit, Selection
from retrievers.query import Query

if TYPE_CHECKING:
    from retrievers.langchain import CurbsideRetriever
    from retrievers.retriever import Retriever

__all__ = ["CurbsideRetriever", "DomainFound", "Found", "Hit", "Query", "Retriever", "Selection"]


def __getattr__(name: str) -> object:
    """Loads what needs more than the standard library and NumPy only when it is first named."""
    if name == "Retriever":
        from retrievers.retriever import Retriever

        return Retriever
    if name == "CurbsideRetriever":
        from retrievers.langchain import CurbsideRetriever

        return CurbsideRetriever
    raise AttributeError(f"module 'retrievers' has no attribute {name!r}")
