"""A second look at what was found: diversity, a cross-encoder, or whoever implements `Reranker`."""

from retrievers.rerank.base import Reranker
from retrievers.rerank.diversity import Diversity
from retrievers.rerank.registry import open_reranker

__all__ = ["Diversity", "Reranker", "open_reranker"]
