"""Curbside's encoders as LangChain embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings
from langchain_core.runnables import run_in_executor
from numpy.typing import NDArray

from corpora.errors import QueryError
from indexing.encoders import EncoderPlan, open_encoder
from indexing.encoders.base import Encoder
from retrievers.query import ImageSource, Query

__all__ = ["CurbsideEmbeddings"]


class CurbsideEmbeddings(Embeddings):
    """Texts, and pictures where the encoder takes them, as unit vectors; safe from several threads.

    Texts and pictures of one encoder share a space: `CurbsideEmbeddings("embedded:radiology")` compares a radiograph
    with a sentence. The sentence encoder, which is the default, takes texts only.

    >>> vectors = CurbsideEmbeddings().embed_documents(["a pleural effusion", "a melanoma"])  # doctest: +SKIP
    """

    def __init__(
        self,
        spec: str | None = None,
        *,
        plan: EncoderPlan = EncoderPlan(),
        device: str = "cpu",
        folder: str | Path = ".",
    ) -> None:
        """Opens the encoder, once a process.

        Args:
            spec: `embedded:radiology`, `open_clip:local-dir:…`, `sentence-transformers:…`; None is the plan's sentence
                encoder.
            plan: Names the sentence encoder and the licences that may be used.
            device: `cpu`, `cuda`, `cuda:1`.
            folder: Where relative paths in the spec start (the home).

        Raises:
            UnknownNameError: the first word of the spec names no encoder.
            LicenceError: the weights' licence is not one that the plan allows.
            ModelError: weights are missing or damaged.
        """
        self.encoder: Encoder = open_encoder(spec or plan.sentence, device, Path(folder), plan.licences)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One unit vector a text; a long text is pooled over its sentences."""
        return _lists(self.encoder.encode_texts(texts))

    def embed_query(self, text: str) -> list[float]:
        """The unit vector of a question; encoders treat it as any other text."""
        return self.embed_documents([text])[0]

    def embed_images(self, images: Sequence[ImageSource]) -> list[list[float]]:
        """One unit vector a picture, given as path, bytes or PIL image.

        Raises:
            DecodeError: a picture cannot be decoded.
            ModelError: the encoder takes texts only.
        """
        if isinstance(images, (str, bytes)):
            raise QueryError("images is one picture; give a list of pictures.")
        pictures = Query(images=images).pictures if images else ()
        return _lists(self.encoder.encode_images(pictures)) if pictures else []

    async def aembed_images(self, images: Sequence[ImageSource]) -> list[list[float]]:
        """`embed_images` on a thread."""
        return await run_in_executor(None, self.embed_images, images)


def _lists(vectors: NDArray[np.float32]) -> list[list[float]]:
    found: list[list[float]] = vectors.tolist()
    return found
