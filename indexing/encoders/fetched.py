"""The encoders that a home holds in `models/`, by the manifests that fetching wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from corpora.errors import ModelError
from indexing.encoders.licences import MANIFEST, stated_licence
from indexing.encoders.published import WeightsLicence

__all__ = ["FetchedFolder", "fetched_folders"]


@dataclass(frozen=True, slots=True)
class FetchedFolder:
    """A prepared folder: the hub id it came from, its licence, the dimensions of its space."""

    folder: Path
    hub: str
    licence: WeightsLicence
    dim: int


def fetched_folders(models: Path) -> list[FetchedFolder]:
    """Every folder of `models` with a manifest, by name.

    Raises:
        ModelError: a manifest is damaged.
    """
    return [_read(path) for path in sorted(models.glob(f"*/{MANIFEST}")) if not path.parent.name.startswith(".")]


def _read(manifest: Path) -> FetchedFolder:
    licence = stated_licence(manifest.parent)
    try:
        said = json.loads(manifest.read_text(encoding="utf-8"))
        return FetchedFolder(manifest.parent, str(said["source"]), licence, int(said["dim"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{manifest} is damaged ({error}); fetch or fit the encoder again.") from error
