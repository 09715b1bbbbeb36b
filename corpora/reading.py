"""What a record says of a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from corpora.language import Assertion, Polarity, assertions, packaged_lexicon
from corpora.records import Record

__all__ = ["Said", "means_for", "what_it_says"]

_NORMAL, _ABNORMAL = "normal", "abnormal"


@dataclass(frozen=True, slots=True)
class Said:
    """A record's word on a finding, and the sentence in which it says so ("" where only its labels do)."""

    polarity: Polarity
    sentence: str = ""
    side: str = ""
    severity: str = ""


def what_it_says(record: Record, finding: str) -> Said | None:
    """Whether the record affirms or denies the finding; None where it is silent.

    Labels come first, then what was seen on its pictures (findings, caption), then the rest of its text, which speaks
    of history and of other diseases too. Among sentences an affirming one outweighs a denying one ("no effusion on the
    left, a large one on the right"). A finding is also spoken of under a narrower name: a pulmonary nodule is a nodule.
    A record that is labelled normal denies every finding.
    """
    seen, rest = (
        [said for said in told if _is_a(said.finding, finding)]
        for told in (_assertions(f"{record.findings}\n{record.caption}"), _assertions(record.report or record.text))
    )
    about = seen + rest
    polarity = _labelled(record, finding) or _strongest(seen) or _strongest(rest)
    if polarity is None:
        return Said("denied") if _is_normal(record.labels) else None
    fitting = [said for said in about if said.polarity == polarity]
    if not fitting:
        return Said(polarity)
    sides = {said.side for said in fitting if said.side}
    side = "bilateral" if len(sides) > 1 else next(iter(sides), "")
    severity = next((said.severity for said in fitting if said.severity), "")
    return Said(polarity, fitting[0].sentence, side, severity)


def means_for(said: Said, side: str = "", severity: str = "") -> Polarity:
    """What a word on a finding means for one of this side and severity ("" where none is asked for).

    >>> means_for(Said("affirmed", side="right"), side="left")
    'denied'
    """
    if said.polarity != "affirmed":
        return said.polarity
    elsewhere = side and said.side and said.side not in (side, "bilateral")
    other = severity and said.severity and said.severity != severity
    return "denied" if elsewhere or other else "affirmed"


def _labelled(record: Record, finding: str) -> Polarity | None:
    if finding in (_NORMAL, _ABNORMAL) and record.labels:
        return "affirmed" if _is_normal(record.labels) == (finding == _NORMAL) else "denied"
    if _names(record.labels, finding):
        return "affirmed"
    return "denied" if _names(record.absent, finding) else None


def _names(labels: Sequence[str], finding: str) -> bool:
    """Whether one of the labels, in any spelling, is the finding or a kind of it, or names one among other words."""
    return any(_is_a(name, finding) for label in labels for name in _findings(label))


def _is_normal(labels: Sequence[str]) -> bool:
    return any(packaged_lexicon().canonical(label) == _NORMAL for label in labels)


def _is_a(name: str, finding: str) -> bool:
    """Whether a name is the finding or a kind of it, by its last words."""
    return name == finding or name.endswith(f" {finding}")


def _strongest(about: list[Assertion]) -> Polarity | None:
    said: set[Polarity] = {assertion.polarity for assertion in about}
    order: tuple[Polarity, ...] = ("affirmed", "uncertain", "denied")
    return next((polarity for polarity in order if polarity in said), None)


@lru_cache(maxsize=4096)
def _findings(label: str) -> frozenset[str]:
    lexicon = packaged_lexicon()
    return frozenset([lexicon.canonical(label), *(term.name for term in lexicon.find(label, "findings"))])


@lru_cache(maxsize=2048)
def _assertions(text: str) -> tuple[Assertion, ...]:
    return tuple(assertions(text))
