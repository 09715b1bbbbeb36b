"""Any open_clip model as an encoder: from the hub where the user names one, or from a folder without network."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import ModelError
from corpora.language import sentences
from indexing import torchvision_cure
from indexing.encoders.base import Encoder, EncoderContext, unit_rows
from indexing.encoders.sentences import weights_digest

__all__ = ["ClipEncoder", "open_clip_encoder"]

_LOCAL = "local-dir:"
_BATCH = 64

Vectors = NDArray[np.float32]


class ClipEncoder:
    """A CLIP model with its own preprocessing and tokenizer.

    Towers of 64–77 tokens cut a report short, so a text is the mean of its sentences' unit vectors.
    """

    has_images = True

    def __init__(self, model: Any, transform: Any, tokenizer: Any, settings: str, spec: str, device: str) -> None:
        self._model, self._transform, self._tokenizer, self._device = model.eval(), transform, tokenizer, device
        self._lock = threading.Lock()  # fast tokenizers refuse to be used by two threads at once
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
    from safetensors import SafetensorError

    source, options = name, {}
    if name.startswith(_LOCAL):
        folder = (context.folder / name.removeprefix(_LOCAL)).resolve()
        options = _local_options(folder)
        source = f"{_LOCAL}{folder}"
    elif not name.startswith("hf-hub:"):
        raise ModelError(
            f"The open_clip encoder {name!r} needs a source: hf-hub:organisation/name or local-dir:folder."
        )
    try:
        model, _, transform = open_clip.create_model_and_transforms(source, device=context.device, **options)
        tokenizer = open_clip.get_tokenizer(source)
    except (OSError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
        raise ModelError(f"The open_clip encoder {name!r} cannot be opened: {str(error).splitlines()[0]}") from error
    settings = json.dumps(open_clip.get_model_preprocess_cfg(model), sort_keys=True)
    return ClipEncoder(model, transform, tokenizer, settings, f"open_clip:{name}", context.device)


def _local_options(folder: Path) -> dict[str, Any]:
    """Options that keep open_clip inside the folder; its text tower must not be fetched from the hub."""
    config = folder / "open_clip_config.json"
    if not config.is_file():
        raise ModelError(f"{folder} holds no open_clip_config.json; save the model with its configuration there.")
    try:
        tower = json.loads(config.read_text(encoding="utf-8"))["model_cfg"]["text_cfg"].get("hf_model_name")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{config} is damaged or is no open_clip configuration ({error}).") from error
    if tower and not Path(tower).is_dir():
        raise ModelError(
            f"{config} takes its text tower {tower!r} from the hub; put that model's config.json and tokenizer in the "
            "folder and name the folder as hf_model_name, so that nothing is fetched."
        )
    return {"pretrained_hf": False} if tower else {}
