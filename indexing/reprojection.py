"""Putting a site adapter in force and taking it off again: a new version of the same vectors, seen differently.

Nothing is embedded and no picture is opened. All files but the adapter and the graphs over bent vectors are those of
the version before (linked where the file system can), so a new version costs next to nothing, and taking the adapter
off gives the encoder's own vectors back bit by bit.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from corpora.errors import CatalogError, EncoderMismatchError, IndexDamagedError, InputError, UnknownNameError
from corpora.home import Home
from indexing.encoders.adapted import ADAPTED_SIDES, ADAPTER, SiteAdapter, adapters_of, side_vectors
from indexing.jobs import next_version, only_builder
from indexing.shards import IndexFolder, Manifest, SideManifest, file_digest, load_rows, write_atomic
from indexing.vectors.faiss_index import FaissIndex
from indexing.verification import whole_manifest

__all__ = ["publish_adapter", "stored_adapter"]

_GRAPH = "index.faiss"


def stored_adapter(home: Home, domain: str, name: str = "default") -> SiteAdapter | None:
    """The adapter of a domain that is in force, or None.

    Raises:
        IndexMissingError: nothing is published.
        IndexDamagedError: the adapter's file is damaged.
        UnknownNameError: the index has no such domain.
    """
    folder = IndexFolder(home, name)
    manifest = folder.manifest()
    if domain not in manifest.records:
        raise UnknownNameError(f"domain in {manifest.label}", domain, manifest.records)
    return adapters_of(folder.version(manifest.version), manifest).get(domain)


def publish_adapter(home: Home, domain: str, adapter: SiteAdapter | None, name: str = "default") -> Manifest:
    """Publish the index again with that adapter for that domain, or with none; readers go on undisturbed.

    Raises:
        CatalogError: a build is at work, or one was interrupted and waits to be ended.
        EncoderMismatchError: the domain's vectors are of another encoder than the adapter's.
        IndexMissingError: nothing is published.
        IndexDamagedError: the published version is not whole.
        InputError: there is no adapter to take off.
        UnknownNameError: the index has no such domain.
    """
    folder = IndexFolder(home, name)
    with only_builder(folder):
        number = next_version(folder)
        _require(home, domain, adapter, name)
        before = whole_manifest(folder)
        if before is None:
            raise IndexDamagedError(f"Index {name!r} is not whole; mend it first with: curbside index build.")
        source, target = folder.version(before.version), folder.partial(number)
        if (target / "done").exists():
            raise CatalogError(f"A build of index {name!r} was interrupted; end it first with: curbside index build.")
        shutil.rmtree(target, ignore_errors=True)
        bent = [side for side in before.sides if side.domain == domain and side.side in ADAPTED_SIDES]
        renewed = {f"{domain}/{ADAPTER}", *(f"{side.folder}/{_GRAPH}" for side in bent)}
        files = {path: digest for path, digest in before.files.items() if path not in renewed}
        for path in files:
            _link(source / path, target / path)
        adapters = {other: digest for other, digest in before.adapters.items() if other != domain}
        if adapter is not None:
            files[f"{domain}/{ADAPTER}"] = write_atomic(target / domain / ADAPTER, adapter.to_bytes())
            adapters[domain] = adapter.digest
        for side in bent:
            if f"{side.folder}/{_GRAPH}" in before.files:
                files[f"{side.folder}/{_GRAPH}"] = _graph(target / side.folder, side, adapter)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        after = replace(before, version=number, parent=before.version, created=created, files=files, adapters=adapters)
        folder.publish(after)
        folder.prune()
        return after


def _require(home: Home, domain: str, adapter: SiteAdapter | None, name: str) -> None:
    stored, manifest = stored_adapter(home, domain, name), IndexFolder(home, name).manifest()
    if adapter is None:
        if stored is None:
            raise InputError(
                f"{manifest.label} has no site adapter for {domain}; fit one with: curbside adapt --domain {domain}."
            )
    elif manifest.encoders.get(adapter.spec) != adapter.encoder or not any(
        (side.domain, side.side, side.encoder) == (domain, "text", adapter.spec) for side in manifest.sides
    ):
        raise EncoderMismatchError(
            f"{manifest.label} was built with another encoder than {adapter.encoder}; fit the adapter again."
        )


def _link(source: Path, target: Path) -> None:
    """The same file under a second name, or a copy; files of a version are replaced, never written into."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        write_atomic(target, source.read_bytes())


def _graph(folder: Path, side: SideManifest, adapter: SiteAdapter | None) -> str:
    vectors = side_vectors(folder, side.side, adapter)
    FaissIndex.build(vectors, load_rows(folder, "ids"), side.kind).save(folder / _GRAPH)
    return file_digest(folder / _GRAPH)
