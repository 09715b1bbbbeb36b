"""Pictures that a person gives: read once, checked, and not left lying in the upload folder."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from corpora.images import decode, read_image_bytes
from ui.chat.exchange import Upload

__all__ = ["THUMBNAIL", "data_address", "jpeg_of", "read_uploads", "upload_of"]

THUMBNAIL = 192


def upload_of(data: bytes, name: str = "picture") -> Upload:
    """The picture with its thumbnail; raises `DecodeError` where it cannot be read."""
    return Upload(data, data_address(jpeg_of(decode(data, name))))


def jpeg_of(image: Image.Image, side: int = THUMBNAIL) -> bytes:
    """The picture as JPEG, its longer side at most `side` pixels."""
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def data_address(jpeg: bytes) -> str:
    """A JPEG as a `data:` address."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


def read_uploads(paths: Iterable[Path], folder: Path) -> tuple[Upload, ...]:
    """The pictures at `paths`; each that lies below the upload `folder` is deleted once read.

    Gradio hands every file of that folder to whoever knows its address; nothing stays there longer than needed.

    Raises:
        SourceError: a file cannot be read or is no picture; the others are deleted all the same.
    """
    files = [(path, path.resolve().is_relative_to(folder.resolve())) for path in paths]
    try:
        return tuple(upload_of(read_image_bytes(path), path.name) for path, _ in files)
    finally:
        for path, ours in files:
            if ours:
                path.unlink(missing_ok=True)
