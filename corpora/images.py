"""Pictures: safe decoding, the content-addressed store of a home, and thumbnails."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from corpora.errors import DecodeError, SourceError
from corpora.silence import silenced

__all__ = ["DecodeLimits", "ImageStore", "decode", "read_image_bytes", "upright"]

_DEPTH_16 = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
# The formats that are read, with the suffix of each. Others Pillow knows hand the file to another program (EPS).
_SUFFIXES = {
    "JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "TIFF": ".tif", "BMP": ".bmp", "WEBP": ".webp",
    "JPEG2000": ".jp2", "PPM": ".ppm",
}  # fmt: skip

# Pillow's plug-ins raise all of these on damaged files.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, MemoryError)


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """How large a picture may be: `max_bytes` of the file, `max_pixels` of width × height."""

    max_bytes: int = 64 * 1024 * 1024
    max_pixels: int = 60_000_000


def decode(data: bytes, name: str = "picture", limits: DecodeLimits = DecodeLimits()) -> Image.Image:
    """The picture in `data` as an upright RGB image, 8 bit a channel.

    EXIF orientation is applied; 16-bit and float grey is stretched between its 0.1 and 99.9 percentiles;
    palette, CMYK and transparency become RGB (transparent is black, as viewers of grey pictures show it);
    of an animation the first frame is taken.

    Raises:
        DecodeError: not a picture, cut short, or over a limit. Limits are checked before pixels are decoded.
    """
    if len(data) > limits.max_bytes:
        raise DecodeError(f"{name} has {len(data) / 1e6:.0f} MB; the limit is {limits.max_bytes / 1e6:.0f} MB.")
    try:
        # Pillow warns from 89 million pixels on and raises at twice that; our own limit comes first.
        with silenced(Image.DecompressionBombWarning):
            opened = Image.open(io.BytesIO(data), formats=tuple(_SUFFIXES))
        _check_pixels(opened, name, limits)
        opened.seek(0)
        return upright(opened, name, limits)
    except DecodeError:
        raise
    except Image.DecompressionBombError:
        raise DecodeError(f"{name} has more pixels than the limit of {limits.max_pixels / 1e6:.0f} million.") from None
    except UnidentifiedImageError:
        raise DecodeError(f"{name} is not a picture that can be read.") from None
    except _DAMAGE as error:
        raise DecodeError(f"{name} is damaged or cut short ({error}).") from error


def upright(image: Image.Image, name: str = "picture", limits: DecodeLimits = DecodeLimits()) -> Image.Image:
    """An opened picture as `decode` makes it: upright, RGB, without the file's metadata; the image itself stays."""
    _check_pixels(image, name, limits)
    try:
        image.load()
        found = _to_rgb(ImageOps.exif_transpose(image))
    except _DAMAGE as error:
        raise DecodeError(f"{name} is damaged or cut short ({error}).") from error
    found.info = {}  # comments and profiles, which may name a patient, would be written into every copy
    return found


def _check_pixels(image: Image.Image, name: str, limits: DecodeLimits) -> None:
    width, height = image.size
    if not 0 < width * height <= limits.max_pixels:
        limit = f"the limit is {limits.max_pixels / 1e6:.0f} million"
        raise DecodeError(f"{name} has {width} × {height} pixels; {limit}.")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _DEPTH_16:
        return _stretch(np.asarray(image, dtype=np.float64)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, rgba).convert("RGB")
    return image.convert("RGB")


def _stretch(grey: np.ndarray) -> Image.Image:
    finite = grey[np.isfinite(grey)]
    low, high = np.percentile(finite, (0.1, 99.9)) if finite.size else (0.0, 0.0)
    if high <= low:
        low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    scale = 255.0 / (high - low) if high > low else 0.0
    values = np.clip((np.nan_to_num(grey, nan=low, posinf=high, neginf=low) - low) * scale, 0.0, 255.0)
    return Image.fromarray(values.round().astype(np.uint8))


def read_image_bytes(path: Path, limits: DecodeLimits = DecodeLimits()) -> bytes:
    """The bytes of a picture file; raises `SourceError` where it cannot be read, before reading one too large."""
    try:
        if path.stat().st_size > limits.max_bytes:
            raise DecodeError(
                f"{path.name} has {path.stat().st_size / 1e6:.0f} MB; the limit is {limits.max_bytes / 1e6:.0f} MB."
            )
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"The picture {path} cannot be read: {error.strerror}.") from error


class ImageStore:
    """Pictures of a home under the SHA-256 of their bytes: `images/ab/abcdef….png`, thumbnails beside them.

    The original bytes are kept as they came. Writing is atomic and idempotent, so any number of threads
    and processes may add the same picture.
    """

    def __init__(self, folder: Path, limits: DecodeLimits = DecodeLimits()) -> None:
        self.folder = folder
        self.limits = limits

    def add(self, data: bytes, name: str = "picture") -> tuple[str, int, int]:
        """Decode, then keep the bytes; returns digest, width and height of the upright picture."""
        image = decode(data, name, self.limits)
        digest = hashlib.sha256(data).hexdigest()
        if self._find(digest) is None:
            with Image.open(io.BytesIO(data)) as opened:
                suffix = _SUFFIXES.get(opened.format or "", ".jpg")  # MPO is a JPEG of several pictures
            with _atomic(self.folder / digest[:2] / f"{digest}{suffix}") as path:
                path.write_bytes(data)
        return digest, image.width, image.height

    def path(self, digest: str) -> Path:
        """Where the original bytes lie; raises `SourceError` where the home does not hold them."""
        found = self._find(digest)
        if found is None:
            raise SourceError(f"The picture {digest[:12]}… is not in {self.folder}; add its corpus again.")
        return found

    def open(self, digest: str) -> Image.Image:
        """The decoded picture, upright, RGB."""
        return decode(self.path(digest).read_bytes(), digest[:12], self.limits)

    def rendition(self, digest: str, side: int) -> bytes:
        """A JPEG of the picture whose longer side is at most `side` pixels, without the file's metadata; cached."""
        target = self.folder / "renditions" / digest[:2] / f"{digest}-{side}.jpg"
        if _is_digest(digest) and target.is_file():
            return target.read_bytes()
        image = self.open(digest)
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=88)
        with _atomic(target) as path:
            path.write_bytes(buffer.getvalue())
        return buffer.getvalue()

    def digests(self) -> Iterator[str]:
        """Every digest that the store holds."""
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            if len(path.stem) == 64:
                yield path.stem

    def discard(self, digest: str) -> None:
        """Forget a picture and its renditions; nothing happens where it is not held."""
        if not _is_digest(digest):
            return
        for path in (
            *self.folder.glob(f"{digest[:2]}/{digest}.*"),
            *self.folder.glob(f"renditions/*/{digest}-*"),
        ):
            path.unlink(missing_ok=True)

    def _find(self, digest: str) -> Path | None:
        if not _is_digest(digest):
            return None
        return next(iter(sorted((self.folder / digest[:2]).glob(f"{digest}.*"))), None)


def _is_digest(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


@contextmanager
def _atomic(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as handle:
        temporary = Path(handle.name)
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
