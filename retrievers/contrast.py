"""Both sides of a finding: the nearest record that affirms it, and the nearest that denies it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpora.reading import what_it_says
from retrievers.found import Hit

__all__ = ["Contrast", "contrast_of"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """The nearest hit that affirms a finding and the nearest that denies it; None where none of `looked` does.

    Their `sentence` is the one that says so, where it is not their labels alone.

    `outside` says why nothing was searched where the question is out of every domain.
    """

    finding: str
    affirming: Hit | None
    denying: Hit | None
    looked: int
    outside: str = ""


def contrast_of(finding: str, hits: Sequence[Hit]) -> Contrast:
    """From hits, nearest first; what a record says of the finding is read from its labels, then from its text."""
    nearest: dict[str, Hit] = {}
    for hit in hits:
        said = what_it_says(hit.record, finding) if hit.record.kind == "case" else None
        if said is not None:
            nearest.setdefault(said.polarity, replace(hit, sentence=said.sentence or hit.sentence))
    return Contrast(finding, nearest.get("affirmed"), nearest.get("denied"), len(hits))
