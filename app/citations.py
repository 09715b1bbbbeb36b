"""Evidence numbers in answers: finding them, and checking that the cited record holds the claim."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.answers import Evidence
from app.reading import what_it_says
from corpora.language import assertions, sentences

__all__ = ["Checked", "check_citations", "cited_numbers"]

_CITATION = re.compile(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
_MARK = " (not supported by the evidence)"


@dataclass(frozen=True, slots=True)
class Checked:
    """The text with unsupported claims marked, and those claims by themselves."""

    text: str
    unsupported: tuple[str, ...]


def cited_numbers(text: str) -> tuple[int, ...]:
    """Every evidence number in the text, in order, once each.

    >>> cited_numbers("As in [2] and [1, 2].")
    (2, 1)
    """
    found = (int(number) for match in _CITATION.finditer(text) for number in re.split(r"\s*[,;]\s*", match[1]))
    return tuple(dict.fromkeys(found))


def check_citations(text: str, evidence: Sequence[Evidence]) -> Checked:
    """Mark each sentence that cites a number without evidence, or a record that does not say what it claims.

    A claim is a finding with its polarity. It is supported when one of the cited records says the same; a sentence
    that names no finding is only asked for real numbers. This compares words, not meaning.
    """
    by_number = {item.number: item for item in evidence}
    unsupported = []
    for sentence in sentences(text):
        numbers = cited_numbers(sentence)
        if not numbers:
            continue
        cited = [by_number[number] for number in numbers if number in by_number]
        if len(cited) < len(numbers) or not _supported(sentence, cited):
            unsupported.append(sentence)
    for sentence in unsupported:
        text = text.replace(sentence, sentence + _MARK)
    return Checked(text, tuple(unsupported))


def _supported(sentence: str, cited: Sequence[Evidence]) -> bool:
    claims = {(said.finding, said.polarity) for said in assertions(_CITATION.sub("", sentence))}
    if not claims:
        return True
    return any(_holds(item, finding, polarity) for item in cited for finding, polarity in claims)


def _holds(item: Evidence, finding: str, polarity: str) -> bool:
    said = what_it_says(item.record, finding)
    return said is not None and said.polarity == polarity
