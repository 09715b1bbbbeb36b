"""Everyday words of other languages put into English by the tables of `corpora/terms/wording`.

A question may mix languages ("kya fefde mein pani hai?"). The longest phrase that a table knows is read at each place,
from one other language at a time: the one that covers most of the text.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from corpora.language.abbreviations import abbreviations
from corpora.language.everyday import WORD, english_words, read_table
from corpora.language.folding import folded

__all__ = ["Rendered", "Tongue", "foreign_words", "in_english"]

_BETWEEN_WORDS = re.compile(r"[\s'’-]*")
_TONGUES = ("hindi", "spanish", "german", "french", "portuguese")
# A phrase of so many letters is a sign of its language, in Hindi one letter less: "hai", "kya" are no other words.
_LEAST_LETTERS = 4
_LEAST_SHARE = 0.05
# Commas stand for verbs that end a clause ("hai"); where nothing follows they are dropped.
_STRAY = re.compile(r"(?:\s*[,;])+(?=\s*(?:[?!.,;]|$))|(?<=\?)[\s?]*\?")
_SPACED = re.compile(r"\s+(?=[,;.?!])")


@dataclass(frozen=True)
class Tongue:
    """One language: phrases as tuples of words under their first word, longest first, and what each is read as.

    A phrase marked True may as well be words of another language; `cognates` are words that are the same in English,
    `variants` other spellings of a word that its phrases use.
    """

    language: str
    phrases: Mapping[str, Sequence[tuple[tuple[str, ...], str, bool]]]
    cognates: frozenset[str]
    variants: Mapping[str, str]
    romanised: bool

    def key(self, word: str, english: Container[str]) -> str:
        """The form of a word under which this language knows it."""
        if word in self.variants:
            return self.variants[word]
        if not self.romanised or word in english:
            return word
        skeleton = _skeleton(word)
        return self.variants.get(skeleton, skeleton)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text in English, and the languages it was in ("en", "es", "hi+en")."""

    text: str
    language: str


def in_english(text: str, terms: Container[str]) -> Rendered:
    """The text with what a table knows put into English.

    Args:
        text: Composed and without invisible characters, as `cleaned` leaves it.
        terms: Words that are English though no everyday ones: those of the lexicon.

    >>> in_english("¿Hay derrame pleural izquierdo?", ()).text
    'is there pleural effusion left?'
    """
    english = english_words()
    text = "".join(letter if len(letter.casefold()) == 1 else letter.casefold() for letter in text)  # "ß" is two
    spans = [(match.start(), match.end()) for match in WORD.finditer(text)]
    lower = folded(text)
    words = [lower[start:end] for start, end in spans]
    best: list[tuple[int, int, str]] = []
    spoken: Tongue | None = None
    for tongue in _tongues():
        found, covered = _matches(tongue, words, spans, text, english)
        if covered > sum(end - start for start, end, _ in best):
            best, spoken = found, tongue
    if spoken is None:
        return Rendered(text, "en")
    read = {place for start, end, _ in best for place in range(start, end)}
    rest = {word for place, word in enumerate(words) if place not in read} - spoken.cognates
    language = f"{spoken.language}+en" if any(word in english or word in terms for word in rest) else spoken.language
    return Rendered(_replaced(text, spans, best), language)


def _matches(
    tongue: Tongue, words: Sequence[str], spans: Sequence[tuple[int, int]], text: str, english: Container[str]
) -> tuple[list[tuple[int, int, str]], int]:
    """The phrases of a language as (first word, past the last, English), and how many words they cover; none where
    what is found may as well be something else.
    """
    keys = [tongue.key(word, english) for word in words]
    found: list[tuple[int, int, str]] = []
    sure = place = 0
    while place < len(words):
        for phrase, english_text, beside in tongue.phrases.get(keys[place], ()):
            end = place + len(phrase)
            if beside and text[slice(*spans[place])].isupper() and words[place] in abbreviations().words:
                continue  # "PE" is no Hindi "on"
            if tuple(keys[place:end]) == phrase and _adjacent(text, spans[place:end]):
                found.append((place, end, english_text))
                letters = sum(len(word) for word in phrase)
                enough = letters >= _LEAST_LETTERS - tongue.romanised or not phrase[0].isascii()
                sure += 0 if beside else 2 if enough else 1
                place = end - 1
                break
        place += 1
    covered = sum(end - start for start, end, _ in found)
    return (found, covered) if sure >= 2 and covered >= _LEAST_SHARE * len(words) else ([], 0)


def _adjacent(text: str, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether nothing but a space, a hyphen or an apostrophe lies between these words."""
    return all(_BETWEEN_WORDS.fullmatch(text, before[1], after[0]) is not None for before, after in pairwise(spans))


def _replaced(text: str, spans: Sequence[tuple[int, int]], found: Sequence[tuple[int, int, str]]) -> str:
    pieces, at = [], 0
    for start, end, english in found:
        pieces += [text[at : spans[start][0]], english]
        at = spans[end - 1][1]
        if text[at : at + 1] in ("'", "’"):  # "pas d'épanchement"
            pieces.append(" ")
            at += 1
    joined = "".join((*pieces, text[at:])).replace("¿", "").replace("¡", "").replace("।", ".")
    return _STRAY.sub("", _SPACED.sub("", " ".join(joined.split()))).strip(" ,;")


def _skeleton(word: str) -> str:
    """A Hindi word in Latin letters without what is spelled one way or another: "phephde" and "fefde" are one.

    >>> _skeleton("phephde"), _skeleton("paani")
    ('fefde', 'pani')
    """
    if not word.isascii():
        return word
    word = word.replace("ph", "f").replace("oo", "u").replace("ee", "i").replace("z", "j").replace("w", "v")
    return re.sub(r"(.)\1", r"\1", word)


@cache
def foreign_words() -> frozenset[str]:
    """Single words that a table reads as English: no one means them who misspells an English word."""
    tables = (read_table(name)["words"] for name in _TONGUES)
    return frozenset(folded(word) for table in tables for word in table if " " not in word)


@cache
def _tongues() -> tuple[Tongue, ...]:
    return tuple(_tongue(read_table(name)) for name in _TONGUES)


def _tongue(table: Mapping[str, Any]) -> Tongue:
    romanised = bool(table.get("romanised"))
    phrases: dict[str, list[tuple[tuple[str, ...], str, bool]]] = {}
    for kind in ("words", "beside"):
        for phrase, english in table.get(kind, {}).items():
            words = tuple(_skeleton(word) if romanised else word for word in WORD.findall(folded(phrase)))
            phrases.setdefault(words[0], []).append((words, english, kind == "beside"))
    for known in phrases.values():
        known.sort(key=lambda item: -len(item[0]))
    return Tongue(
        table["language"], phrases, frozenset(table.get("cognates", ())), table.get("variants", {}), romanised
    )
