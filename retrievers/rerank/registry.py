"""Which re-ranking a spec names."""

from __future__ import annotations

from pathlib import Path

from corpora.errors import InputError, UnknownNameError
from retrievers.rerank.base import Reranker
from retrievers.rerank.cross_encoder import open_cross_encoder
from retrievers.rerank.diversity import Diversity

__all__ = ["open_reranker"]

_KINDS = ("mmr", "cross-encoder")


def open_reranker(spec: str, device: str = "cpu", folder: Path = Path()) -> Reranker:
    """The re-ranking of a spec: `mmr`, `mmr:0.5`, `cross-encoder:<folder or hub id>`.

    Raises:
        UnknownNameError: the first word names none.
        InputError: the rest does not fit.
        ModelError: a model cannot be opened.
    """
    kind, _, rest = spec.partition(":")
    if kind == "mmr":
        try:
            return Diversity(float(rest)) if rest else Diversity()
        except ValueError:
            raise InputError(f"The re-ranking {spec!r} is wrong; write mmr or mmr:0.7.") from None
    if kind == "cross-encoder":
        if not rest:
            raise InputError(f"The re-ranking {spec!r} is incomplete; write cross-encoder:<folder or hub id>.")
        return open_cross_encoder(rest, device, folder)
    raise UnknownNameError("re-ranking", kind, _KINDS)
