"""Always the same number of hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrievers.found import Selection

__all__ = ["FixedK"]


@dataclass(frozen=True, slots=True)
class FixedK:
    """Keeps `k` hits, or as many as there may be where k is 0."""

    k: int = 0
    name: str = "fixed"

    def select(self, scores: Sequence[float], most: int) -> Selection:
        """The first k."""
        kept = min(self.k or most, most, len(scores))
        return Selection(self.name, kept, len(scores), f"{kept} of {len(scores)} found were used.")
