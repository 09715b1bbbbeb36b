"""Opening vision-language checkpoints of Hugging Face, from a folder or from the hub, with errors one can act on."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from app.generators.quantization import compute_dtype, quantization_of, usable_device
from corpora.errors import ModelError
from indexing import torchvision_cure

__all__ = ["LoadedVlm", "Source", "find_source", "is_out_of_memory", "load_vlm"]

_LOG = logging.getLogger(__name__)
_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")
_WEIGHTS = ("*.safetensors", "*.bin")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a checkpoint lies: a folder, which is never looked for on a network, or a hub id."""

    name: str
    folder: Path | None = None

    @property
    def where(self) -> str:
        """What transformers is asked for."""
        return str(self.folder or self.name)


@dataclass(frozen=True, slots=True)
class LoadedVlm:
    """A model ready to answer, its processor, and the revision that answers are recorded under."""

    model: Any
    processor: Any
    revision: str
    device: Any


def find_source(name: str, home: Path) -> Source:
    """The folder of that name, below `home` or the working directory; else a hub id.

    Raises:
        ModelError: there is no such folder, and a hub id cannot look like that.
    """
    for candidate in (home / Path(name).expanduser(), Path(name).expanduser()):
        if candidate.is_dir():
            return Source(name, candidate.resolve())
    if not _HUB_ID.fullmatch(name):
        raise ModelError(
            f"There is no folder {name!r} below {home} or here, and a hub id has the form organisation/model; "
            "name the folder that holds the model's config.json."
        )
    return Source(name)


def load_vlm(source: Source, device: str, *, quant: str, dtype: str) -> LoadedVlm:
    """The model of a source, in evaluation mode.

    Memory, about: 0.52 bytes a parameter of the language model in NF4, 1 in int8, 2 with quant=none; 2 a parameter of
    the eyes, the word table and the output layer (4 where the device lacks bfloat16); and 1–2 GB for pictures and
    context.

    Raises:
        InputError: `device` is no name of a device.
        ModelError: the source is missing, out of reach, damaged or no image-text model, or does not fit the device.
    """
    torchvision_cure.arm()
    transformers: Any = import_module("transformers")
    from safetensors import SafetensorError

    place = usable_device(device)
    config = _config(source, transformers)
    number_format = compute_dtype(dtype, place)
    options: dict[str, Any] = {"device_map": {"": str(place)}, "dtype": number_format}
    if not hasattr(config, "quantization_config"):  # a checkpoint that is quantised already says how
        options["quantization_config"] = quantization_of(quant, number_format)
    local = source.folder is not None
    _LOG.info("loading %s on %s (%s)", source.name, place, quant)
    try:
        processor = transformers.AutoProcessor.from_pretrained(source.where, local_files_only=local)
        model, loading = transformers.AutoModelForImageTextToText.from_pretrained(
            source.where, config=config, local_files_only=local, output_loading_info=True, **options
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise _too_large(source.name, device) if is_out_of_memory(error) else _unusable(source, error) from error
    _complete(processor, source.name)
    if loading["missing_keys"]:
        missing = sorted(loading["missing_keys"])
        raise ModelError(
            f"The model {source.name!r} lacks {len(missing)} of its weights ({missing[0]}, …); copy it again whole."
        )
    _LOG.info("loaded %s: %.1f GB", source.name, model.get_memory_footprint() / 1e9)
    return LoadedVlm(model.eval().requires_grad_(False), processor, _revision(source, config), place)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch ran out of memory, on a GPU or on the CPU (which raises a plain RuntimeError)."""
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)


def _config(source: Source, transformers: Any) -> Any:
    if source.folder is not None and not (source.folder / "config.json").is_file():
        raise ModelError(f"{source.folder} holds no config.json; save the model and its processor there.")
    try:
        config = transformers.AutoConfig.from_pretrained(source.where, local_files_only=source.folder is not None)
    except (OSError, ValueError, KeyError) as error:
        raise _unusable(source, error) from error
    if type(config) not in transformers.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise ModelError(
            f"{source.name!r} is a {config.model_type!r} model, which does not answer about pictures; choose an "
            "image-text model, for example google/medgemma-1.5-4b-it."
        )
    return config


def _complete(processor: Any, name: str) -> None:
    """Older checkpoints keep the chat template with the tokenizer; without one, or without eyes, there is no asking."""
    if getattr(processor, "image_processor", None) is None:
        raise ModelError(f"The model {name!r} has no image processor; add preprocessor_config.json to its folder.")
    if not getattr(processor, "chat_template", None):
        processor.chat_template = getattr(processor.tokenizer, "chat_template", None)
    if not processor.chat_template:
        raise ModelError(f"The model {name!r} has no chat template; add chat_template.jinja to its folder.")


def _unusable(source: Source, error: Exception) -> ModelError:
    """The sentence for what transformers or the hub raised."""
    name = source.name
    kinds = {type(cause).__name__ for cause in _causes(error)}
    if "GatedRepoError" in kinds:
        return ModelError(
            f"The model {name!r} is gated: accept its terms at https://huggingface.co/{name} and log in with "
            "'hf auth login', or name a folder that holds it."
        )
    if kinds & {"RepositoryNotFoundError", "RevisionNotFoundError"}:
        return ModelError(f"The hub knows no model {name!r}; check the name, or name a folder that holds the model.")
    if source.folder is None and isinstance(error, OSError):
        return ModelError(
            f"The model {name!r} is no folder here, not in the hub's cache, and the hub is not reached; name a folder "
            "that holds it, or set offline = false and check the network."
        )
    reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return ModelError(f"The model {name!r} cannot be opened; copy it again or choose another ({reason.rstrip('.')}).")


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _too_large(name: str, device: str) -> ModelError:
    return ModelError(
        f"The model {name!r} does not fit into the memory of {device}; use quant=nf4, a smaller model, "
        "or free memory there."
    )


def _revision(source: Source, config: Any) -> str:
    """The hub's commit where it is known, else a digest of the folder's configuration and weights."""
    commit = getattr(config, "_commit_hash", None)
    if commit or source.folder is None:
        return str(commit or "unknown")
    digest = hashlib.sha256()
    for path in sorted([source.folder / "config.json", *(p for kind in _WEIGHTS for p in source.folder.glob(kind))]):
        with path.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()[:16]
