"""What the nearest cases say together: votes weighted by how near each case is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.answers import Evidence
from corpora.reading import Said, means_for, what_it_says

__all__ = ["Ballot", "Choice", "choose", "vote", "voters"]

_SHARPNESS = 3.0
_MOST_VOTERS = 8


@dataclass(frozen=True, slots=True)
class Ballot:
    """Votes on one finding: `yes` is the affirming share of those that speak, `spoken` their share of all weight."""

    yes: float
    spoken: float
    affirming: tuple[tuple[Evidence, Said], ...]
    denying: tuple[tuple[Evidence, Said], ...]

    @property
    def confidence(self) -> float:
        """How sure the majority is, drawn to 0.5 where few speak."""
        return 0.5 + abs(self.yes - 0.5) * min(1.0, 0.4 + self.spoken)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several answers, its share of the weight, and the evidence for it."""

    value: str
    share: float
    evidence: tuple[Evidence, ...]


def voters(evidence: Sequence[Evidence], with_pictures: bool) -> list[tuple[Evidence, float]]:
    """The cases that may vote, with weights that sum to 1.

    Beside a picture only cases found by picture vote, without one every case found by its words. The nearest weighs e³
    times the last: a report counts as much as its picture is alike, however narrow a space the encoder uses.
    """
    cases = [item for item in evidence if item.record.kind == "case"]
    scored = [(item, similarity) for item in cases if (similarity := _similarity(item, with_pictures)) is not None]
    scored.sort(key=lambda pair: -pair[1])
    scored = scored[:_MOST_VOTERS]
    if not scored:
        return []
    best, spread = scored[0][1], max(scored[0][1] - scored[-1][1], 1e-6)
    weights = [math.exp(_SHARPNESS * (similarity - best) / spread) for _, similarity in scored]
    return [(item, weight / sum(weights)) for (item, _), weight in zip(scored, weights, strict=True)]


def vote(
    finding: str, electorate: Iterable[tuple[Evidence, float]], side: str = "", severity: str = ""
) -> Ballot | None:
    """The ballot on a finding, or None where nobody says anything of it. Doubt counts half.

    Where a side or a severity is asked for, a case that names another one votes against.
    """
    yes = no = 0.0
    affirming: list[tuple[Evidence, Said]] = []
    denying: list[tuple[Evidence, Said]] = []
    for item, weight in electorate:
        said = what_it_says(item.record, finding)
        if said is None:
            continue
        meant = means_for(said, side, severity)
        share = {"affirmed": 1.0, "uncertain": 0.5, "denied": 0.0}[meant]
        yes, no = yes + weight * share, no + weight * (1.0 - share)
        (denying if meant == "denied" else affirming).append((item, said))
    if not affirming and not denying:
        return None
    return Ballot(yes / (yes + no), yes + no, tuple(affirming), tuple(denying))


def choose(value: Callable[[Evidence], Iterable[str]], electorate: Iterable[tuple[Evidence, float]]) -> list[Choice]:
    """The answers that the electorate gives, heaviest first; one case may give several."""
    weights: dict[str, float] = {}
    givers: dict[str, list[Evidence]] = {}
    for item, weight in electorate:
        for answer in dict.fromkeys(value(item)):
            weights[answer] = weights.get(answer, 0.0) + weight
            givers.setdefault(answer, []).append(item)
    ordered = sorted(weights, key=lambda answer: (-weights[answer], answer))
    return [Choice(answer, weights[answer], tuple(givers[answer])) for answer in ordered]


def _similarity(item: Evidence, with_pictures: bool) -> float | None:
    if with_pictures:
        return item.hit.similarity("image→image")
    return item.hit.similarity("text→text")
