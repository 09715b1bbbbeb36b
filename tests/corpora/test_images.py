"""Safe decoding and the content-addressed store."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from corpora.errors import DecodeError, SourceError
from corpora.images import DecodeLimits, ImageStore, decode, read_image_bytes
from tests.conftest import picture, png_bytes


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def huge_png(side: int) -> bytes:
    """A PNG whose header promises side × side pixels and whose data holds none of them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def ramp(low: float, high: float, dtype: type) -> np.ndarray:
    return np.linspace(low, high, 64 * 48).reshape(48, 64).astype(dtype)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = Image.new("RGB", (40, 20), (0, 0, 255))
    upright.paste((255, 0, 0), (0, 0, 20, 10))  # red in the upper left corner
    turns = {2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}.get(orientation, [])
    turned = upright
    for turn in turns:
        turned = turned.transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = decode(saved(turned, "JPEG", exif=exif, quality=95, subsampling=0))
    assert found.size == (40, 20)
    pixels = np.asarray(found)
    assert pixels[4, 5, 0] > 200
    assert pixels[4, 5, 2] < 60
    assert pixels[15, 35, 2] > 200


@pytest.mark.parametrize(
    "data",
    [
        saved(Image.fromarray(ramp(1000, 1400, np.uint16)), "PNG"),
        saved(Image.fromarray(ramp(1000, 1400, np.uint16)), "TIFF"),
        saved(Image.fromarray(ramp(-0.02, 0.03, np.float32)), "TIFF"),
        saved(Image.fromarray(ramp(-1000, 3000, np.int32)), "TIFF"),
    ],
    ids=["16 bit PNG", "16 bit TIFF", "float TIFF", "32 bit TIFF"],
)
def test_deep_grey_is_stretched_to_its_own_range(data: bytes) -> None:
    found = np.asarray(decode(data))
    assert found.shape == (48, 64, 3)
    assert (found.min(), found.max()) == (0, 255)
    assert abs(float(found.mean()) - 127.5) < 3


def test_float_grey_without_finite_or_different_values_is_black() -> None:
    hollow = np.full((8, 8), np.nan, np.float32)
    assert np.asarray(decode(saved(Image.fromarray(hollow), "TIFF"))).max() == 0
    flat = np.full((8, 8), 7.0, np.float32)
    assert np.ptp(np.asarray(decode(saved(Image.fromarray(flat), "TIFF")))) == 0
    hollow[:4] = ramp(0, 1, np.float32)[:4, :8]
    hollow[0, 0] = np.inf
    assert np.asarray(decode(saved(Image.fromarray(hollow), "TIFF"))).max() == 255


def test_cmyk_jpeg_keeps_its_colour() -> None:
    cmyk = Image.new("RGB", (16, 16), (200, 40, 40)).convert("CMYK")
    found = np.asarray(decode(saved(cmyk, "JPEG", quality=95)), np.int64)
    assert found.shape == (16, 16, 3)
    assert np.abs(found - [200, 40, 40]).max() < 12


def test_transparency_becomes_black() -> None:
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([250, 250, 250, 10, 200, 10] + [0] * 762)
    palette.putpixel((1, 1), 1)
    found = decode(saved(palette, "PNG", transparency=0))
    assert found.getpixel((0, 0)) == (0, 0, 0)
    assert found.getpixel((1, 1)) == (10, 200, 10)
    glass = Image.new("RGBA", (2, 1), (255, 255, 255, 0))
    glass.putpixel((1, 0), (9, 8, 7, 255))
    assert [decode(png_bytes(glass)).getpixel((x, 0)) for x in (0, 1)] == [(0, 0, 0), (9, 8, 7)]


def test_of_an_animation_the_first_frame_is_taken() -> None:
    first, second = Image.new("RGB", (9, 7), (255, 0, 0)), Image.new("RGB", (9, 7), (0, 255, 0))
    data = saved(first, "GIF", save_all=True, append_images=[second])
    assert decode(data).getpixel((3, 3)) == (255, 0, 0)
    assert decode(saved(first, "TIFF", save_all=True, append_images=[second])).getpixel((3, 3)) == (255, 0, 0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_common_mode_becomes_rgb(mode: str) -> None:
    found = decode(png_bytes(Image.linear_gradient("L").convert(mode)))
    assert (found.mode, found.size) == ("RGB", (256, 256))
    assert np.asarray(found)[-1].mean() > np.asarray(found)[0].mean()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a picture"),
        (b"%PDF-1.7 something else", "not a picture"),
        (b"\x00" * 100, "not a picture"),
        (png_bytes(picture(1, (300, 300)))[:-700], "damaged or cut short"),
        (saved(picture(1, (300, 300)), "JPEG")[:-2000], "damaged or cut short"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "not a picture"),
    ],
    ids=["zero bytes", "a PDF", "zeros", "cut PNG", "cut JPEG", "PostScript, which would be run as a program"],
)
def test_what_is_no_whole_picture_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(DecodeError, match=f"scan.png.*{said}"):
        decode(data, "scan.png")


@pytest.mark.parametrize("side", [8_000, 12_000, 30_000, 200_000])
def test_too_many_pixels_are_refused_by_the_header(side: int) -> None:
    with pytest.raises(DecodeError, match=r"the limit (is|of) "):
        decode(huge_png(side))
    assert len(huge_png(side)) < 100


