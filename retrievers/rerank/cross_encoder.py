"""A cross-encoder reads the question and each text together, which no list of vectors can."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpora.errors import ModelError
from indexing import torchvision_cure
from indexing.opened import OpenedIndex
from retrievers.found import Hit
from retrievers.query import Query

__all__ = ["CrossEncoderReranker", "open_cross_encoder"]

_LONGEST = 2000


class CrossEncoderReranker:
    """Orders texts by a sentence-transformers CrossEncoder. Safe from several threads; one works at a time.

    Beside a picture only figures and passages change places among themselves: which cases come first is the picture's
    to say. Hits without text stay where they are, and without a question in words nothing moves.
    """

    def __init__(self, model: Any, spec: str) -> None:
        self._model, self.name = model, spec
        self._lock = threading.Lock()

    def rerank(self, query: Query, hits: Sequence[Hit], index: OpenedIndex) -> list[Hit]:
        """The hits, their texts in the order of the model's scores."""
        places = [
            place
            for place, hit in enumerate(hits)
            if query.text and hit.record.text and not (query.pictures and hit.record.kind == "case")
        ]
        if len(places) < 2:
            return list(hits)
        pairs = [(query.text, self._passage(hits[place])) for place in places]
        with self._lock:
            scores = [float(score) for score in self._model.predict(pairs, show_progress_bar=False)]
        ordered = sorted(zip(scores, places, strict=True), key=lambda pair: (-pair[0], pair[1]))
        result = list(hits)
        for place, (_, other) in zip(places, ordered, strict=True):
            result[place] = hits[other]
        return result

    def _passage(self, hit: Hit) -> str:
        """The sentence that matched, then the text from its start: models cut long texts."""
        text = hit.record.text
        return (text if text.startswith(hit.sentence) else f"{hit.sentence} {text}")[:_LONGEST]


def open_cross_encoder(name: str, device: str = "cpu", folder: Path = Path()) -> CrossEncoderReranker:
    """A folder (relative ones start at the home) or a hub id; a folder never asks the network.

    Raises:
        ModelError: the model cannot be opened, or gives more than one score for a pair.
    """
    torchvision_cure.arm()
    from safetensors import SafetensorError
    from sentence_transformers import CrossEncoder

    path = folder / name
    try:
        model = CrossEncoder(str(path) if path.is_dir() else name, device=device, local_files_only=path.is_dir())
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise ModelError(f"The cross-encoder {name!r} cannot be opened: {str(error).splitlines()[0]}") from error
    if model.num_labels != 1:
        raise ModelError(f"The model {name!r} gives {model.num_labels} scores a pair; a cross-encoder gives one.")
    return CrossEncoderReranker(model, f"cross-encoder:{name}")
