"""How encoders look at pictures: each look removes what it is for, and heads remember theirs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import ModelError
from indexing.encoders.embedded import EmbeddedEncoder
from indexing.encoders.heads import Head, load_head
from indexing.encoders.looks import WHOLE, Look, joined, looks_named, looks_of, parts_of, strip_of, width_of
from indexing.encoders.towers import image_tower
from indexing.training.shipped_heads import widened
from tests.conftest import picture

EVERY = looks_of("whole@224 evened@320 balanced@160 centre@96 trimmed@100")


def smooth(seed: int, size: int = 64) -> Image.Image:
    """A picture of soft spots."""
    return picture(seed, (8, 8)).resize((size, size), Image.Resampling.BICUBIC)


def shaded(image: Image.Image) -> Image.Image:
    """The picture under light that falls off to the right."""
    pixels = np.asarray(image, np.float32) * 0.5
    return Image.fromarray((pixels + np.linspace(100, 0, image.width)[None, :, None]).astype(np.uint8))


def distance(look: Look, one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(look.prepare(one) - look.prepare(other)).mean())


def test_looks_stand_side_by_side_and_come_back() -> None:
    image = smooth(1)
    strip = strip_of(image, EVERY)
    assert strip.shape == (3, 320, 224 + 320 + 160 + 96 + 100)
    for look, part in zip(EVERY, parts_of(strip[None], EVERY), strict=True):
        assert np.array_equal(part[0], look.prepare(image))
    assert np.array_equal(strip_of(image, (WHOLE,)), WHOLE.prepare(image))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (300, 7)])
def test_any_picture_can_be_looked_at(mode: str, size: tuple[int, int]) -> None:
    strip = strip_of(picture(3, size).convert(mode), EVERY)
    assert np.isfinite(strip).all()
    assert strip.min() >= -1
    assert strip.max() <= 1.001


def test_an_even_look_takes_uneven_light_away() -> None:
    flat = Image.new("RGB", (64, 64), (90, 90, 90))
    assert distance(WHOLE, flat, shaded(flat)) > 0.1
    assert distance(Look("evened", 224), flat, shaded(flat)) < 0.05
    spotted = flat.copy()
    spotted.paste((140, 90, 90), (30, 30, 34, 34))
    assert np.abs(Look("evened", 224).prepare(spotted)).max() > 0.3, "a spot stays"


def test_a_balanced_look_takes_the_colour_of_the_light_away() -> None:
    image = Image.fromarray((np.asarray(smooth(2)) * np.array([0.6, 0.4, 0.3])).astype(np.uint8))
    balanced = Look("balanced", 224)

    def light(seen: NDArray[np.float32]) -> NDArray[np.float64]:
        norm: NDArray[np.float64] = ((seen.astype(np.float64) * 128 + 127) ** 6).mean((1, 2)) ** (1 / 6)
        return norm

    assert np.ptp(light(WHOLE.prepare(image))) > 40
    assert np.ptp(light(balanced.prepare(image))) < 2
    black = Image.new("RGB", (9, 9))
    assert np.array_equal(balanced.prepare(black), WHOLE.prepare(black))


def test_the_centre() -> None:
    image = smooth(4)
    inner = image.crop((12, 12, 52, 52))
    assert np.array_equal(Look("centre", 96).prepare(image), Look("whole", 96).prepare(inner))


def test_a_trimmed_look_leaves_out_the_dark_around() -> None:
    inner = Image.fromarray(np.asarray(smooth(5)) // 2 + 100)
    framed = Image.new("RGB", (200, 140))
    framed.paste(inner, (50, 30))
    trimmed, whole = Look("trimmed", 100), Look("whole", 100)
    assert np.array_equal(trimmed.prepare(framed), whole.prepare(inner))
    assert np.array_equal(trimmed.prepare(inner), whole.prepare(inner)), "no dark border, nothing to cut"
    black = Image.new("RGB", (90, 90))
    assert np.array_equal(trimmed.prepare(black), whole.prepare(black))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "evened@320",
        "whole@320",
        "whole@224 askance@224",
        "whole@224 evened",
        "whole@x",
        "whole@224 evened@0",
        "whole@224 evened@2048",
    ],
)
def test_looks_that_are_not_known_are_refused(text: str) -> None:
    with pytest.raises(ModelError, match="in a way not known here"):
        looks_of(text)


def headed(looks: str, seed: int = 0) -> Head:
    """The shipped general head, with weights on further looks."""
    ways, rng = looks_of(looks), np.random.default_rng(seed)
    general = load_head("general")
    head = widened(general, rng.standard_normal((9, width_of(len(ways), 2560))).astype(np.float32), ways)
    skip = head.image.skip.copy()
    skip[2560:] = rng.standard_normal(skip[2560:].shape) * 0.02
    return replace(head, image=replace(head.image, skip=skip))


def test_an_encoder_sees_every_look_of_its_head() -> None:
    looks = looks_of("whole@224 evened@320 centre@224")
    head = headed(looks_named(looks))
    encoder = EmbeddedEncoder("embedded:test", head, None, "cpu")
    images = [smooth(seed) for seed in range(3)]
    tower = image_tower("cpu")
    seen = [tower.features(np.stack([look.prepare(image) for image in images])) for look in looks]
    vectors = encoder.encode_prepared(np.stack([encoder.prepare(image) for image in images]))
    assert np.allclose(vectors, head.image(joined(seen)), atol=1e-5)
    with ThreadPoolExecutor(3) as threads:  # asked one by one, traced
        asked = list(threads.map(lambda image: encoder.encode_images([image])[0], [*images, *images]))
    assert np.allclose(asked, [*vectors, *vectors], atol=1e-3)
    assert not np.allclose(load_head("general").image(seen[0]), vectors, atol=1e-2), "further looks count"
    with pytest.raises(ModelError, match="does not fit the packaged towers"):
        EmbeddedEncoder("embedded:test", replace(head, looks=looks[:2]), None, "cpu")


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("whole", [-0.32, 0.228, 0.242, -0.664, -0.071, -0.016]),
        ("evened", [0.381, 0.574, 0.389, 0.49, 0.695, 0.75]),
        ("balanced", [-0.295, 0.226, 0.201, -0.652, -0.073, -0.048]),
        ("centre", [-0.407, -0.065, 0.35, -0.757, 0.272, 0.173]),
        ("trimmed", [-0.39, 0.437, 0.268, -0.811, 0.477, 0.037]),
    ],
)
def test_a_look_that_ships_stays_what_it_is(name: str, seen: list[float]) -> None:
    """Stored features and indexes know a look by its name: what does something else needs another name."""
    framed = Image.new("RGB", (120, 90))
    framed.paste(smooth(9), (20, 10))
    prepared = Look(name, 96).prepare(framed)
    parts = np.abs(prepared) if name == "evened" else prepared
    means = parts.reshape(3, 4, 24, 4, 24).mean((2, 4))
    assert [*means[:, 1, 1], *means[:, 2, 2]] == pytest.approx(seen, abs=0.01)


def test_a_further_look_counts_nothing_until_it_is_fitted() -> None:
    general = load_head("general")
    features = np.random.default_rng(1).random((5, 3840)).astype(np.float32)
    head = widened(general, features, looks_of("whole@224 evened@320"))
    assert np.allclose(head.image(features), general.image(features[:, :2560]), atol=1e-5)
    assert np.allclose(general.image(features), general.image(features[:, :2560])), "a head passes over what it lacks"
    assert widened(general, features[:, :2560], (WHOLE,)) is general


def test_a_head_keeps_its_looks_in_its_file(tmp_path: Path) -> None:
    head = headed("whole@224 balanced@224")
    head.save(tmp_path / "skin.safetensors", {"domain": "skin"})
    loaded = load_head("skin", tmp_path)
    assert looks_named(loaded.looks) == "whole@224 balanced@224"
    assert loaded.image.mean.shape == (3840,)
    head.save(tmp_path / "odd.safetensors", {})
    odd = (tmp_path / "odd.safetensors").read_bytes().replace(b"balanced", b"unbroken")
    (tmp_path / "odd.safetensors").write_bytes(odd)
    with pytest.raises(ModelError, match="in a way not known here"):
        load_head("odd", tmp_path)
