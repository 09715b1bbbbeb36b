"""What is said beside answers of the licence of the weights that found their evidence."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from indexing.encoders import EncoderPlan
from indexing.encoders.licences import licence_of

__all__ = ["weights_notice"]


def weights_notice(plan: EncoderPlan, domains: Iterable[str], folder: Path) -> str:
    """One sentence where the weights of a domain's encoder are not openly licensed, else nothing.

    Args:
        plan: Which encoder serves which domain.
        domains: The domains that are searched.
        folder: Where relative paths in specs start (the home).
    """
    kinds = {licence_of(plan.joint_spec(name), folder, plan.licences).kind for name in domains} - {"open"}
    return f"Encoder weights not under an open licence: {', '.join(sorted(kinds))}." if kinds else ""
