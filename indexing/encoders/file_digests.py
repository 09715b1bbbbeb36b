"""Digests of an encoder's files, as its manifest states them: a copy that lacks one, or a damaged one, is not used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from corpora.errors import ModelError

__all__ = ["digests_of", "require_files"]


def digests_of(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files below a folder, by their names there."""
    return {path.relative_to(folder).as_posix(): _digest(path) for path in sorted(files)}


def require_files(folder: Path, stated: Mapping[str, str]) -> None:
    """Let a folder pass whose files are those that were stated.

    Raises:
        ModelError: one is not there, or is another one.
    """
    for name, digest in stated.items():
        path = folder / name
        if not path.is_file():
            raise ModelError(f"The folder {folder} lacks {name}; copy it whole, or fit the encoder again.")
        if _digest(path) != digest:
            raise ModelError(
                f"{path} is not the file that was fitted; copy the folder again, or fit the encoder again."
            )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
