"""The smallest context that holds a share of all the relevance that was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrievers.found import Selection
from retrievers.selection.base import descending, told

__all__ = ["Mass"]


@dataclass(frozen=True, slots=True)
class Mass:
    """Keeps the first hits whose scores sum to `share` of those of the `most` best hits.

    Meant for calibrated probabilities of relevance: then the sum is the expected number of relevant hits.
    """

    share: float = 0.8
    name: str = "mass"

    def select(self, scores: Sequence[float], most: int) -> Selection:
        """The smallest set that holds the share.

        >>> Mass(0.8).select([0.9, 0.8, 0.1, 0.1], 10).kept
        2
        """
        sums = np.cumsum(descending(scores)[:most])
        kept = int(np.searchsorted(sums, self.share * sums[-1] - 1e-9) + 1) if len(sums) else 0
        cut = f"they hold {self.share:.0%} of the relevance that was found."
        return told(self.name, min(kept, len(sums)), most, len(scores), cut)
