"""BM25 over the words and lexicon terms of records, as `indexing.tokens` reads them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora.errors import IndexDamagedError
from indexing.tokens import tokenisation, tokenize
from indexing.vectors.base import IdFilter, padded

__all__ = ["LexicalIndex", "tokenize"]

Scores = NDArray[np.float32]
Ids = NDArray[np.int64]

_IDS, _TOKENS = "records.npy", "tokens.txt"

_log = logging.getLogger(__name__)


class LexicalIndex:
    """BM25 (Robertson and Zaragoza 2009; `bm25s`) over records. Searching is safe from several threads.

    `vocabulary` holds every token of the records: stemmed words, and terms as `finding:…`, `denied:…`, `anatomy:…` and
    `modality:…`.
    """

    def __init__(self, engine: Any, ids: Ids) -> None:
        self._engine, self._ids = engine, ids
        self.vocabulary: frozenset[str] = frozenset(engine.vocab_dict) if engine is not None else frozenset()

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
        (folder / _TOKENS).write_text(f"{tokenisation()}\n", encoding="ascii")
        if self._engine is not None:
            self._engine.save(str(folder), show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The inverse of `save`.

        An index whose texts were read in another way, or with other terms, still finds what both ways share; the log
        says so, and the next build makes it again.

        Raises:
            IndexDamagedError: a file is missing.
        """
        bm25s = _bm25s()
        try:
            if not _is_current(folder / _TOKENS):
                _warn_of_other_words(folder.parent)
            ids: Ids = np.load(folder / _IDS)
            return cls(bm25s.BM25.load(str(folder)) if len(ids) else None, ids)
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise IndexDamagedError(f"The lexical index {folder} cannot be read; build the index again.") from error

    def search(self, text: str, k: int, allow: IdFilter | None = None) -> tuple[Scores, Ids]:
        """Scores (k,) and record numbers (k,) of records that share a word, best first; padded with −inf and −1."""
        tokens = [token for token in dict.fromkeys(tokenize(text)) if token in self.vocabulary]
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


@cache
def _warn_of_other_words(folder: Path) -> None:
    """Once for all domains of a version."""
    _log.warning(
        "The words of the index in %s were read by another version of Curbside or with other terms, so some are not "
        "found; run 'curbside index build'.",
        folder,
    )


def _is_current(path: Path) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8").strip() == tokenisation()


def _bm25s() -> Any:
    """bm25s sets its own logger to DEBUG when it is imported."""
    module = import_module("bm25s")
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return module
