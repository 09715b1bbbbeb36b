"""Everyday English words, and the tables of `corpora/terms/wording` that hold them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["WORD", "EnglishWords", "english_words", "read_table"]

# A word with the vowel signs of Devanagari, which are no letters to `\w`.
WORD = re.compile(r"[^\W_\u0964\u0965][\w\u0900-\u0963]*")


@dataclass(frozen=True, slots=True)
class EnglishWords:
    """Everyday English: `stop` are too common to search for; `common` and `real` are no misspelt terms.

    `real` are those that one or two letters turn into a term ("unclear", "nuclear").
    """

    stop: frozenset[str]
    common: frozenset[str]
    real: frozenset[str]

    def __contains__(self, word: object) -> bool:
        return word in self.common or word in self.stop


@cache
def english_words() -> EnglishWords:
    """The everyday English words."""
    table = read_table("english")
    lines = _file("real-words.txt").splitlines()
    real = frozenset(word for line in lines if not line.startswith("#") for word in line.split())
    return EnglishWords(frozenset(table["stop"]), frozenset(table["common"]), real)


def read_table(name: str) -> Mapping[str, Any]:
    """One table of wording, as it stands in its file."""
    return tomllib.loads(_file(f"{name}.toml"))


def _file(name: str) -> str:
    return resources.files("corpora").joinpath("terms", "wording", name).read_text(encoding="utf-8")
