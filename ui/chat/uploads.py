"""Pictures that a person gives: read once, checked, and not left lying in the upload folder."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from corpora.images import decode, read_image_bytes
from ui.chat.exchange import Upload

__all__ = ["read_uploads", "upload_of"]

_THUMBNAIL = 192


def upload_of(data: bytes, name: str = "picture") -> Upload:
    """The picture with its thumbnail; raises `DecodeError` where it cannot be read."""
    image = decode(data, name)
    image.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Upload(data, f"data:image/jpeg;base64,{encoded}")


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
