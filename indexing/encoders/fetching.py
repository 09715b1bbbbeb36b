"""Makes a published encoder a folder that needs nobody: text tower inside, weights as safetensors, a manifest."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpora.errors import InputError, ModelError, SourceError
from indexing.encoders.base import Encoder, EncoderContext
from indexing.encoders.file_digests import digests_of
from indexing.encoders.hub import Snapshot, from_folder, from_hub
from indexing.encoders.licences import MANIFEST, stated_licence
from indexing.encoders.pickles import pickle_to_safetensors
from indexing.encoders.published import Published, WeightsLicence, find_published

__all__ = ["FetchOptions", "Fetched", "fetch_encoder"]

CONFIG = "open_clip_config.json"
TOWER = "text_tower"
_TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
    "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
)  # fmt: skip
_VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
_CARDS = ("README.md", "LICENSE", "LICENSE.md", "LICENSE.txt")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """Where the files come from: `source` and `text_tower` are folders laid out as on the hub; else the hub."""

    source: Path | None = None
    text_tower: Path | None = None
    revision: str = ""
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """A folder made ready. `loader` opens it; `dim` is that of its space; `megabytes` what it takes on disk."""

    name: str
    folder: Path
    loader: str
    source: str
    revision: str
    licence: WeightsLicence
    dim: int
    megabytes: float

    def spec(self, home: Path) -> str:
        """What to write in `curbside.toml`; relative where the folder lies in the home, so that the home may move."""
        inside = self.folder.resolve().is_relative_to(home.resolve())
        path = self.folder.resolve().relative_to(home.resolve()) if inside else self.folder.resolve()
        return f"open_clip:local-dir:{path}" if self.loader == "open_clip" else f"{self.loader}:{path}"


def fetch_encoder(
    what: str, target: Path, options: FetchOptions = FetchOptions(), say: Say = lambda told: None
) -> Fetched:
    """Prepare a folder at `target` that opens offline and wherever it is moved.

    All is made in a folder beside it, opened once to prove it, and renamed at the end: what lies at `target` is whole.

    Args:
        what: A name or hub id of the registry, or any `organisation/name` of an open_clip, CLIP or SigLIP model.
        target: The new folder.
        options: Where the files come from.
        say: Told of each step.

    Raises:
        InputError: the name is unknown, or the folder exists.
        ModelError: nothing opens such a model, it cannot be had, or its weights would run code.
    """
    entry = find_published(what) or Published(what.rpartition("/")[2], what, (), WeightsLicence(), what, loader="none")
    if entry.why:
        raise ModelError(f"{entry.title} cannot be opened here: {entry.why}.")
    if target.exists():
        raise InputError(f"{target} exists already; remove it, or name another folder with --to.")
    say(f"taking {options.source or entry.hub}")
    snapshot = (
        from_folder(options.source, entry.weights)
        if options.source
        else from_hub(entry.hub, options.revision, entry.weights, options.offline)
    )
    partial: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.parent / f".{target.name}-{uuid.uuid4().hex[:8]}"
        partial.mkdir()
        loader = _lay_out(entry, snapshot, partial, options, say)
        say("opening it once")
        encoder = _open(loader, partial)
        fetched = _manifest(entry, snapshot, partial, target, loader, encoder)
        partial.rename(target)
    except OSError as error:
        raise SourceError(f"{target} cannot be written: {error.strerror or error}.") from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
    return fetched


def _lay_out(entry: Published, snapshot: Snapshot, folder: Path, options: FetchOptions, say: Say) -> str:
    """Fill the folder; returns the name of what opens it."""
    _copy(snapshot.folder, folder, (*_TOKENIZER, *_CARDS))
    is_open_clip = (snapshot.folder / CONFIG).is_file() or bool(entry.architecture)
    if not is_open_clip and not (snapshot.folder / "config.json").is_file():
        raise ModelError(
            f"{snapshot.source} holds neither {CONFIG} nor config.json, so nothing here opens it; "
            "it must first be saved as an open_clip, CLIP or SigLIP model."
        )
    say("writing weights")
    if is_open_clip:
        _write_weights(snapshot, folder / "open_clip_model.safetensors")
        _write_open_clip(entry, snapshot, folder, options)
        return "open_clip"
    _write_weights(snapshot, folder / "model.safetensors")
    _write_config(snapshot.folder / "config.json", folder / "config.json")
    _copy(snapshot.folder, folder, ("preprocessor_config.json", "processor_config.json"))
    return "transformers"


def _write_weights(snapshot: Snapshot, target: Path) -> None:
    if snapshot.weights is None:
        raise SourceError(f"{snapshot.folder} holds no weights.")
    if snapshot.weights.suffix == ".safetensors":
        shutil.copyfile(snapshot.weights, target)  # by content: the hub's cache holds links
    else:
        pickle_to_safetensors(snapshot.weights, target)
        target.chmod(target.parent.stat().st_mode & 0o666)  # safetensors lets nobody else read, whatever the umask


def _write_open_clip(entry: Published, snapshot: Snapshot, folder: Path, options: FetchOptions) -> None:
    """The configuration, with a text tower of transformers and a tokenizer inside the folder where it names any."""
    config = _open_clip_config(entry, snapshot)
    text = config["model_cfg"]["text_cfg"]
    tower, tokenizer = text.get("hf_model_name"), text.get("hf_tokenizer_name")
    found = _named(tower, snapshot, options) if tower else None
    if found is not None:
        (folder / TOWER).mkdir()
        _write_config(found.folder / "config.json", folder / TOWER / "config.json")
        # transformers asks for it beside a vocabulary whose tokenizer_config.json names no class
        _write_config(found.folder / "config.json", folder / "config.json")
        text["hf_model_name"] = TOWER
    if tower or tokenizer:
        if not any((folder / name).is_file() for name in _VOCABULARIES):
            same = found if tokenizer in (None, tower) else None
            _copy((same or _named(tokenizer, snapshot, options)).folder, folder, _TOKENIZER)
        text["hf_tokenizer_name"] = "."  # open_clip takes it from the folder, whatever the name
    (folder / CONFIG).write_text(json.dumps(config, indent=1), encoding="utf-8")


def _open_clip_config(entry: Published, snapshot: Snapshot) -> dict[str, Any]:
    path = snapshot.folder / CONFIG
    try:
        if path.is_file():
            config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        else:
            config = _packaged_config(entry.architecture)
        config["model_cfg"]["text_cfg"].get("")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is damaged or is no open_clip configuration ({error}).") from error
    return config


def _packaged_config(architecture: str) -> dict[str, Any]:
    from indexing import torchvision_cure

    torchvision_cure.arm()
    import open_clip

    mean, std = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
    return {
        "model_cfg": open_clip.get_model_config(architecture),
        "preprocess_cfg": {"mean": list(mean), "std": list(std)},
    }


def _named(name: str, snapshot: Snapshot, options: FetchOptions) -> Snapshot:
    """The model that a configuration names: in the snapshot, as given, beside a given folder, or on the hub."""
    if options.text_tower is not None:
        return from_folder(options.text_tower, small=True)
    places = [snapshot.folder / name]
    if options.source is not None:
        places += [options.source.parent / name, options.source.parent / name.rpartition("/")[2]]
    for place in places:
        if (place / "config.json").is_file():
            return from_folder(place, small=True)
    try:
        return from_hub(name, offline=options.offline, small=True)
    except ModelError as error:
        if options.source is None:
            raise
        raise ModelError(
            f"The text tower {name} of {snapshot.source} is neither beside {options.source} nor in the hub's cache; "
            "put its config.json and tokenizer into a folder and name it with --text-tower."
        ) from error


def _write_config(source: Path, target: Path) -> None:
    """A config.json without the names of code that transformers would ask to run."""
    try:
        values = json.loads(source.read_text(encoding="utf-8"))
        values.pop("auto_map", None)
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{source} is missing or damaged ({error}).") from error
    target.write_text(json.dumps(values, indent=1), encoding="utf-8")


def _copy(source: Path, target: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _open(loader: str, folder: Path) -> Encoder:
    from indexing.encoders.clip import open_clip_encoder
    from indexing.encoders.transformers_clip import open_transformers_encoder

    context = EncoderContext(folder=folder.parent)
    if loader == "open_clip":
        return open_clip_encoder(f"local-dir:{folder.name}", context)
    return open_transformers_encoder(folder.name, context)


def _manifest(
    entry: Published, snapshot: Snapshot, folder: Path, target: Path, loader: str, encoder: Encoder
) -> Fetched:
    """Write where everything came from, its licence and its digests."""
    licence = entry.licence if entry.domains else stated_licence(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = {
        "name": entry.name,
        "title": entry.title,
        "loader": loader,
        "source": entry.hub,
        "revision": snapshot.revision,
        "licence": asdict(licence),
        "dim": encoder.dim,
        "files": digests_of(folder, files),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")
    size = sum(path.stat().st_size for path in files) / 1e6
    return Fetched(entry.name, target, loader, entry.hub, snapshot.revision, licence, encoder.dim, round(size, 1))
