"""Corruptions: what each family does to a picture, the same every time, and more of it at each severity."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import InputError, UnknownNameError
from indexing.training.corruptions import SEVERITIES, corrupt, corruption_names, reference_picture

DOMAINS = ("radiology", "ultrasound", "ophthalmology", "dermatology", "pathology", "textbook")


@pytest.fixture(scope="module")
def coloured() -> Image.Image:
    """A stained field: coloured cells on a bright ground, wider than high."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:224, :280].astype(np.float32)
    pixels = np.full((224, 280, 3), (224, 212, 220), np.float32)
    for _ in range(60):
        inside = np.hypot(x - rng.uniform(0, 280), y - rng.uniform(0, 224)) < rng.uniform(4, 16)
        pixels[inside] = rng.uniform(60, 190, 3)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.fixture(scope="module")
def grey(coloured: Image.Image) -> Image.Image:
    return coloured.convert("L").convert("RGB")


def values(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image, np.float32)


def distance(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(values(one) - values(other)).mean())


@pytest.mark.parametrize("name", corruption_names())
class TestEveryFamily:
    """What holds for all of them."""

    @pytest.mark.parametrize("severity", SEVERITIES)
    def test_the_picture_keeps_its_size_and_mode(self, coloured: Image.Image, name: str, severity: int) -> None:
        made = corrupt(coloured, name, severity)
        assert (made.size, made.mode) == (coloured.size, "RGB")

    def test_equal_arguments_give_equal_pixels(self, coloured: Image.Image, name: str) -> None:
        before = coloured.tobytes()
        first, second = (corrupt(coloured, name, 4, seed=9).tobytes() for _ in range(2))
        assert first == second
        assert coloured.tobytes() == before

    def test_severities_move_away_from_the_picture(self, coloured: Image.Image, name: str) -> None:
        moved = [distance(coloured, corrupt(coloured, name, severity, seed=1)) for severity in SEVERITIES]
        assert moved[0] > 0
        assert all(later >= earlier * 0.98 for earlier, later in pairwise(moved)), moved
        assert moved[-1] > 1.3 * moved[0]

    def test_small_and_narrow_pictures_are_taken(self, name: str) -> None:
        for size in ((3, 40), (40, 3), (1, 1)):
            assert corrupt(Image.new("RGB", size, (90, 120, 60)), name, 5).size == size

    def test_the_picture_may_be_in_any_mode(self, grey: Image.Image, name: str) -> None:
        assert corrupt(grey.convert("L"), name, 3).tobytes() == corrupt(grey, name, 3).tobytes()


DRAWN = ("gaussian_noise", "speckle_noise", "impulse_noise", "shot_noise", "motion_blur", "stain_deposit", "bubble")


@pytest.mark.parametrize("name", [*DRAWN, "characters"])
def test_another_seed_draws_another_picture(coloured: Image.Image, name: str) -> None:
    assert corrupt(coloured, name, 3, seed=1).tobytes() != corrupt(coloured, name, 3, seed=2).tobytes()


@pytest.mark.parametrize("name", ["gaussian_noise", "speckle_noise", "impulse_noise", "shot_noise"])
def test_noise_has_the_colours_of_the_picture(coloured: Image.Image, grey: Image.Image, name: str) -> None:
    def differing(image: Image.Image) -> float:
        noise = values(corrupt(image, name, 3)) - values(image)
        return float((noise.max(axis=2) - noise.min(axis=2) > 1).mean())

    assert differing(grey) == 0.0
    assert differing(coloured) > 0.05


def test_noise_is_as_strong_as_its_level_says() -> None:
    flat = Image.new("RGB", (200, 200), (128, 128, 128))
    assert values(corrupt(flat, "gaussian_noise", 2)).std() / 255 == pytest.approx(0.08, abs=0.005)
    assert values(corrupt(flat, "speckle_noise", 3)).std() / 128 == pytest.approx(0.20, abs=0.01)
    assert values(corrupt(flat, "shot_noise", 2)).std() / 255 == pytest.approx(np.sqrt(128 / 255 / 25), abs=0.005)
    struck = values(corrupt(flat, "impulse_noise", 5))[..., 0]
    assert [(struck == 0).mean(), (struck == 255).mean()] == pytest.approx([0.085, 0.085], abs=0.01)


