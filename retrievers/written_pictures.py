"""Pictures as programs write them down: base64, a `data:` address, or the path of a file."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from pathlib import Path

from corpora.errors import DecodeError, QueryError
from corpora.images import DecodeLimits, read_image_bytes

__all__ = ["written_pictures"]

_LONGEST_PATH = 4096


def written_pictures(written: Iterable[str], *, files: bool = False) -> list[bytes]:
    """The bytes of each picture, not yet decoded.

    Args:
        written: Base64, `data:image/png;base64,…`, or a path.
        files: Whether paths are read. Only for callers on this machine: a path from elsewhere would tell them which
            files there are.

    Raises:
        QueryError: neither base64 nor, where those are read, a file.
        SourceError: a file that cannot be read.
        DecodeError: more bytes than a picture may have.

    >>> written_pictures(["data:image/png;base64,iVBORw=="])
    [b'\\x89PNG']
    """
    return [_picture(text, number, files) for number, text in enumerate(written, 1)]


def _picture(text: str, number: int, files: bool) -> bytes:
    limits = DecodeLimits()
    if files and _is_file(text):
        return read_image_bytes(Path(text).expanduser(), limits)
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    if len(encoded) * 3 // 4 > limits.max_bytes + 4:
        raise DecodeError(f"picture {number} has more than the limit of {limits.max_bytes / 1e6:.0f} MB.")
    try:
        data = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        what = "neither a file that is there nor base64" if files else "not base64"
        raise QueryError(f"picture {number} is {what}; give {'a path, ' if files else ''}base64 or a data: address.")
    return data


def _is_file(text: str) -> bool:
    if len(text) > _LONGEST_PATH or text.startswith("data:") or "\0" in text:
        return False
    try:
        return Path(text).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):  # a name longer than the system's, or a user who is not there
        return False
