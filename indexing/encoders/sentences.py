"""Any sentence-transformers model as an encoder of texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import ModelError
from corpora.language import sentences
from indexing import torchvision_cure
from indexing.encoders.base import Encoder, EncoderContext, unit_rows

__all__ = ["SentenceEncoder", "open_sentence_encoder"]

Vectors = NDArray[np.float32]


class SentenceEncoder:
    """Texts into the space of a sentence-transformers model; a long text is the mean of its sentences."""

    has_images = False

    def __init__(self, model: Any, name: str, digest: str) -> None:
        self._model = model
        self.spec = f"sentence-transformers:{name}"
        self.dim = int(model.get_embedding_dimension())
        self.fingerprint = f"{self.spec}/{digest}"

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
        """Unit vectors (n, dim) of texts, pooled over their sentences."""
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        split = [sentences(text) or [text] for text in texts]
        flat = [sentence for parts in split for sentence in parts]
        vectors = np.asarray(self._model.encode(flat, normalize_embeddings=True, show_progress_bar=False))
        ends = np.cumsum([len(parts) for parts in split])
        return unit_rows(np.stack([part.mean(axis=0) for part in np.split(vectors, ends[:-1])]))


def open_sentence_encoder(name: str, context: EncoderContext) -> Encoder:
    """A folder (relative ones start at the home) or a hub id; a folder never asks the network."""
    torchvision_cure.arm()
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    folder = context.folder / name
    try:
        model = SentenceTransformer(
            str(folder) if folder.is_dir() else name, device=context.device, local_files_only=folder.is_dir()
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise ModelError(f"The sentence encoder {name!r} cannot be opened: {str(error).splitlines()[0]}") from error
    return SentenceEncoder(model, name, weights_digest(model, f"{model.max_seq_length} {model!r}"))


def weights_digest(model: Any, settings: str) -> str:
    """A digest of the settings and of every weight of a torch module, by name, so that two copies of a model agree."""
    digest = hashlib.sha256(settings.encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().float().numpy()).tobytes())
    return digest.hexdigest()[:16]
