"""The lexicon: canonical terms of `corpora/terms/*.toml`, met in a text under any of their spellings."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

from corpora.language.folding import folded

__all__ = ["Lexicon", "Term", "packaged_lexicon"]

_GAP = re.compile(r"[\s-]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
# Spellings that are English words too, unless they stand in capitals: "tell us", "a net gain", "the family pet".
_CAPITALS = frozenset(["us", "net", "pet"])


@dataclass(frozen=True, slots=True)
class Term:
    """A canonical lexicon entry met in a text, at characters `start`…`end` of its lower-case form."""

    name: str
    kind: str
    start: int
    end: int


class Lexicon:
    """Terms by kind (findings, anatomy, modalities, sides, severities), matched longest first on whole words.

    >>> [term.name for term in packaged_lexicon().find("Unremarkable; nothing calcified.", "findings")]
    ['normal', 'calcification']
    """

    def __init__(self, tables: Mapping[str, Mapping[str, Iterable[str]]]) -> None:
        self._canonical: dict[str, dict[str, str]] = {}
        self._patterns: dict[str, re.Pattern[str]] = {}
        self.denials = {phrase: tuple(denied) for phrase, denied in tables.get("denies", {}).items()}
        for kind, entries in tables.items():
            if kind == "denies":
                continue
            spellings: dict[str, str] = {}
            for name, synonyms in entries.items():
                for spelling in (name, *synonyms):
                    spellings.setdefault(folded(spelling), name)
            self._canonical[kind] = spellings
            ordered = sorted(spellings, key=len, reverse=True)
            body = "|".join(re.escape(spelling).replace(r"\ ", r"[\s-]+") for spelling in ordered)
            self._patterns[kind] = re.compile(rf"(?<![\w-])(?=\w)(?:{body})(?:e?s)?(?!\w)" if body else r"(?!)")

    @cached_property
    def digest(self) -> str:
        """Eight hexadecimal digits that change with any spelling: what was read with other terms is told apart."""
        said = repr([sorted(table.items()) for _, table in sorted(self._canonical.items())]) + repr(self.denials)
        return hashlib.sha256(said.encode()).hexdigest()[:8]

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of every spelling, folded: what a misspelt word may be meant to be."""
        spellings = (spelling for table in self._canonical.values() for spelling in table)
        return frozenset(word for spelling in spellings for word in _WORD.findall(spelling))

    def names(self, kind: str) -> frozenset[str]:
        """Every canonical name of a kind."""
        return frozenset(self._canonical.get(kind, {}).values())

    def canonical(self, text: str, kind: str = "findings") -> str:
        """The canonical name of a spelling, or the lower-case spelling itself."""
        lower = " ".join(text.casefold().split())
        return self._canonical.get(kind, {}).get(folded(lower), lower)

    def find(self, text: str, kind: str) -> list[Term]:
        """Every term of that kind in the text, in order, never overlapping."""
        pattern = self._patterns.get(kind)
        if pattern is None:
            return []
        found = []
        for match in pattern.finditer(folded(text)):
            spelling = _GAP.sub(" ", match.group())
            name = self._lookup(kind, match.group()) or self._lookup(kind, spelling)
            if name and not (spelling in _CAPITALS and text[match.start() : match.end()].islower()):
                found.append(Term(name, kind, match.start(), match.end()))
        return found

    def first(self, text: str, kind: str) -> str:
        """The first term of that kind, or ""."""
        return next((term.name for term in self.find(text, kind)), "")

    def _lookup(self, kind: str, spelling: str) -> str | None:
        table = self._canonical[kind]
        for candidate in (spelling, spelling.removesuffix("s"), spelling.removesuffix("es")):
            if candidate in table:
                return table[candidate]
        return None


@cache
def packaged_lexicon() -> Lexicon:
    """The lexicon of `corpora/terms/*.toml`; a later file adds to an earlier one."""
    tables: dict[str, dict[str, list[str]]] = {}
    folder = resources.files("corpora").joinpath("terms")
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            for kind, terms in tomllib.loads(entry.read_text(encoding="utf-8")).items():
                for name, synonyms in terms.items():
                    tables.setdefault(kind, {}).setdefault(name, []).extend(synonyms)
    return Lexicon(tables)
