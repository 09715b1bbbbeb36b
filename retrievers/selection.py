"""How many of the hits become context, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from corpora.errors import UnknownNameError
from retrievers.found import Selection

__all__ = ["FixedK", "Policy", "TopRatio", "selection_policy"]


class Policy(Protocol):
    """Chooses how many hits to keep."""

    @property
    def name(self) -> str:
        """The name by which settings choose it."""
        ...

    def select(self, scores: Sequence[float], most: int) -> Selection:
        """How many of the hits with these positive scores (best first) to keep, at most `most`."""
        ...


@dataclass(frozen=True, slots=True)
class FixedK:
    """Always the same number."""

    name: str = "fixed"

    def select(self, scores: Sequence[float], most: int) -> Selection:
        """The first `most`."""
        kept = min(most, len(scores))
        return Selection(self.name, kept, len(scores), f"{kept} of {len(scores)} found were used.")


@dataclass(frozen=True, slots=True)
class TopRatio:
    """Keeps hits while the best score is less than `ratio` times theirs (the rule of MMed-RAG's code)."""

    ratio: float = 2.0
    name: str = "ratio"

    def select(self, scores: Sequence[float], most: int) -> Selection:
        """The first hits whose score holds up against the best one's.

        >>> TopRatio(2.0).select([0.9, 0.8, 0.1], 10).kept
        2
        """
        near = next((n for n, score in enumerate(scores) if score * self.ratio <= scores[0]), len(scores))
        kept = min(near, most)
        if kept == len(scores):
            reason = f"All {kept} found were used."
        elif near < most:
            reason = f"{kept} of {len(scores)} found were used: the rest scored less than 1/{self.ratio:g} of the best."
        else:
            reason = f"{kept} of {len(scores)} found were used: the nearest ones."
        return Selection(self.name, kept, len(scores), reason)


DEFAULT_POLICY = TopRatio()
_POLICIES: dict[str, Policy] = {"fixed": FixedK(), "ratio": TopRatio()}


def selection_policy(name: str) -> Policy:
    """The policy of that name; raises `UnknownNameError` with the known ones."""
    try:
        return _POLICIES[name]
    except KeyError:
        raise UnknownNameError("selection policy", name, _POLICIES) from None