def test_the_limits_are_settings() -> None:
    data = png_bytes(picture(1, (20, 20)))
    with pytest.raises(DecodeError, match="20 × 20 pixels"):
        decode(data, limits=DecodeLimits(max_pixels=399))
    with pytest.raises(DecodeError, match="MB"):
        decode(data, limits=DecodeLimits(max_bytes=len(data) - 1))
    assert decode(data, limits=DecodeLimits(len(data), 400)).size == (20, 20)


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    with path.open("wb") as handle:
        handle.truncate(2**40)  # sparse: reading it would not end
    with pytest.raises(DecodeError, match=r"scan\.png"):
        read_image_bytes(path)
    with pytest.raises(SourceError, match="cannot be read"):
        read_image_bytes(tmp_path / "none.png")
    with pytest.raises(SourceError, match="cannot be read"):
        read_image_bytes(tmp_path)


SEEDS = [png_bytes(picture(2)), saved(picture(2), "JPEG"), saved(picture(2), "GIF"), saved(picture(2), "TIFF"),
         saved(picture(2), "BMP"), saved(picture(2), "WEBP")]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8), st.data())
@pytest.mark.filterwarnings("ignore")
def test_damage_anywhere_ends_in_a_picture_or_a_decode_error(
    data: bytes, flips: list[tuple[int, int]], draw: st.DataObject
) -> None:
    damaged = bytearray(data[: draw.draw(st.integers(1, len(data)))])
    for place, value in flips:
        damaged[place % len(damaged)] = value
    with suppress(DecodeError):
        assert decode(bytes(damaged), limits=DecodeLimits(max_pixels=10**6)).mode == "RGB"


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def test_the_store_keeps_the_bytes_as_they_came(store: ImageStore) -> None:
    data = saved(picture(3, (50, 30)), "JPEG")
    digest, width, height = store.add(data)
    assert (digest, width, height) == (hashlib.sha256(data).hexdigest(), 50, 30)
    assert store.path(digest).read_bytes() == data
    assert store.path(digest).suffix == ".jpg"
    assert store.open(digest).size == (50, 30)
    assert list(store.digests()) == [digest]


def test_a_refused_picture_leaves_nothing(store: ImageStore) -> None:
    with pytest.raises(DecodeError):
        store.add(b"nothing")
    assert not store.folder.exists()


def test_eight_threads_may_add_the_same_pictures(store: ImageStore) -> None:
    data = [png_bytes(picture(number)) for number in range(6)] * 8
    with ThreadPoolExecutor(8) as pool:
        digests = [digest for digest, _, _ in pool.map(store.add, data)]
    assert set(digests) == set(store.digests())
    assert len(set(digests)) == 6
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    assert len(files) == 6  # nothing temporary is left
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.stem for path in files)


def test_a_write_that_fails_leaves_no_half_file(store: ImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space"):
            store.add(png_bytes(picture(1)))
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []
    store.add(png_bytes(picture(1)))


@pytest.mark.parametrize("digest", ["", "*", "..", "../../secret", "a" * 63, "A" * 64, "/" * 64, "ab/../" + "a" * 58])
def test_what_is_no_digest_finds_and_removes_nothing(store: ImageStore, digest: str) -> None:
    kept, _, _ = store.add(png_bytes(picture(1)))
    store.rendition(kept, 16)
    outside = store.folder.parent / "secret-16.jpg"
    outside.write_bytes(b"secret")
    for look in (store.path, store.open, lambda name: store.rendition(name, 16)):
        with pytest.raises(SourceError):
            look(digest)
    store.discard(digest)
    assert outside.is_file()
    assert list(store.digests()) == [kept]


def test_a_rendition_is_small_upright_and_without_metadata(store: ImageStore) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Jane Doe, born 1950"
    data = saved(picture(5, (300, 100)), "JPEG", exif=exif, comment=b"Jane Doe", icc_profile=b"Jane Doe profile")
    digest, width, height = store.add(data)
    assert (width, height) == (100, 300)
    small = store.rendition(digest, 60)
    assert b"Jane" in data
    assert b"Jane" not in small
    with Image.open(io.BytesIO(small)) as opened:
        assert opened.format == "JPEG"
        assert opened.size == (20, 60)
        assert not opened.getexif()
    assert store.rendition(digest, 60) == small
    said = PngInfo()
    said.add_text("Comment", "Jane Doe")
    digest, _, _ = store.add(saved(picture(6), "PNG", pnginfo=said))
    assert b"Jane" not in store.rendition(digest, 16)


def test_a_rendition_never_grows_a_picture(store: ImageStore) -> None:
    digest, _, _ = store.add(png_bytes(picture(5, (30, 10))))
    with Image.open(io.BytesIO(store.rendition(digest, 500))) as opened:
        assert opened.size == (30, 10)


def test_discarding_forgets_picture_and_renditions(store: ImageStore) -> None:
    digest, _, _ = store.add(png_bytes(picture(5)))
    other, _, _ = store.add(png_bytes(picture(6)))
    store.rendition(digest, 8)
    store.discard(digest)
    store.discard(digest)
    assert list(store.digests()) == [other]
    assert not list(store.folder.rglob(f"*{digest}*"))
    with pytest.raises(SourceError, match="add its corpus again"):
        store.path(digest)
