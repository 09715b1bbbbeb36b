"""The rule of MMed-RAG's code: keep hits while they hold up against the best one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrievers.found import Selection
from retrievers.selection.base import descending, told

__all__ = ["TopRatio"]


@dataclass(frozen=True, slots=True)
class TopRatio:
    """Keeps hits while the best score is less than `ratio` times theirs."""

    ratio: float = 2.0
    name: str = "ratio"

    def select(self, scores: Sequence[float], most: int) -> Selection:
        """The first hits whose score holds up against the best one's.

        >>> TopRatio(2.0).select([0.9, 0.8, 0.1], 10).kept
        2
        """
        falling = descending(scores)
        near = next((n for n, score in enumerate(falling) if score * self.ratio <= falling[0]), len(falling))
        cut = f"the rest scored less than 1/{self.ratio:g} of the best."
        return told(self.name, min(near, most), most, len(scores), cut)
