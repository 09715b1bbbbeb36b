"""The rule of MMed-RAG's paper: cut at the first steep fall of the score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from retrievers.found import Selection
from retrievers.selection.base import descending, told

__all__ = ["Gap"]


@dataclass(frozen=True, slots=True)
class Gap:
    """Cuts before the first hit i + 1 with log(S_i / S_{i+1}) above `threshold` (P. Xia et al., MMed-RAG, 2024).

    The paper gives no threshold, and a public replication saw the rule fire on none of 299 questions: `curbside
    calibrate` fits one and tells how often it fires. A score of 0 or less ends the list.
    """

    threshold: float = math.log(2.0)
    name: str = "gap"

    def select(self, scores: Sequence[float], most: int) -> Selection:
        """The hits before the first fall.

        >>> Gap(0.5).select([0.9, 0.85, 0.3, 0.29], 10).kept
        2
        """
        falling = descending(scores).tolist()
        kept = next((n for n in range(1, len(falling)) if self._falls(falling[n - 1], falling[n])), len(falling))
        cut = f"after them the score falls to less than 1/{math.exp(self.threshold):.3g} of the one before."
        return told(self.name, min(kept, most), most, len(scores), cut)

    def _falls(self, one: float, following: float) -> bool:
        return following <= 0 or math.log(one / following) > self.threshold
