"""BM25 over the words and lexicon terms of records."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora.errors import IndexDamagedError
from corpora.language import Lexicon, packaged_lexicon
from indexing.vectors.base import IdFilter, padded

__all__ = ["LexicalIndex", "tokenize"]

Scores = NDArray[np.float32]
Ids = NDArray[np.int64]

_WORD = re.compile(r"[^\W_]+(?:\.\d+)?")
_COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "in",
        "into",
        "is",
        "it",
        "its",
        "may",
        "of",
        "on",
        "or",
        "shown",
        "see",
        "seen",
        "show",
        "shows",
        "that",
        "the",
        "their",
        "there",
        "these",
        "this",
        "those",
        "to",
        "was",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "you",
    ]
)
_IDS = "records.npy"


def tokenize(text: str, lexicon: Lexicon | None = None) -> list[str]:
    """Lower-case words without common ones and plural endings, and a token for each lexicon term.

    >>> tokenize("Pleural fluids are seen")
    ['pleural', 'fluid', 'finding:pleural_effusion']
    """
    lexicon = lexicon or packaged_lexicon()
    words = [word for word in _WORD.findall(text.casefold()) if word not in _COMMON]
    stems = [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words]
    terms = [f"finding:{term.name.replace(' ', '_')}" for term in lexicon.find(text, "findings")]
    return stems + terms


class LexicalIndex:
    """BM25 (Robertson and Zaragoza 2009; `bm25s`) over records. Searching is safe from several threads."""

    def __init__(self, engine: Any, ids: Ids) -> None:
        self._engine, self._ids = engine, ids
        self._vocabulary: frozenset[str] = frozenset(engine.vocab_dict) if engine is not None else frozenset()

    def __len__(self) -> int:
        return len(self._ids)

    @classmethod
    def build(cls, texts: Iterable[str], ids: Sequence[int]) -> LexicalIndex:
        """An index of texts under record numbers; one without any word is empty."""
        bm25s = _bm25s()
        tokens = [tokenize(text) for text in texts]
        if not any(tokens):
            return cls(None, np.zeros(0, np.int64))
        # bm25s would number the words in the order of a set, another one in every process.
        vocabulary = {word: number for number, word in enumerate(sorted({word for words in tokens for word in words}))}
        engine = bm25s.BM25()
        engine.index(([[vocabulary[word] for word in words] for words in tokens], vocabulary), show_progress=False)
        return cls(engine, np.asarray(ids, dtype=np.int64))

    def save(self, folder: Path) -> None:
        """Write into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / _IDS, self._ids)
        if self._engine is not None:
            self._engine.save(str(folder), show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The inverse of `save`; raises `IndexDamagedError` where a file is missing."""
        bm25s = _bm25s()
        try:
            ids: Ids = np.load(folder / _IDS)
            return cls(bm25s.BM25.load(str(folder)) if len(ids) else None, ids)
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise IndexDamagedError(f"The lexical index {folder} cannot be read; build the index again.") from error

    def search(self, text: str, k: int, allow: IdFilter | None = None) -> tuple[Scores, Ids]:
        """Scores (k,) and record numbers (k,) of records that share a word, best first; padded with −inf and −1."""
        tokens = [token for token in dict.fromkeys(tokenize(text)) if token in self._vocabulary]
        if self._engine is None or not tokens:
            return np.full(k, -np.inf, np.float32), np.full(k, -1, np.int64)
        scores = np.asarray(self._engine.get_scores(tokens), dtype=np.float32)
        keep = scores > 0
        if allow is not None:
            keep &= allow.mask(self._ids)
        rows = np.flatnonzero(keep)
        order = rows[np.lexsort((self._ids[rows], -scores[rows]))[:k]]
        values, found = padded(scores[order][None], self._ids[order][None], k)
        return values[0], found[0]


def _bm25s() -> Any:
    """bm25s sets its own logger to DEBUG when it is imported."""
    module = import_module("bm25s")
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return module
