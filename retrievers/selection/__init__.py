"""How many of the hits become context, and why."""

from __future__ import annotations

from corpora.errors import UnknownNameError
from retrievers.selection.base import Policy
from retrievers.selection.fixed import FixedK
from retrievers.selection.gap import Gap
from retrievers.selection.mass import Mass
from retrievers.selection.ratio import TopRatio
from retrievers.selection.risk import RiskControlled

__all__ = ["FixedK", "Gap", "Mass", "Policy", "RiskControlled", "TopRatio", "selection_policy"]

_POLICIES: dict[str, Policy] = {
    policy.name: policy for policy in (FixedK(), Gap(), TopRatio(), Mass(), RiskControlled())
}


def selection_policy(name: str) -> Policy:
    """The policy of that name; raises `UnknownNameError` with the known ones."""
    try:
        return _POLICIES[name]
    except KeyError:
        raise UnknownNameError("selection policy", name, _POLICIES) from None
