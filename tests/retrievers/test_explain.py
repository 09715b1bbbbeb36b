"""Why a hit was found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from corpora.records import Region
from indexing.encoders import open_encoder
from indexing.encoders.base import unit_rows
from retrievers import Query, Retriever
from retrievers.explain import SimilarityMap, occlusion_map, overlay, strongest_region
from tests.indexing.tiny_models import open_clip_folder
from tests.retrievers.conftest import Drawn


class Corner:
    """An encoder that sees brightness, in four quarters of the picture: its vector's four numbers, and a constant."""

    spec = fingerprint = "corner"
    dim, has_images = 5, True

    def prepare(self, image: Image.Image) -> np.ndarray:
        return np.asarray(image.convert("RGB").resize((32, 32)), np.float32).transpose(2, 0, 1) / 255

    def encode_prepared(self, batch: np.ndarray) -> np.ndarray:
        sharp = np.abs(np.diff(batch[:, 0], axis=1))  # detail, which blurring takes away
        quarters = [sharp[:, :16, :16], sharp[:, :16, 16:], sharp[:, 16:, :16], sharp[:, 16:, 16:]]
        return unit_rows(np.stack([*(one.mean((1, 2)) for one in quarters), np.full(len(batch), 0.05)], axis=1))

    def encode_images(self, images: list[Image.Image]) -> np.ndarray:
        return self.encode_prepared(np.stack([self.prepare(image) for image in images]))


def striped(quarters: set[int], size: tuple[int, int] = (200, 200)) -> Image.Image:
    """Horizontal stripes in some quarters of the picture, grey elsewhere."""
    pixels = np.full((200, 200), 128, np.uint8)
    for quarter in quarters:
        rows, columns = (
            slice(100 * (quarter // 2), 100 * (quarter // 2) + 100),
            slice(100 * (quarter % 2), 100 * (quarter % 2) + 100),
        )
        pixels[rows, columns] = np.where(np.arange(100)[:, None] // 12 % 2, 255, 0)
    return Image.fromarray(pixels).convert("RGB").resize(size)


@pytest.mark.parametrize("quarter", range(4))
def test_the_part_that_makes_the_match_is_found(quarter: int) -> None:
    target = np.zeros(5, np.float32)
    target[quarter] = 1.0
    found = occlusion_map(Corner(), striped({0, 1, 2, 3}), target)  # type: ignore[arg-type]
    assert found.grid.shape == (7, 7)
    ends = (slice(0, 3), slice(4, 7))
    halves = [found.grid[rows, columns] for rows in ends for columns in ends]
    assert int(np.argmax([half.mean() for half in halves])) == quarter
    region = strongest_region(found, (400, 200))
    assert region is not None
    assert (region.x0 + region.x1 > 400) == bool(quarter % 2)
    assert (region.y0 + region.y1 > 200) == bool(quarter // 2)


def test_no_part_makes_a_match_that_is_none() -> None:
    nothing = SimilarityMap(np.zeros((7, 7), np.float32), 0.0)
    assert strongest_region(nothing, (10, 10)) is None
    assert nothing.shares.tolist() == nothing.grid.tolist()
    assert overlay(Image.new("RGB", (30, 20)), nothing).getcolors() == [(600, (0, 0, 0))]


def test_an_overlay_is_orange_where_it_matches_and_blue_where_it_does_not() -> None:
    grid = np.zeros((7, 7), np.float32)
    grid[:, :2], grid[:, 5:] = 1.0, -1.0
    shown = np.asarray(overlay(Image.new("RGB", (70, 70), "grey"), SimilarityMap(grid, 0.5)), int)
    assert shown[35, 3, 0] > shown[35, 3, 2] + 60
    assert shown[35, 66, 2] > shown[35, 66, 0] + 60
    assert abs(shown[35, 35, 0] - shown[35, 35, 2]) < 5
    assert max(overlay(Image.new("L", (3000, 10)), SimilarityMap(grid, 0.5)).size) == 512


def test_a_hit_of_the_embedded_encoder(drawn_home: object, drawn: list[Drawn]) -> None:
    query = Query(text="pleural effusion", images=[drawn[0].data])
    with Retriever.open(drawn_home) as retriever:  # type: ignore[arg-type]
        found = retriever.search(query, 6)
        case = next(hit for hit in found.hits if hit.record.kind == "case")
        page = next(hit for hit in found.hits if hit.record.kind == "passage")
        told = retriever.explain(query, case)
        assert told.record == f"drawn/{case.record.id}"
        assert [rank for _, rank, _ in told.found_by] == sorted(case.ranks.values())
        assert told.asked_map is not None
        assert told.hit_map is not None
        assert told.words_map is not None
        assert told.asked_map.cosine == pytest.approx(case.similarity("image→image"), abs=0.05)
        assert told.region is not None
        cut = replace(query, region=Region(100, 60, 300, 300))
        part = retriever.explain(cut, case)
        assert part.region is not None
        assert part.region.x0 >= 100
        assert part.region.y1 <= 300
        words = retriever.explain(Query(text="pleural effusion"), case)
        assert (words.asked_map, words.region) == (None, None)
        assert words.words_map is not None
        assert retriever.explain(query, page).words_map is None
        assert retriever.explain(query, page).sentence == page.sentence


def test_a_vision_transformer_is_asked_the_same_way(tmp_path: Path) -> None:
    open_clip_folder(tmp_path / "vit")
    encoder = open_encoder("open_clip:local-dir:vit", folder=tmp_path)
    image = striped({0, 3})
    told = occlusion_map(encoder, image, encoder.encode_images([image])[0], cells=3)
    words = occlusion_map(encoder, image, encoder.encode_texts(["a chest radiograph"])[0], cells=3)
    assert told.cosine == pytest.approx(1.0, abs=1e-3)
    assert (told.grid > 0).all()  # hiding any part makes a picture less like itself
    assert np.isfinite(words.grid).all()
    assert not np.allclose(words.grid, told.grid)
