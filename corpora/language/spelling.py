"""Misspelt words, read as the nearest known one."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from functools import lru_cache

from corpora.language.abbreviations import abbreviations
from corpora.language.everyday import english_words
from corpora.language.folding import folded
from corpora.language.lexicon import Lexicon
from corpora.language.wording import foreign_words

__all__ = ["mended"]

_SHORTEST, _LONG_FROM, _VERY_LONG_FROM = 5, 9, 11
_LETTERS = re.compile(rf"(?<![\w-])[^\W\d_]{{{_SHORTEST},40}}(?![\w-])")
_MOST_MENDED = 64
# Everyday words on which the meaning of a question hangs.
_LOGIC = ("without", "absent", "absence", "similar", "picture", "patient", "before", "earlier", "possible", "evidence")
# Words of which one letter changes the meaning: a doubtful reading must not cross over.
_PREFIXES = ("hypo", "hyper", "intra", "inter", "supra", "infra", "micro", "macro", "ante", "anti", "para", "peri")


def mended(text: str, lexicon: Lexicon, known: Container[str] = frozenset()) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text with misspelt words mended, and what was typed with what it is read as.

    The distance is that of Damerau and Levenshtein in its restricted form (letters left out, added, changed, or two
    neighbours swapped): 1 in words of five to eight letters, 2 from nine. A word of the lexicon, of everyday English
    or of `known` stays, and so does one that is as near to two words with different meanings. No more than 64 words
    of a text are looked at, which bounds the time for pasted ones.

    Args:
        text: Any text.
        lexicon: Whose words may be meant.
        known: More words that stay: those of the records, as `LexicalIndex.vocabulary` holds them.

    >>> from corpora.language import packaged_lexicon
    >>> mended("plueral efusion?", packaged_lexicon())
    ('pleural effusion?', (('plueral', 'pleural'), ('efusion', 'effusion')))
    """
    found: dict[str, str] = {}
    looked = 0
    real = english_words().real
    for match in _LETTERS.finditer(text):
        word = folded(match.group())
        if word in found or word in real or _is_known(word, lexicon, known) or not word.isascii():
            continue
        looked += 1
        if looked > _MOST_MENDED:
            break
        nearest = _nearest(word, lexicon)
        if nearest:
            found[word] = nearest
    if not found:
        return text, ()
    return _LETTERS.sub(lambda match: found.get(folded(match.group()), match.group()), text), tuple(found.items())


def _is_known(word: str, lexicon: Lexicon, known: Container[str]) -> bool:
    forms = {word, word.removesuffix("s"), word.removesuffix("es"), f"{word}s"}
    places = (_targets(lexicon), lexicon.words, english_words(), known)
    return any(form in place for form in forms for place in places)


@lru_cache(maxsize=4096)
def _nearest(word: str, lexicon: Lexicon) -> str:
    """The one word that is nearest within the distance allowed, or ""."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    most = 2 if len(word) >= _LONG_FROM else 1
    targets = _targets(lexicon)
    near = dict.fromkeys(_doubled(lexicon).get(_single(word), ()), 1)
    for target, distance, _ in process.extract(word, targets.keys(), scorer=OSA.distance, score_cutoff=most, limit=16):
        # Who errs twice in a word seldom errs in its first letter, unless it is a long one ("nuemothorax").
        if distance < 2 or target[0] == word[0] or len(word) >= _VERY_LONG_FROM:
            near[target] = min(int(distance), near.get(target, most))
    best = min(near.values(), default=0)
    readings = sorted((target for target, distance in near.items() if distance == best), key=lambda t: (len(t), t))
    meanings = {lexicon.canonical(target) for target in readings}
    if not readings or _crosses(word, readings[0]):
        return ""
    if len({targets[target] for target in readings}) > 1 and not (
        len(meanings) == 1 and meanings <= lexicon.names("findings")
    ):
        return ""
    return next((target for target in readings if target in meanings), readings[0])


def _crosses(typed: str, read: str) -> bool:
    """Whether the reading swaps a prefix for another that turns the meaning ("hypoechoic", "hyperechoic")."""
    ours, theirs = (next((p for p in _PREFIXES if word.startswith(p)), "") for word in (typed, read))
    return bool(ours and theirs and ours != theirs)


@lru_cache(maxsize=8)
def _targets(lexicon: Lexicon) -> Mapping[str, str]:
    """Every word that may be meant, with its stem: two forms of one stem mean the same."""
    words = {*(lexicon.words - foreign_words()), *_LOGIC}
    words.update(word for phrase in abbreviations().readings for word in folded(phrase).split() if word.isalpha())
    return {word: _stem(word) for word in sorted(words) if len(word) >= _SHORTEST}


@lru_cache(maxsize=8)
def _doubled(lexicon: Lexicon) -> Mapping[str, Sequence[str]]:
    """The words that may be meant, under their letters without doubling: "efussion" is one error, not two."""
    found: dict[str, list[str]] = {}
    for word in _targets(lexicon):
        found.setdefault(_single(word), []).append(word)
    return found


def _single(word: str) -> str:
    return re.sub(r"(.)\1", r"\1", word)


def _stem(word: str) -> str:
    word = word.replace("ae", "e").replace("oe", "e").replace("our", "or")
    return re.sub(r"(?:ies|es|is|e|s|y|al|ic|ed)$", "", word) if len(word) > 5 else word
