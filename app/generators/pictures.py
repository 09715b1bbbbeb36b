"""Asked pictures made ready for a model."""

from __future__ import annotations

import base64
import io

from PIL import Image

__all__ = ["data_url", "shrunk"]

_QUALITY = 90


def shrunk(image: Image.Image, side: int) -> Image.Image:
    """The picture as RGB, its longer side at most `side` pixels."""
    small = image.convert("RGB")  # always a copy
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def data_url(image: Image.Image, side: int) -> str:
    """The picture as a JPEG in a `data:` URL, its longer side at most `side` pixels."""
    buffer = io.BytesIO()
    shrunk(image, side).save(buffer, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
