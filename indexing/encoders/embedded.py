"""The encoders that work everywhere: packaged towers with a small fitted head for each domain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import LicenceError, ModelError
from indexing.encoders.base import Encoder, EncoderContext, unit_rows
from indexing.encoders.file_digests import require_files
from indexing.encoders.heads import Head, load_head, packaged_heads, tower_of, weights_folder
from indexing.encoders.licences import MANIFEST, OPEN, stated_licence
from indexing.encoders.looks import joined, parts_of, strip_of, width_of
from indexing.encoders.query_features import QueryFeatures
from indexing.encoders.towers import IMAGE_DIM, TEXT_DIM, image_tower, text_tower

__all__ = ["EmbeddedEncoder", "EmbeddedSentences", "HeadedEncoder", "open_embedded"]

SENTENCE = "sentence"
GENERAL = "general"
FITTED_HEAD = "head"
_LOCAL = "local-dir:"
_PACKAGED = "embedded"

Vectors = NDArray[np.float32]


class EmbeddedEncoder:
    """A domain's space: features of EfficientNet-Lite0 and MiniLM through a head.

    Raises:
        ModelError: the head takes other features than these towers give.
    """

    has_images = True

    def __init__(self, spec: str, head: Head, tuned: Path | None, device: str) -> None:
        if (len(head.image.mean), len(head.text.mean)) != (width_of(len(head.looks), IMAGE_DIM), TEXT_DIM):
            raise ModelError(f"The head of {spec} does not fit the packaged towers; fit or install it again.")
        self._head = head
        self._image, self._text = image_tower(device, tuned), text_tower(device)
        self._query = QueryFeatures(device, tuned)
        self.spec = spec
        self.dim = head.dim
        self.fingerprint = f"{spec}/{head.digest}-{self._image.digest}-{self._text.digest}"

    def prepare(self, image: Image.Image) -> Vectors:
        """One picture as (3, h, w): the looks of the head, side by side."""
        return strip_of(image, self._head.looks)

    def encode_prepared(self, batch: Vectors) -> Vectors:
        """Unit vectors (n, dim) of prepared pictures."""
        seen = [self._image.features(part) for part in parts_of(batch, self._head.looks)]
        return self._head.image(joined(seen))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Unit vectors (n, dim) of pictures."""
        if not images:
            return np.zeros((0, self.dim), np.float32)
        return self._head.image(np.stack([self._query.image(image, self._head.looks) for image in images]))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dim) of texts, pooled over their sentences."""
        if len(texts) == 1:
            return self._head.text(self._query.text(texts[0])[None])
        return self._head.text(self._text.features(texts)) if texts else np.zeros((0, self.dim), np.float32)


class HeadedEncoder:
    """Another encoder's space seen through a head that `train-encoder --on` fitted. As safe from several threads as it.

    Raises:
        ModelError: the encoder is not the one that the head was fitted on.
    """

    has_images = True

    def __init__(self, spec: str, base: Encoder, head: Head, fitted_on: str = "") -> None:
        if (fitted_on and fitted_on != base.fingerprint) or head.image.mean.shape != (base.dim,):
            raise ModelError(
                f"{spec} was fitted on {fitted_on or 'another encoder'}, but {base.spec} is {base.fingerprint} now; "
                "fit it again with 'curbside train-encoder'."
            )
        self._base, self._head = base, head
        self.spec, self.dim = spec, head.dim
        self.fingerprint = f"{base.fingerprint}+{head.digest}"

    def prepare(self, image: Image.Image) -> Vectors:
        """One picture as the array (c, h, w) that the encoder below takes."""
        return self._base.prepare(image)

    def encode_prepared(self, batch: Vectors) -> Vectors:
        """Unit vectors (n, dim) of prepared pictures."""
        return self._head.image(self._base.encode_prepared(batch))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Unit vectors (n, dim) of pictures."""
        return self._head.image(self._base.encode_images(images))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dim) of texts."""
        return self._head.text(self._base.encode_texts(texts))


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
    """`sentence`, a domain, or `local-dir:` with a folder that `train-encoder` wrote.

    Domains without a head of their own (a site's) take the general one. Under `licences = "open"` the heads come from
    the set fitted on openly licensed and drawn pictures alone, and a fitted folder must state an open licence.

    Raises:
        ModelError: the folder holds no fitted encoder, or a damaged one, or what it was fitted on has changed.
        LicenceError: its licence is not open, and the settings ask for that.
    """
    if name == SENTENCE:
        return EmbeddedSentences(context)
    if name.startswith(_LOCAL):
        return _fitted(name.removeprefix(_LOCAL), context)
    weights = weights_folder(context.licences)
    known = packaged_heads(weights)
    name = name if name in known or GENERAL not in known else GENERAL
    return EmbeddedEncoder(f"embedded:{name}", load_head(name, weights), tower_of(weights), context.device)


def _fitted(name: str, context: EncoderContext) -> Encoder:
    folder = context.folder / name
    if not (folder / f"{FITTED_HEAD}.safetensors").is_file():
        raise ModelError(f"The folder {folder} holds no fitted encoder; make one with 'curbside train-encoder'.")
    licence = stated_licence(folder)
    if context.licences == OPEN and licence.kind != OPEN:
        raise LicenceError(
            f"The encoder in {folder} holds weights whose licence is {licence.kind}, which licences = 'open' refuses; "
            "with that set, fit it again on openly licensed corpora, or set licences = 'any'."
        )
    spec, (on, fingerprint) = f"embedded:{_LOCAL}{name}", _fitted_on(folder)
    head = load_head(FITTED_HEAD, folder)
    if on == _PACKAGED:
        return EmbeddedEncoder(spec, head, tower_of(folder), context.device)
    from indexing.encoders.registry import open_encoder  # which opens this module by its name

    base = open_encoder(on, context.device, context.folder, context.licences)
    return HeadedEncoder(spec, base, head, fingerprint)


def _fitted_on(folder: Path) -> tuple[str, str]:
    """The spec of the encoder a head was fitted on, and its fingerprint then; `embedded` are the packaged towers.

    Raises:
        ModelError: the manifest is damaged, or the folder's files are not those that it states.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return _PACKAGED, ""
    try:
        told = json.loads(manifest.read_text(encoding="utf-8"))
        require_files(folder, told.get("files", {}))  # a folder that was written earlier states none
        return str(told.get("on", _PACKAGED)), str(told.get("on_fingerprint", ""))
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{manifest} is damaged ({error}); fit the encoder again.") from error
