"""Views of pictures for tuning: each picture as it is and changed a little, taken through the frozen lower blocks once.

The lower half of a convolutional tower sees edges and textures that suit any picture; it costs most of the time and is
left as it is. So its maps are computed once for a few views of each picture, and every epoch starts from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from indexing.encoders.towers import ImageTower

__all__ = ["augmented", "forget_views", "view_maps"]

_PIXELS = 224
_BATCH = 64
_MIRRORED = ("dermatology", "pathology")  # elsewhere left and right, up and down mean something
_COLOURED = ("dermatology", "pathology", "ophthalmology")

Maps = NDArray[np.float16]


def augmented(image: Image.Image, domain: str, rng: np.random.Generator) -> Image.Image:
    """A picture as it might have been taken otherwise: framed, turned, lit, noisy or blurred a little; 224 pixels.

    Left stays left, except where a picture has no sides (skin, slides). Noise, blur and exposure are the corruptions
    that cost retrieval most (docs/robustness.md).
    """
    image = _framed(image, rng)
    if domain in _MIRRORED:
        turns = int(rng.integers(8))
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if turns & 4 else image
        image = image.rotate(90 * (turns & 3), expand=True)
    if rng.random() < 0.5:
        image = image.rotate(float(rng.uniform(-10, 10)), Image.Resampling.BILINEAR)
    image = image.resize((_PIXELS, _PIXELS), Image.Resampling.BICUBIC, reducing_gap=3.0)
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.2))))
    pixels = np.asarray(image, np.float32) / 255
    pixels = pixels ** np.float32(np.exp(rng.uniform(-0.3, 0.3)))
    pixels = (pixels - pixels.mean()) * np.float32(rng.uniform(0.75, 1.3)) + pixels.mean()
    pixels = pixels + np.float32(rng.uniform(-0.08, 0.08))
    if domain in _COLOURED:
        pixels = pixels * np.exp(rng.uniform(-0.08, 0.08, 3)).astype(np.float32)
    if rng.random() < 0.25:
        pixels = pixels + rng.normal(0, rng.uniform(0.01, 0.05), pixels.shape).astype(np.float32)
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8))


def _framed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A frame of 55–100 % of the area, its sides' ratio changed by at most 16 %."""
    width, height = image.size
    side, ratio = np.sqrt(rng.uniform(0.55, 1)), np.exp(rng.uniform(-0.15, 0.15))
    w, h = min(width, width * side * ratio), min(height, height * side / ratio)
    x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
    return image.crop((int(x), int(y), max(int(x + w), int(x) + 1), max(int(y + h), int(y) + 1)))


def view_maps(
    digests: Sequence[str],
    domains: Sequence[str],
    opened: Callable[[str], Image.Image],
    tower: ImageTower,
    how: tuple[int, int, int],
    path: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Maps:
    """Maps (n, views, c, h, w), float16, before the last blocks of the tower; view 0 is the picture itself.

    `how` is the number of blocks that are tuned, of views, and the seed; `opened` gives the picture of a digest.

    They lie in the file `path` and are read from there; a finished file of the same pictures is used again.
    """
    blocks, views, seed = how
    done = _done(path)
    which = hashlib.sha256("\n".join([*digests, *domains]).encode()).hexdigest()
    stamp = f"{tower.digest} {blocks} {views} {seed} {len(digests)} {which}"
    if path.is_file() and done.is_file() and done.read_text(encoding="utf-8") == stamp:
        return np.asarray(np.load(path, mmap_mode="r"))
    path.parent.mkdir(parents=True, exist_ok=True)
    done.unlink(missing_ok=True)
    rng = np.random.default_rng(seed)
    out: Any = None
    step = max(1, _BATCH // views)
    for start in range(0, len(digests), step):
        prepared = []
        for digest, domain in zip(digests[start : start + step], domains[start : start + step], strict=True):
            image = opened(digest)
            prepared += [image, *(augmented(image, domain, rng) for _ in range(views - 1))]
        maps = _lower(tower, np.stack([tower.prepare(image) for image in prepared]), blocks)
        if out is None:
            out = np.lib.format.open_memmap(path, "w+", np.float16, (len(digests), views, *maps.shape[1:]))
        out[start : start + step] = maps.reshape(-1, views, *maps.shape[1:])
        if progress:
            progress(min(start + step, len(digests)), len(digests))
    out.flush()
    done.write_text(stamp, encoding="utf-8")
    return np.asarray(np.load(path, mmap_mode="r"))


def forget_views(path: Path) -> None:
    """Remove the file that `view_maps` wrote, and what says that it is whole."""
    _done(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _done(path: Path) -> Path:
    return path.with_suffix(".done")


def _lower(tower: ImageTower, batch: NDArray[np.float32], blocks: int) -> Maps:
    import torch

    model = tower.module
    with torch.inference_mode():
        x = torch.from_numpy(batch).to(tower.device, memory_format=torch.channels_last)
        x = model.bn1(model.conv_stem(x))
        for block in model.blocks[: len(model.blocks) - blocks]:
            x = block(x)
    result: Maps = x.half().cpu().numpy()
    return result
