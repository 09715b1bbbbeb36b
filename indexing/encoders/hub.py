"""Getting a published model's files: from the hub, from its cache, or from a folder that somebody carried here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.errors import ModelError, SourceError

__all__ = ["Snapshot", "from_folder", "from_hub"]

SMALL = ("*.json", "*.txt", "*.model", "README.md", "LICENSE*")  # all but weights; a pattern matches in any folder
WEIGHTS = (
    "open_clip_model.safetensors",
    "model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "pytorch_model.bin",
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A folder laid out as on the hub, and where it came from; `weights` is None where only small files were asked."""

    folder: Path
    weights: Path | None
    source: str
    revision: str = ""


def from_hub(hub: str, revision: str = "", weights: str = "", offline: bool = False, small: bool = False) -> Snapshot:
    """The files of a hub repository, downloaded into the hub's own cache where they are not there yet.

    Args:
        hub: `organisation/name`.
        revision: Branch, tag or commit; empty: the default branch.
        weights: The file of weights where it has no usual name.
        offline: Look into the cache only; `HF_HUB_OFFLINE` says the same.
        small: Configuration and tokenizer are enough.

    Raises:
        ModelError: no such repository, its terms are not accepted, or it is out of reach and not in the cache.
    """
    from huggingface_hub import errors, snapshot_download

    http_error: Any = errors.HfHubHTTPError.__bases__[0]  # of httpx or of httpx2, by the version of huggingface_hub
    options: dict[str, Any] = {"revision": revision or None, "local_files_only": offline}
    try:
        folder = Path(snapshot_download(hub, allow_patterns=list(SMALL), **options))
        found = None if small else _weights_from_hub(hub, weights, {**options, "revision": folder.name})
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{hub} asks for its terms to be accepted: accept them at https://huggingface.co/{hub}, log in with "
            "'hf auth login', and fetch again."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError) as error:
        raise ModelError(f"The hub has no model {hub!r}{f' at {revision}' if revision else ''}.") from error
    except (OSError, http_error) as error:
        raise ModelError(
            f"{hub} is not in the hub's cache, and the hub is out of reach or forbidden (HF_HUB_OFFLINE, the setting "
            "offline); fetch it on a machine with network and carry the folder here: docs/published-encoders.md."
        ) from error
    return Snapshot(folder, found, hub, folder.name)


def from_folder(folder: Path, weights: str = "", small: bool = False) -> Snapshot:
    """A folder laid out as on the hub.

    Raises:
        SourceError: it is missing, or holds no weights.
    """
    if not folder.is_dir():
        raise SourceError(f"There is no folder {folder}; --from names one with the files of a model as on the hub.")
    names = (weights,) if weights else WEIGHTS
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None and not small:
        raise SourceError(f"{folder} holds no weights; expected one of: {', '.join(names)}.")
    return Snapshot(folder, None if small else found, str(folder.name))


def _weights_from_hub(hub: str, weights: str, options: dict[str, Any]) -> Path:
    """The first file of weights that is there: safetensors before pickles, so that never both are downloaded."""
    from huggingface_hub import errors, hf_hub_download

    names = (weights,) if weights else WEIGHTS
    for name in names:
        try:
            return Path(hf_hub_download(hub, name, **options))
        except errors.EntryNotFoundError:
            continue
    raise ModelError(f"{hub} holds none of {', '.join(names)} (or they are not in the cache); name another model.")
