"""Small pictures that a page of one file holds itself."""

from __future__ import annotations

import base64
import io

from PIL import Image

__all__ = ["data_uri", "thumbnail"]


def thumbnail(image: Image.Image, side: int) -> str:
    """The picture in at most `side` × `side` pixels as a data URI (WebP, some kilobytes)."""
    smaller = image.convert("RGB")
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    smaller.save(buffer, "WEBP", quality=65, method=4)
    return data_uri(buffer.getvalue(), "image/webp")


def data_uri(data: bytes, kind: str) -> str:
    """Bytes of a media type as an address that needs no file.

    >>> data_uri(b"a", "image/png")
    'data:image/png;base64,YQ=='
    """
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
