"""Abbreviations of the field written out, the ambiguous ones by the words around them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from corpora.language.everyday import WORD, read_table
from corpora.language.folding import folded

__all__ = ["Abbreviations", "abbreviations"]


class Abbreviations:
    """Shorthand ("b/l"), abbreviations with one reading, and ambiguous ones with words near which each is meant.

    `words` are all of them, in lower case.
    """

    def __init__(
        self,
        shorthand: Mapping[str, str],
        sure: Mapping[str, str],
        ambiguous: Mapping[str, Sequence[tuple[str, frozenset[str]]]],
    ) -> None:
        self._shorthand, self._sure, self._ambiguous = shorthand, sure, ambiguous
        self.words = frozenset((*shorthand, *sure, *ambiguous))
        slashed = sorted((key for key in shorthand if "/" in key), key=len, reverse=True)
        self._slashed = re.compile(rf"(?<![\w/])(?:{'|'.join(map(re.escape, slashed))})(?![\w/])", re.IGNORECASE)

    @property
    def readings(self) -> tuple[str, ...]:
        """Everything that an abbreviation may stand for."""
        return (*self._sure.values(), *(read for readings in self._ambiguous.values() for read, _ in readings))

    def expanded(self, text: str) -> str:
        """The text with its abbreviations written out; an ambiguous one that nothing decides keeps all readings.

        >>> abbreviations().expanded("B/L effusion on CXR")
        'bilateral effusion on chest radiograph (CXR)'
        """
        text = self._slashed.sub(lambda match: self._shorthand[match.group().casefold()], text)
        lower = folded(text)
        near = frozenset(WORD.findall(lower))
        if not near & self.words:
            return text
        return WORD.sub(lambda match: self._reading(match.group(), lower, near), text)

    def _reading(self, word: str, lower: str, near: frozenset[str]) -> str:
        key = word.casefold()
        if key in self._shorthand:
            return self._shorthand[key]
        if key in self._sure:
            read = self._sure[key]
            return word if folded(read) in lower else f"{read} ({word.upper()})"
        if key not in self._ambiguous:
            return word
        readings = self._ambiguous[key]
        weights = [len(near & words) for _, words in readings]
        best = max(weights)
        if best == 0 and len(readings) == 1:
            return word
        return " or ".join(read for (read, _), weight in zip(readings, weights, strict=True) if weight == best)


@cache
def abbreviations() -> Abbreviations:
    """The abbreviations that are read."""
    table = read_table("abbreviations")
    ambiguous = {
        key: tuple((reading["read"], frozenset(reading["near"])) for reading in readings)
        for key, readings in table["ambiguous"].items()
    }
    return Abbreviations(table["shorthand"], table["abbreviations"], ambiguous)
