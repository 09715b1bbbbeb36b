"""Evidence numbers in answers: finding them, and checking that the cited record holds the claim."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.answers import Evidence
from corpora.language import Assertion, assertions, sentences
from corpora.reading import means_for, what_it_says

__all__ = ["Checked", "check_citations", "cited_numbers"]

_CITATION = re.compile(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
_LEADING = re.compile(r"(?:\[\d[\d\s,;]*\]\s*)+[.,;]?\s*")
_QUOTE = re.compile(r"“([^”]+)”")
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
    """Mark each sentence that cites a number without evidence, or records that do not say what it claims.

    A claim is a finding with its polarity, side and severity; each must be said by one of the cited records. What is
    quoted word for word is supported, and a sentence that names no finding is only asked for real numbers. This
    compares words, not meaning.
    """
    by_number = {item.number: item for item in evidence}
    unsupported, marked, place = [], "", 0
    for sentence in _cited_sentences(text):
        numbers = cited_numbers(sentence)
        cited = [by_number[number] for number in numbers if number in by_number]
        if not numbers or (len(cited) == len(numbers) and _supported(sentence, cited)):
            continue
        unsupported.append(sentence)
        found = re.compile(r"\s+".join(re.escape(word) for word in sentence.split())).search(text, place)
        if found:
            marked, place = f"{marked}{text[place : found.end()]}{_MARK}", found.end()
    return Checked(marked + text[place:], tuple(unsupported))


def _cited_sentences(text: str) -> list[str]:
    """Sentences with the numbers that stand behind their full stop ("An effusion. [2]")."""
    found: list[str] = []
    for sentence in sentences(text):
        leading = _LEADING.match(sentence)
        if leading and found:
            found[-1] = f"{found[-1]} {leading[0].strip()}"
            sentence = sentence[leading.end() :]
        if sentence:
            found.append(sentence)
    return found


def _supported(sentence: str, cited: Sequence[Evidence]) -> bool:
    verbatim = {_bare(said) for item in cited for said in _sentences_of(item)}
    claimed = _CITATION.sub("", sentence)
    if _bare(claimed) in verbatim:
        return True
    for quote in _QUOTE.findall(claimed):
        if _bare(quote) in verbatim:
            claimed = claimed.replace(quote, "")
    return all(any(_holds(item, claim) for item in cited) for claim in assertions(claimed))


def _bare(sentence: str) -> str:
    return " ".join(sentence.casefold().split()).strip(" .;,")


def _sentences_of(item: Evidence) -> list[str]:
    return sentences(item.record.findings) + sentences(item.record.text)


def _holds(item: Evidence, claim: Assertion) -> bool:
    said = what_it_says(item.record, claim.finding)
    return said is not None and means_for(said, claim.side, claim.severity) == claim.polarity
