"""The encoders that work everywhere: packaged towers with a small fitted head for each domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import ModelError
from indexing.encoders.base import Encoder, EncoderContext, unit_rows
from indexing.encoders.heads import load_head, packaged_heads
from indexing.encoders.towers import TEXT_DIM, QueryFeatures, image_tower, text_tower

__all__ = ["EmbeddedEncoder", "EmbeddedSentences", "open_embedded"]

SENTENCE = "sentence"
GENERAL = "general"

Vectors = NDArray[np.float32]


class EmbeddedEncoder:
    """A domain's space: EfficientNet-Lite0 and MiniLM features through the head of that domain."""

    has_images = True

    def __init__(self, name: str, context: EncoderContext) -> None:
        self._head = load_head(name)
        self._image, self._text = image_tower(context.device), text_tower(context.device)
        self._query = QueryFeatures(context.device)
        self.spec = f"embedded:{name}"
        self.dim = self._head.dim
        self.fingerprint = f"{self.spec}/{self._head.digest}-{self._image.digest}-{self._text.digest}"

    def prepare(self, image: Image.Image) -> Vectors:
        """One picture as (3, 224, 224)."""
        return self._image.prepare(image)

    def encode_prepared(self, batch: Vectors) -> Vectors:
        """Unit vectors (n, dim) of prepared pictures."""
        return self._head.image(self._image.features(batch))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Unit vectors (n, dim) of pictures."""
        if not images:
            return np.zeros((0, self.dim), np.float32)
        return self._head.image(np.stack([self._query.image(image) for image in images]))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dim) of texts, pooled over their sentences."""
        if len(texts) == 1:
            return self._head.text(self._query.text(texts[0])[None])
        return self._head.text(self._text.features(texts)) if texts else np.zeros((0, self.dim), np.float32)


class EmbeddedSentences:
    """MiniLM alone: compares text with text, knows no pictures."""

    has_images = False
    dim = TEXT_DIM

    def __init__(self, context: EncoderContext) -> None:
        self._text, self._query = text_tower(context.device), QueryFeatures(context.device)
        self.spec = f"embedded:{SENTENCE}"
        self.fingerprint = f"{self.spec}/{self._text.digest}"

    def prepare(self, image: Image.Image) -> Vectors:
        """Raises `ModelError`: there is no picture tower."""
        raise ModelError(f"The encoder {self.spec} takes texts only.")

    def encode_prepared(self, batch: Vectors) -> Vectors:
        """Raises `ModelError`: there is no picture tower."""
        raise ModelError(f"The encoder {self.spec} takes texts only.")

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Raises `ModelError`: there is no picture tower."""
        raise ModelError(f"The encoder {self.spec} takes texts only.")

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, 384) of texts, pooled over their sentences."""
        if len(texts) == 1:
            return unit_rows(self._query.text(texts[0])[None])
        return unit_rows(self._text.features(texts))


def open_embedded(name: str, context: EncoderContext) -> Encoder:
    """`sentence`, or the head of a domain; textbooks and domains of a site's own take the general head."""
    if name == SENTENCE:
        return EmbeddedSentences(context)
    known = packaged_heads()
    return EmbeddedEncoder(name if name in known or GENERAL not in known else GENERAL, context)
