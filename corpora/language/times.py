"""Words of time: earlier or later, and by how many days where that is said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["Direction", "TimeSaid", "times_said"]

Direction = Literal["earlier", "later", ""]

_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "twelve": 12,
}  # fmt: skip
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_MOST_DAYS = 150 * 365
_NUMBER = r"\d{1,4}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve"
_UNIT = "day|week|month|year"
_SAID = re.compile(
    rf"\b(?P<number>{_NUMBER})\s+(?P<unit>{_UNIT})s?\s+(?P<to>before|earlier|ago|prior|previously|after|later|on)\b|"
    rf"\bafter\s+(?P<afternumber>{_NUMBER})\s+(?P<afterunit>{_UNIT})s?\b|"
    r"\b(?P<last>last|past)\s+(?P<lastunit>week|month|year)\b|"
    r"\b(?P<word>follow[- ]?ups?|earlier|previous(?:ly)?|prior|before|baseline|initial(?:ly)?|first (?:study|picture|"
    r"image|scan|visit)|old(?:er)? (?:study|picture|image|scan|film)|last (?:study|picture|image|scan|time|visit)|"
    r"later|after(?:wards)?|subsequent(?:ly)?|next (?:study|picture|image|scan|visit)|over time|since|meanwhile|"
    r"progress(?:ion|ed)?|compared (?:with|to))\b"
)
_LATER = ("after", "later", "on", "follow", "subsequent", "next")
_NEITHER = ("over time", "since", "meanwhile", "progress", "compared")


@dataclass(frozen=True, slots=True)
class TimeSaid:
    """Words of time as they stand in the text, where they point ("" for a comparison), and days where said."""

    words: str
    direction: Direction
    days: int | None = None


def times_said(lower: str) -> tuple[TimeSaid, ...]:
    """Every mention of time in a text in lower case; ages are none.

    >>> times_said("the same patient a year before, not a 60 year old")
    (TimeSaid(words='a year before', direction='earlier', days=365),)
    """
    return tuple(dict.fromkeys(_said(match) for match in _SAID.finditer(lower)))


def _said(match: re.Match[str]) -> TimeSaid:
    words = match.group()
    if match["last"]:
        return TimeSaid(words, "earlier", _DAYS[match["lastunit"]])
    if match["afternumber"]:
        return TimeSaid(words, "later", _days(match["afternumber"], match["afterunit"]))
    days = _days(match["number"], match["unit"]) if match["number"] else None
    return TimeSaid(words, _direction(match["to"] or match["word"]), days)


def _days(number: str, unit: str) -> int:
    return min(_MOST_DAYS, (int(number) if number.isdecimal() else _NUMBERS[number]) * _DAYS[unit])


def _direction(word: str) -> Direction:
    if word.startswith(_NEITHER):
        return ""
    return "later" if word.startswith(_LATER) else "earlier"
