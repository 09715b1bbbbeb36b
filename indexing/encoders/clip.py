"""Any open_clip model as an encoder: from the hub where the user names one, or from a folder without network."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError

from corpora.errors import ModelError
from corpora.language import sentences
from indexing import torchvision_cure
from indexing.encoders.base import Encoder, EncoderContext, unit_rows
from indexing.encoders.sentences import weights_digest

__all__ = ["UNOPENABLE", "ClipEncoder", "first_line", "open_clip_encoder"]

_LOCAL = "local-dir:"
_BATCH = 64

Vectors = NDArray[np.float32]

# What the libraries raise for folders that are missing, damaged, of another shape, or that would run code.
UNOPENABLE = (
    OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, ImportError, SafetensorError,
    pickle.UnpicklingError,
)  # fmt: skip


class ClipEncoder:
    """A CLIP model with its own preprocessing and tokenizer.

    Towers of 64–77 tokens cut a report short, so a text is the mean of its sentences' unit vectors.
    """

    has_images = True

    def __init__(self, model: Any, transform: Any, tokenizer: Any, settings: str, spec: str, device: str) -> None:
        self._model, self._transform, self._tokenizer, self._device = model.eval(), transform, tokenizer, device
        self._lock = threading.Lock()  # fast tokenizers refuse to be used by two threads at once
        # Set where the text tower is one of transformers, which masks padding: there it need not be computed.
        self._padding: int | None = getattr(getattr(getattr(model, "text", None), "config", None), "pad_token_id", None)
        self.spec = spec
        self.fingerprint = f"{spec}/{weights_digest(model, settings)}"
        self.dim = int(self._encode_sentences(["a"]).shape[1])

    def prepare(self, image: Image.Image) -> Vectors:
        """One picture as the model's transform makes it, (3, h, w)."""
        array: Vectors = self._transform(image.convert("RGB")).numpy()
        return array

    def encode_prepared(self, batch: Vectors) -> Vectors:
        """Unit vectors (n, dim) of prepared pictures."""
        import torch

        with torch.inference_mode():
            vectors = self._model.encode_image(torch.from_numpy(np.ascontiguousarray(batch)).to(self._device))
        return unit_rows(vectors.float().cpu().numpy())

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Unit vectors (n, dim) of pictures."""
        if not images:
            return np.zeros((0, self.dim), np.float32)
        return self.encode_prepared(np.stack([self.prepare(image) for image in images]))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dim) of texts, pooled over their sentences."""
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        split = [sentences(text) or [text] for text in texts]
        vectors = self._encode_sentences([sentence for parts in split for sentence in parts])
        ends = np.cumsum([len(parts) for parts in split])
        return unit_rows(np.stack([part.mean(axis=0) for part in np.split(vectors, ends[:-1])]))

    def _encode_sentences(self, texts: Sequence[str]) -> Vectors:
        import torch

        found = []
        for start in range(0, len(texts), _BATCH):
            with self._lock:
                tokens = self._tokenizer(list(texts[start : start + _BATCH]))
            if self._padding is not None:
                used = (tokens != self._padding).any(dim=0).nonzero()
                tokens = tokens[:, : int(used.max()) + 1] if len(used) else tokens[:, :1]
            with torch.inference_mode():
                found.append(self._model.encode_text(tokens.to(self._device)).float().cpu().numpy())
        return unit_rows(np.concatenate(found))


def open_clip_encoder(name: str, context: EncoderContext) -> Encoder:
    """`hf-hub:organisation/name`, or `local-dir:folder` (relative ones start at the home).

    Raises:
        ModelError: the folder is missing or incomplete, or the hub cannot be reached.
    """
    torchvision_cure.arm()
    import open_clip

    source, options = name, {}
    if name.startswith(_LOCAL):
        folder = (context.folder / name.removeprefix(_LOCAL)).resolve()
        options = {"require_pretrained": True, **_local_options(folder)}
        source = f"{_LOCAL}{folder}"
    elif not name.startswith("hf-hub:"):
        raise ModelError(
            f"The open_clip encoder {name!r} needs a source: hf-hub:organisation/name or local-dir:folder."
        )
    try:
        model, _, transform = open_clip.create_model_and_transforms(source, device=context.device, **options)
        tokenizer = open_clip.get_tokenizer(source)
    except UNOPENABLE as error:
        raise ModelError(f"The open_clip encoder {name!r} cannot be opened: {first_line(error)}") from error
    length = getattr(tokenizer, "context_length", None)  # where texts are cut changes their vectors
    settings = json.dumps({**open_clip.get_model_preprocess_cfg(model), "context_length": length}, sort_keys=True)
    return ClipEncoder(model, transform, tokenizer, settings, f"open_clip:{name}", context.device)


def first_line(error: Exception) -> str:
    """What a library says first; its name where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _local_options(folder: Path) -> dict[str, Any]:
    """Options that keep open_clip inside the folder; its text tower must not be fetched from the hub.

    A relative `hf_model_name` starts at the folder, so that the folder may be moved.
    """
    config = folder / "open_clip_config.json"
    if not config.is_file():
        raise ModelError(f"{folder} holds no open_clip_config.json; save the model with its configuration there.")
    try:
        text = json.loads(config.read_text(encoding="utf-8"))["model_cfg"]["text_cfg"]
        tower = text.get("hf_model_name")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{config} is damaged or is no open_clip configuration ({error}).") from error
    if not tower:
        return {}
    if not (folder / tower).is_dir():
        raise ModelError(
            f"{config} takes its text tower {tower!r} from the hub; 'curbside encoders fetch' with --from makes a "
            "folder of it that holds that tower's config.json and tokenizer too."
        )
    return {"text_cfg": {**text, "hf_model_name": str(folder / tower), "hf_model_pretrained": False}}
