"""Views of pictures: left stays left, and maps are made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexing.encoders.towers import ImageTower, image_tower
from indexing.training.views import augmented, view_maps
from tests.indexing.training.drawn_site import shape

BLOCKS = 1


def left_bright() -> Image.Image:
    pixels = np.full((90, 120, 3), 60, np.uint8)
    pixels[:, :60] = 190
    return Image.fromarray(pixels)


def sides(domain: str, seed: int) -> tuple[float, float]:
    """Mean light of the left and of the right third of a view."""
    view = np.asarray(augmented(left_bright(), domain, np.random.default_rng(seed)), np.float32).mean(axis=2)
    return float(view[:, :74].mean()), float(view[:, -74:].mean())


@pytest.mark.parametrize("domain", ["radiology", "ophthalmology", "ultrasound", "textbook"])
def test_left_stays_left(domain: str) -> None:
    for seed in range(60):
        left, right = sides(domain, seed)
        assert left > right + 10, seed


@pytest.mark.parametrize("domain", ["pathology", "dermatology"])
def test_where_there_are_no_sides_pictures_are_mirrored(domain: str) -> None:
    lefts = [left > right + 10 for left, right in (sides(domain, seed) for seed in range(60))]
    rights = [right > left + 10 for left, right in (sides(domain, seed) for seed in range(60))]
    assert sum(lefts) >= 5
    assert sum(rights) >= 5


@pytest.mark.parametrize("size", [(64, 64), (1, 300), (300, 2)])
def test_a_view_has_224_pixels_and_differs(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (90, 120, 30))
    views = [augmented(image, "pathology", np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert {(view.size, view.mode) for view in views} == {((224, 224), "RGB")}
    assert views[0].tobytes() == views[1].tobytes()
    assert views[0].tobytes() != views[2].tobytes()


class Pictures:
    """The drawn pictures by name, counting how often they are opened."""

    def __init__(self) -> None:
        self.opened = 0

    def __call__(self, name: str) -> Image.Image:
        self.opened += 1
        return shape(int(name) % 4, int(name))


@pytest.fixture(scope="module")
def tower() -> ImageTower:
    return image_tower("cpu")


def maps_of(names: list[str], tower: ImageTower, path: Path, seed: int = 0) -> tuple[Any, int]:
    pictures = Pictures()
    maps = view_maps(names, ["radiology"] * len(names), pictures, tower, (BLOCKS, 2, seed), path)
    return maps, pictures.opened


def test_the_first_view_is_the_picture_itself(tower: ImageTower, tmp_path: Path) -> None:
    import torch

    maps, _ = maps_of(["0", "1", "2"], tower, tmp_path / "a.views.npy")
    assert maps.shape[:2] == (3, 2)
    assert maps.dtype == np.float16
    with torch.inference_mode():
        x = torch.from_numpy(maps[:, 0].astype(np.float32))
        for part in (*tower.module.blocks[-BLOCKS:], tower.module.conv_head, tower.module.bn2):
            x = part(x)
        upper = torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1).numpy()
    whole = tower.features(np.stack([tower.prepare(shape(number % 4, number)) for number in range(3)]))
    np.testing.assert_allclose(upper, whole, atol=0.02 * np.abs(whole).max())
    assert np.abs(maps[:, 1].astype(np.float32) - maps[:, 0]).max() > 0.1


def test_finished_maps_are_used_again(tower: ImageTower, tmp_path: Path) -> None:
    path = tmp_path / "a.views.npy"
    first, opened = maps_of(["0", "1"], tower, path)
    again, asked = maps_of(["0", "1"], tower, path)
    assert (opened, asked) == (2, 0)
    np.testing.assert_array_equal(first, again)
    assert maps_of(["0", "3"], tower, path)[1] == 2  # as many pictures, but others
    assert maps_of(["3", "0"], tower, path)[1] == 2
    assert maps_of(["3", "0"], tower, path, seed=1)[1] == 2
    path.unlink()
    assert maps_of(["3", "0"], tower, path, seed=1)[1] == 2


def test_unfinished_maps_are_not_used(tower: ImageTower, tmp_path: Path) -> None:
    path = tmp_path / "a.views.npy"

    def killed(done: int, most: int) -> None:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        view_maps(["0", "1"], ["radiology"] * 2, Pictures(), tower, (BLOCKS, 2, 0), path, killed)
    assert path.is_file()
    assert maps_of(["0", "1"], tower, path)[1] == 2
    with pytest.raises(RuntimeError, match="killed"):
        view_maps(["2", "3"], ["radiology"] * 2, Pictures(), tower, (BLOCKS, 2, 0), path, killed)
    assert maps_of(["0", "1"], tower, path)[1] == 2  # they were finished once, and then written over
