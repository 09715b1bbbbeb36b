"""What lies on disk of an index: versions, manifests, atomic publishing, verification.

::

    indexes/<name>/
      versions/<n>/manifest.json              written last; names every file with its SHA-256
                   <domain>/<side>/<encoder>/ vectors-*.npy float16, ids-*.npy, records-*.npy int64, index.faiss
                   <domain>/content/          uids-*.npy int64, hashes-*.npy (n, 32) uint8
                   <domain>/adapter.safetensors  where a site adapter bends the domain's vectors
                   lexical/<domain>/
                   rejects.jsonl
      current                                 names the published version; replaced by rename
      partial/<n>/                            a job at work, never read
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora.errors import IndexDamagedError, IndexMissingError, InputError, UnknownNameError
from corpora.home import Home

__all__ = ["IndexFolder", "Manifest", "SideManifest", "index_names", "load_rows", "write_array", "write_atomic"]

_MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class SideManifest:
    """One searchable side of a domain: its encoder, dimensions, entries, kind of vector index, folder."""

    domain: str
    side: str
    encoder: str
    dim: int
    entries: int
    kind: str
    folder: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version holds. `files` maps relative paths to SHA-256; `digest` is over them, in order.

    `plan` is the digest of all record contents and encoders: a build whose plan is the same has nothing to do.
    `adapters` maps a domain whose pictures and texts are seen through a site adapter to that adapter's digest.
    """

    name: str
    version: int
    plan: str
    encoders: Mapping[str, str]
    records: Mapping[str, int]
    sides: tuple[SideManifest, ...]
    files: Mapping[str, str]
    rejects: int = 0
    parent: int | None = None
    format: int = FORMAT
    created: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    adapters: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over every file's path and digest, but for `index.faiss`: threads build a graph in any order."""
        primary = {path: digest for path, digest in self.files.items() if not path.endswith("index.faiss")}
        listed = "\n".join(f"{path} {digest}" for path, digest in sorted(primary.items()))
        return hashlib.sha256(listed.encode()).hexdigest()

    @property
    def fingerprints(self) -> dict[str, str]:
        """The encoders' fingerprints by spec, with the adapters of the domains that they serve: equal ones compare.

        >>> side = SideManifest("radiology", "text", "a:b", 2, 0, "exact", "")
        >>> Manifest("default", 3, "", {"a:b": "a:b/1"}, {}, (side,), {}, adapters={"radiology": "9f"}).fingerprints
        {'a:b': 'a:b/1+radiology:9f'}
        """
        bent = {(side.encoder, side.domain) for side in self.sides if side.side == "text"}
        added = dict.fromkeys(self.encoders, "")
        for spec, domain in sorted(bent):
            if domain in self.adapters:
                added[spec] += f"+{domain}:{self.adapters[domain]}"
        return {spec: f"{fingerprint}{added[spec]}" for spec, fingerprint in self.encoders.items()}

    @property
    def label(self) -> str:
        """The name by which people know a version.

        >>> Manifest("default", 3, "", {}, {}, (), {}).label
        'default v3'
        """
        return f"{self.name} v{self.version}"

    def to_json(self) -> str:
        """Indented JSON."""
        return json.dumps(asdict(self) | {"digest": self.digest}, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The inverse of `to_json`; raises `IndexDamagedError` for another format."""
        values = json.loads(text)
        if values.get("format", 0) > FORMAT:
            raise IndexDamagedError("The index was written by a newer Curbside; update Curbside, or build it again.")
        values.pop("digest", None)
        values["sides"] = tuple(SideManifest(**side) for side in values["sides"])
        return cls(**values)


class IndexFolder:
    """The folder of one named index."""

    def __init__(self, home: Home, name: str = "default") -> None:
        if not name or not all(character.isalnum() or character in "-_." for character in name) or name[0] == ".":
            raise InputError(f"{name!r} cannot name an index; use letters, digits, '-', '_' and '.'.")
        self.name = name
        self.path = home.indexes / name

    @property
    def current(self) -> int | None:
        """The published version, or None."""
        try:
            return int((self.path / "current").read_text(encoding="ascii"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as error:
            raise IndexDamagedError(f"{self.path / 'current'} names no version; build the index again.") from error

    @property
    def stamp(self) -> tuple[int, int] | None:
        """Another value after each publishing, even where an index was dropped and its numbers start anew."""
        try:
            found = (self.path / "current").stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_ino, found.st_mtime_ns

    def version(self, number: int) -> Path:
        """The folder of a published version."""
        return self.path / "versions" / str(number)

    def partial(self, number: int) -> Path:
        """The folder of a version at work."""
        return self.path / "partial" / str(number)

    def versions(self) -> list[int]:
        """Every complete version, oldest first."""
        folders = (self.path / "versions").glob(f"*/{_MANIFEST}")
        return sorted(int(path.parent.name) for path in folders if path.parent.name.isdigit())

    def manifest(self, number: int | None = None) -> Manifest:
        """The manifest of a version (default: the published one).

        Raises:
            IndexMissingError: nothing was published.
            IndexDamagedError: the manifest cannot be read.
        """
        number = self.current if number is None else number
        if number is None:
            raise IndexMissingError(f"This home has no index {self.name!r} yet; make it with: curbside index build.")
        try:
            return Manifest.from_json((self.version(number) / _MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise IndexDamagedError(f"Index {self.name} v{number} has no readable manifest; build it again.") from error

    def publish(self, manifest: Manifest) -> None:
        """Write the manifest, make the partial folder a version, and point `current` at it: each step atomic."""
        partial, target = self.partial(manifest.version), self.version(manifest.version)
        write_atomic(partial / _MANIFEST, manifest.to_json().encode())
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():  # an unfinished folder of that number, without a manifest
            shutil.rmtree(target)
        os.replace(partial, target)
        self.point_to(manifest.version)

    def point_to(self, number: int) -> None:
        """Make a complete version the published one."""
        write_atomic(self.path / "current", str(number).encode())

    def prune(self, keep: int = 2) -> None:
        """Remove all but the newest complete versions; readers that hold an older one keep its open files."""
        for number in self.versions()[:-keep]:
            if number != self.current:
                shutil.rmtree(self.version(number), ignore_errors=True)

    def drop(self) -> None:
        """Remove the index with all its versions."""
        if not self.path.is_dir():
            raise UnknownNameError("index", self.name, index_names(self.path.parent))
        (self.path / "current").unlink(missing_ok=True)
        shutil.rmtree(self.path)


def index_names(indexes: Path) -> list[str]:
    """The names of every index below that folder."""
    return sorted(path.name for path in indexes.iterdir() if path.is_dir()) if indexes.is_dir() else []


def write_atomic(path: Path, data: bytes) -> str:
    """Write a file so that it is there whole or not at all, even after a power cut; returns its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(temporary, path)
    return hashlib.sha256(data).hexdigest()


def write_array(path: Path, array: NDArray[Any]) -> str:
    """Write a `.npy` file atomically; returns its SHA-256."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return write_atomic(path, buffer.getvalue())


def load_rows(folder: Path, stem: str) -> NDArray[Any]:
    """Every shard `<stem>-*.npy` of a folder, in order, as one array."""
    arrays = [*_arrays(folder, stem)]
    if not arrays:
        raise IndexDamagedError(f"{folder} holds no {stem}; build the index again.")
    return np.concatenate(arrays)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _arrays(folder: Path, stem: str) -> Iterator[NDArray[Any]]:
    for path in sorted(folder.glob(f"{stem}-*.npy")):
        try:
            yield np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise IndexDamagedError(f"{path} cannot be read; run: curbside index verify.") from error
