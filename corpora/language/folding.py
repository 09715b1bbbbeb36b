"""One spelling of letters, so that "Neumotórax" and "neumotorax" are one word."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = ["cleaned", "folded"]


def cleaned(text: str) -> str:
    """The text composed (NFC), without control, direction and other invisible characters, white space made single.

    >>> cleaned("left" + chr(0x202E) + chr(0) + "   effusion")
    'left effusion'
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_visible, unicodedata.normalize("NFC", text)))
    return " ".join(text.split())


def folded(text: str) -> str:
    """The text in lower case and without the accents of Latin letters; as long as `text.casefold()`.

    >>> folded("Neumotórax, Öl")
    'neumotorax, ol'
    """
    lower = text.casefold()
    return lower if lower.isascii() else "".join(map(_plain, lower))


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    parts = unicodedata.normalize("NFD", character)
    return parts[0] if len(parts) > 1 and parts[0].isascii() else character


@lru_cache(maxsize=4096)
def _visible(character: str) -> str:
    if character.isspace():
        return " "
    # Joiners (U+200C, U+200D) are invisible too, and part of how Hindi is written: without them it reads the same.
    return "" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") else character
