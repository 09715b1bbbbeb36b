"""What every re-ranking takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from indexing.opened import OpenedIndex
from retrievers.found import Hit
from retrievers.query import Query

__all__ = ["Reranker"]


class Reranker(Protocol):
    """Puts hits into another order; it loses none and adds none."""

    @property
    def name(self) -> str:
        """The spec by which settings choose it."""
        ...

    def rerank(self, query: Query, hits: Sequence[Hit], index: OpenedIndex) -> list[Hit]:
        """The same hits, best first; `index` is the one that found them."""
        ...