@pytest.mark.parametrize("name", ["gaussian_blur", "defocus_blur", "motion_blur", "zoom_blur"])
def test_blur_keeps_the_light_and_loses_the_edges(coloured: Image.Image, name: str) -> None:
    made = values(corrupt(coloured, name, 5))
    assert made.mean() == pytest.approx(values(coloured).mean(), abs=5)
    assert np.square(np.diff(made, axis=1)).mean() < 0.4 * np.square(np.diff(values(coloured), axis=1)).mean()


@pytest.mark.parametrize("name", ["defocus_blur", "motion_blur"])
def test_blur_of_a_point_is_centred_and_as_wide_as_it_says(name: str) -> None:
    point = np.zeros((225, 225, 3), np.uint8)
    point[112, 112] = 255
    spread = values(corrupt(Image.fromarray(255 - point), name, 5))[..., 0]
    rows, columns = np.nonzero(spread < 255)
    assert [rows.mean(), columns.mean()] == pytest.approx([112, 112], abs=0.6)
    reach = np.hypot(rows - 112, columns - 112).max()
    assert reach == pytest.approx({"defocus_blur": 6, "motion_blur": 10}[name], abs=1.6)


def test_tones_go_where_their_names_say(coloured: Image.Image) -> None:
    mean, spread = values(coloured).mean(), values(coloured).std()
    assert (
        values(corrupt(coloured, "brightness_up", 3)).mean()
        > mean
        > values(corrupt(coloured, "brightness_down", 3)).mean()
    )
    assert (
        values(corrupt(coloured, "contrast_up", 3)).std() > spread > values(corrupt(coloured, "contrast_down", 3)).std()
    )
    assert values(corrupt(coloured, "gamma_up", 3)).mean() < mean < values(corrupt(coloured, "gamma_down", 3)).mean()
    colour = np.ptp(values(coloured), axis=2).mean()
    assert np.ptp(values(corrupt(coloured, "saturate", 3)), axis=2).mean() > colour


def test_pixelate_leaves_as_many_blocks_as_it_says(coloured: Image.Image) -> None:
    row = values(corrupt(coloured, "pixelate", 5))[0, :, 0]
    assert len(np.flatnonzero(np.diff(row))) <= round(0.10 * 280)


def test_the_rim_darkens_corners_and_not_the_middle(coloured: Image.Image) -> None:
    made = values(corrupt(coloured, "black_corner", 5))
    assert made[0, 0].max() == 0
    assert (made[60:160, 90:190] == values(coloured)[60:160, 90:190]).all()


def test_places_stay_when_severity_grows(coloured: Image.Image) -> None:
    mild, strong = (values(corrupt(coloured, "characters", severity, 5)) for severity in (1, 5))
    changed = np.abs(mild - values(coloured)).sum(axis=2) > 200
    assert changed.any()
    assert (np.abs(strong - values(coloured)).sum(axis=2)[changed] > 0).mean() > 0.8


def test_families_of_a_domain() -> None:
    for domain in DOMAINS:
        names = corruption_names(domain)
        assert len(set(names)) == len(names) >= 7
        assert set(names) <= set(corruption_names())
    assert {"stain_deposit", "bubble", "saturate"} <= set(corruption_names("pathology"))
    assert {"zoom_blur", "black_corner", "characters"} <= set(corruption_names("dermatology"))
    assert "gamma_up" in corruption_names("radiology")
    assert corruption_names("endoscopy") == corruption_names("textbook")


def test_a_domain_may_have_levels_of_its_own(coloured: Image.Image) -> None:
    chest, retina = corrupt(coloured, "jpeg", 5), corrupt(coloured, "jpeg", 5, domain="ophthalmology")
    assert distance(coloured, retina) > distance(coloured, chest)
    assert corrupt(coloured, "jpeg", 5, domain="endoscopy").tobytes() == chest.tobytes()


def test_unknown_names_and_severities_are_refused(coloured: Image.Image) -> None:
    with pytest.raises(UnknownNameError, match=r"no corruption named 'fog'; known: .*jpeg"):
        corrupt(coloured, "fog", 1)
    for severity in (0, 6, -1):
        with pytest.raises(InputError, match=r"1 \(mild\) to 5 \(severe\)"):
            corrupt(coloured, "jpeg", severity)


def test_the_reference_picture_has_a_shorter_side_of_224() -> None:
    assert reference_picture(Image.new("L", (900, 600))).size == (336, 224)
    assert reference_picture(Image.new("RGB", (100, 300))).size == (100, 300)
