"""CLIP and SigLIP models of transformers as encoders, MedSigLIP among them: from a folder, never from the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from corpora.errors import ModelError
from indexing import torchvision_cure
from indexing.encoders.base import Encoder, EncoderContext
from indexing.encoders.clip import UNOPENABLE, ClipEncoder, first_line

__all__ = ["open_transformers_encoder"]

_CONFIG = "config.json"
_UNLIMITED = 10**6  # tokenizers without a limit of their own name a number far above any


class _Towers:
    """A transformers model with the two calls that `ClipEncoder` makes."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def eval(self) -> _Towers:
        self._model.eval()
        return self

    def state_dict(self) -> Any:
        return self._model.state_dict()

    def encode_image(self, pixels: Any) -> Any:
        return _projected(self._model.get_image_features(pixel_values=pixels))

    def encode_text(self, tokens: Any) -> Any:
        return _projected(self._model.get_text_features(**tokens))


class _Tokens(dict[str, Any]):
    """What a tokenizer made; moves to a device like a tensor."""

    def to(self, device: str) -> _Tokens:
        return _Tokens({name: tensor.to(device) for name, tensor in self.items()})


def open_transformers_encoder(name: str, context: EncoderContext) -> Encoder:
    """A folder with a CLIP or SigLIP model, its processor and its tokenizer; a relative one starts at the home.

    Weights are read from safetensors only, and no code of the folder runs.

    Raises:
        ModelError: the folder is missing, incomplete, or holds a model without a common space.
    """
    folder = (context.folder / name).resolve()
    if not (folder / _CONFIG).is_file():
        raise ModelError(f"{folder} holds no {_CONFIG}; 'curbside encoders fetch' prepares such a folder.")
    torchvision_cure.arm()
    try:
        model, processor, tokenizer = _load(folder)
    except UNOPENABLE as error:
        raise ModelError(f"The transformers encoder {name!r} cannot be opened: {first_line(error)}") from error
    if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
        raise ModelError(
            f"The model in {folder} ({type(model).__name__}) has no common space of pictures and texts; "
            "a CLIP or SigLIP model is needed."
        )
    length = _longest(model, tokenizer)

    def transform(image: Image.Image) -> Any:
        return processor(images=image, return_tensors="pt")["pixel_values"][0]

    def tokenize(texts: Sequence[str]) -> _Tokens:
        # SigLIP was fitted on texts padded to the full length, without a mask.
        found = tokenizer(list(texts), padding="max_length", truncation=True, max_length=length, return_tensors="pt")
        return _Tokens({key: found[key] for key in ("input_ids", "attention_mask") if key in found})

    settings = f"{processor.to_dict()!r} {length}"
    return ClipEncoder(
        _Towers(model.to(context.device)), transform, tokenize, settings, f"transformers:{name}", context.device
    )


def _load(folder: Path) -> tuple[Any, Any, Any]:
    import torch
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, use_safetensors=True, **local)
    processors: Any = AutoImageProcessor
    return model, processors.from_pretrained(folder, **local), AutoTokenizer.from_pretrained(folder, **local)


def _longest(model: Any, tokenizer: Any) -> int:
    """The longest text in tokens: of the model, or of the tokenizer where that cuts earlier."""
    limit = int(getattr(model.config.text_config, "max_position_embeddings", _UNLIMITED))
    return min(limit, int(tokenizer.model_max_length))


def _projected(features: Any) -> Any:
    """The vectors of the common space; since version 5 transformers wraps them."""
    return getattr(features, "pooler_output", features)
