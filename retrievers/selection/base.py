"""What every policy takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrievers.found import Selection

__all__ = ["Policy", "descending", "told"]


class Policy(Protocol):
    """Chooses how many hits to keep."""

    @property
    def name(self) -> str:
        """The name by which settings choose it."""
        ...

    def select(self, scores: Sequence[float], most: int) -> Selection:
        """How many of the hits with these positive scores (best first) to keep, at most `most`.

        Scores are calibrated probabilities of relevance where the home has them, else those of the fusion.
        """
        ...


def descending(scores: Sequence[float]) -> NDArray[np.float64]:
    """Scores (n,) that never rise: a hit that stands behind another counts at most as much as that one."""
    return np.minimum.accumulate(np.asarray(scores, np.float64)) if len(scores) else np.zeros(0)


def told(name: str, kept: int, most: int, candidates: int, cut: str) -> Selection:
    """The selection with its reason; `cut` says why the policy kept fewer than it might have."""
    if kept == candidates:
        reason = f"All {kept} found were used."
    elif kept < most:
        reason = f"{kept} of {candidates} found were used: {cut}"
    else:
        reason = f"{kept} of {candidates} found were used: the nearest ones."
    return Selection(name, kept, candidates, reason)
