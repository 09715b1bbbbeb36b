"""Proves that a published index is whole and agrees with the catalogue."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpora.catalog import Catalog
from corpora.errors import IndexDamagedError, IndexMissingError
from corpora.home import Home
from indexing.shards import IndexFolder, Manifest, SideManifest, file_digest, load_rows

__all__ = ["Verified", "verify_index", "whole_manifest"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verified:
    """What was checked. `removed`: indexed records that the catalogue no longer has; `waiting`: the other way round."""

    index: str
    files: int
    records: int
    entries: int
    removed: int
    waiting: int
    digest: str


def verify_index(home: Home, name: str, catalog: Catalog) -> Verified:
    """Check digests, counts, and catalogue ↔ ids of the published version.

    Raises:
        IndexMissingError: nothing is published.
        IndexDamagedError: a file is missing or changed, or counts do not fit; names the first.
    """
    folder = IndexFolder(home, name)
    manifest = folder.manifest()
    path = folder.version(manifest.version)
    _check_files(path, manifest)
    entries = sum(_side(path, side) for side in manifest.sides)
    indexed = np.concatenate([load_rows(path / domain / "content", "uids") for domain in sorted(manifest.records)])
    if len(np.unique(indexed)) != sum(manifest.records.values()):
        raise IndexDamagedError(f"{manifest.label} holds {len(indexed)} records, its manifest says otherwise.")
    known = np.fromiter((key.uid for key in catalog.keys()), np.int64)  # noqa: SIM118 (the catalogue's method)
    return Verified(
        manifest.label,
        len(manifest.files),
        len(indexed),
        entries,
        len(np.setdiff1d(indexed, known)),
        len(np.setdiff1d(known, indexed)),
        manifest.digest,
    )


def whole_manifest(folder: IndexFolder) -> Manifest | None:
    """The published version's manifest if all its files are as it says; else None, with the reason in the log."""
    try:
        manifest = folder.manifest()
        _check_files(folder.version(manifest.version), manifest)
    except IndexMissingError:
        return None
    except IndexDamagedError as error:
        _log.warning("%s", error)
        return None
    return manifest


def _check_files(path: Path, manifest: Manifest) -> None:
    for relative, digest in manifest.files.items():
        if not (path / relative).is_file():
            raise IndexDamagedError(f"{manifest.label} lacks {relative}; build the index again.")
        if file_digest(path / relative) != digest:
            raise IndexDamagedError(f"{relative} of {manifest.label} was changed; build the index again.")


def _side(path: Path, side: SideManifest) -> int:
    vectors, ids, records = (load_rows(path / side.folder, stem) for stem in ("vectors", "ids", "records"))
    fits = len(vectors) == len(ids) == len(records) == side.entries and vectors.shape[1] == side.dim
    if not fits or len(np.unique(ids)) != len(ids):
        raise IndexDamagedError(f"{side.folder} holds entries that do not fit its manifest; build the index again.")
    return side.entries
