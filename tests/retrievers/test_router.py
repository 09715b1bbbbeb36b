"""The packaged router on pictures and words that nobody fitted it on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from corpora.domains import packaged_domains
from corpora.errors import ModelError, UnknownNameError
from retrievers import Query
from retrievers.router import Router, load_router
from tests.retrievers.conftest import Drawn

ALL = packaged_domains().names


@pytest.fixture(scope="module")
def router() -> Router:
    return load_router()


def bars() -> Image.Image:
    """A bar chart, as a spreadsheet draws it."""
    image = Image.new("RGB", (500, 350), "white")
    draw = ImageDraw.Draw(image)
    draw.line([(40, 20), (40, 310), (480, 310)], "black", 2)
    for number, height in enumerate((80, 190, 120, 250, 60, 140)):
        draw.rectangle(
            [60 + 70 * number, 310 - height, 100 + 70 * number, 310], fill=("steelblue", "orange")[number % 2]
        )
        draw.text((65 + 70 * number, 318), f"Q{number}", "black")
    return image


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (300, 400, 3), dtype=np.uint8))


def test_drawn_pictures_are_routed_to_their_domain(router: Router, drawn: list[Drawn]) -> None:
    for one in drawn:
        found = router.route(Query(text="Is there anything?", images=[one.data]), ALL)
        assert found.name == one.domain, one.case.id
        assert found.searched[0] == one.domain
        assert "textbook" in found.searched
        assert 0.5 < found.probability <= 1.0
        assert sum(found.posterior.values()) == pytest.approx(1.0, abs=0.01)
        assert found.reason == "from the picture"


@pytest.mark.parametrize(
    "image",
    [noise(1), noise(2), Image.new("RGB", (300, 300)), Image.new("RGB", (300, 300), "white"), bars(),
     Image.new("RGB", (300, 300), (90, 140, 200)), Image.new("RGB", (1, 1), "red")],
    ids=["noise", "other noise", "black", "white", "bar chart", "sky", "one pixel"],
)  # fmt: skip
def test_what_is_no_medical_picture_is_outside(router: Router, image: Image.Image) -> None:
    found = router.route(Query(text="What is this?", images=[image]), ALL)
    assert found.name is None, found
    assert found.searched == ()
    assert "unlike every medical picture" in found.reason or "more like an everyday picture" in found.reason
    assert 0 <= found.probability <= 1


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Is there a pleural effusion on the chest radiograph?", "radiology"),
        ("B-lines on lung ultrasound", "ultrasound"),
        ("drusen in the macula of the fundus", "ophthalmology"),
        ("a pigmented mole with an atypical network on dermoscopy", "dermatology"),
        ("invasive ductal carcinoma, glands with mitoses, hematoxylin and eosin", "pathology"),
        ("blast cells in the peripheral blood smear", "pathology"),
    ],
)
def test_words_are_routed(router: Router, text: str, domain: str) -> None:
    found = router.route(Query(text=text), ALL)
    assert found.name is not None
    assert domain in found.searched
    assert "textbook" in found.searched


@pytest.mark.parametrize(
    "text",
    ["What is the capital of France?", "How do I bake sourdough bread?", "Who won the football match on Sunday?",
     "def main(): print('hello')"],
)  # fmt: skip
def test_other_talk_is_outside(router: Router, text: str) -> None:
    found = router.route(Query(text=text), ALL)
    assert found.name is None
    assert "medicine" in found.reason


def test_the_asker_may_choose(router: Router) -> None:
    found = router.route(Query(text="What is the capital of France?", domain="pathology"), ALL)
    assert (found.name, found.probability, found.searched) == ("pathology", 1.0, ("pathology", "textbook"))
    with pytest.raises(UnknownNameError, match="known: radiology"):
        router.route(Query(text="x", domain="pathology"), ["radiology"])


def test_only_domains_that_are_indexed_are_searched(router: Router, drawn: list[Drawn]) -> None:
    chest = drawn[0]
    assert router.route(Query(images=[chest.data]), ["radiology"]).searched == ("radiology",)
    away = router.route(Query(images=[chest.data]), ["dermatology"])
    assert away.name is None
    assert away.reason == "It belongs to radiology, of which this home holds nothing."
    assert router.route(Query(text="pleural effusion"), []).name is None


def test_a_router_that_is_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"router\.safetensors cannot be read"):
        load_router(tmp_path / "router.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(ModelError, match=r"broken\.safetensors cannot be read"):
        load_router(tmp_path / "broken.safetensors")
