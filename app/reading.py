"""What a record says of a finding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from corpora.language import Assertion, Polarity, assertions, packaged_lexicon
from corpora.records import Record

__all__ = ["Said", "what_it_says"]

_NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Said:
    """A record's word on a finding, and the sentence in which it says so ("" where only its labels do)."""

    polarity: Polarity
    sentence: str = ""
    side: str = ""
    severity: str = ""


def what_it_says(record: Record, finding: str) -> Said | None:
    """Whether the record affirms or denies the finding; None where it is silent.

    Labels come first, then sentences: an affirming sentence outweighs a denying one ("no effusion on the left, a large
    one on the right"). A record that is labelled normal denies every finding.
    """
    about = [said for said in _assertions(record.report or record.caption or record.text) if said.finding == finding]
    polarity = _labelled(record, finding) or _strongest(about)
    if polarity is None:
        return Said("denied") if _NORMAL in record.labels and finding != _NORMAL else None
    fitting = [said for said in about if said.polarity == polarity]
    if not fitting:
        return Said(polarity)
    return Said(
        polarity,
        fitting[0].sentence,
        next((said.side for said in fitting if said.side), ""),
        next((said.severity for said in fitting if said.severity), ""),
    )


def _labelled(record: Record, finding: str) -> Polarity | None:
    if finding in record.labels or any(finding in _findings(label) for label in record.labels):
        return "affirmed"
    if finding in record.absent:
        return "denied"
    if finding == _NORMAL and record.labels:
        return "denied"
    return None


def _strongest(about: list[Assertion]) -> Polarity | None:
    said: set[Polarity] = {assertion.polarity for assertion in about}
    order: tuple[Polarity, ...] = ("affirmed", "uncertain", "denied")
    return next((polarity for polarity in order if polarity in said), None)


@lru_cache(maxsize=4096)
def _findings(label: str) -> frozenset[str]:
    return frozenset(term.name for term in packaged_lexicon().find(label, "findings"))


@lru_cache(maxsize=2048)
def _assertions(text: str) -> tuple[Assertion, ...]:
    return tuple(assertions(text))
