"""Features of a home's pictures are computed once a tower."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from corpora.errors import SourceError
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture
from indexing.encoders.looks import looks_of
from indexing.encoders.towers import IMAGE_DIM, TEXT_DIM, ImageTower, TextTower
from indexing.training.home_features import HomeFeatures, Row, home_features, label_texts, picture_rows
from tests.indexing.training.drawn_site import site_records


class CountingTower:
    """Stands for the image tower: features that tell the mean of a picture, and how often it was asked."""

    def __init__(self, digest: str = "one", refuses: bool = False) -> None:
        self.digest, self.asked, self._refuses = digest, 0, refuses

    def features(self, batch: Any) -> Any:
        assert not self._refuses
        self.asked += len(batch)
        return np.repeat(batch.mean((1, 2, 3))[:, None], IMAGE_DIM, axis=1)


class PlainTexts:
    """Stands for the text tower."""

    def features(self, texts: Any) -> Any:
        assert len(set(texts)) == len(texts), "each distinct text once"
        return np.array([[len(text)] * TEXT_DIM for text in texts], np.float32)


@pytest.fixture
def rows(home: Home) -> list[Row]:
    return picture_rows(site_records(home, 20), ImageStore(home.images))


def computed(home: Home, rows: list[Row], tower: CountingTower, **more: Any) -> HomeFeatures:
    store, texts = ImageStore(home.images), cast(TextTower, PlainTexts())
    return home_features(rows, store, cast(ImageTower, tower), texts, home.models / "features", **more)


def test_rows_know_their_patient_and_tags(home: Home, rows: list[Row]) -> None:
    assert rows[3].patient == "site/p3"
    assert rows[3].tags == {"normal tissue", "ultrasound"}
    unread = site_records(home, 1)[0].with_pictures((Picture(source="unread.png"),))
    assert picture_rows([unread], ImageStore(home.images)) == []


def test_the_second_time_nothing_is_computed(home: Home, rows: list[Row]) -> None:
    first = computed(home, rows, CountingTower())
    again = computed(home, rows[::-1], CountingTower(refuses=True))
    np.testing.assert_array_equal(again.images, first.images[::-1])
    assert first.images.shape == (20, IMAGE_DIM)
    assert first.texts.shape == (20, TEXT_DIM)
    assert len({float(value) for value in first.images[:, 0]}) > 10


def test_only_what_is_new_is_computed(home: Home, rows: list[Row]) -> None:
    computed(home, rows[:15], CountingTower())
    tower = CountingTower()
    computed(home, rows, tower)
    assert tower.asked == 5


def test_another_tower_has_a_file_of_its_own(home: Home, rows: list[Row]) -> None:
    computed(home, rows, CountingTower("one"))
    tower = CountingTower("two")
    computed(home, rows, tower)
    assert tower.asked == 20
    assert sorted(path.name for path in (home.models / "features").iterdir()) == ["one.npz", "two.npz"]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut", b"nothing of the kind"])
def test_a_damaged_file_is_computed_again(home: Home, rows: list[Row], damage: bytes) -> None:
    first = computed(home, rows, CountingTower())
    (home.models / "features" / "one.npz").write_bytes(damage)
    tower = CountingTower()
    np.testing.assert_array_equal(computed(home, rows, tower).images, first.images)
    assert tower.asked == 20


def test_an_interrupt_keeps_what_was_computed(home: Home, rows: list[Row]) -> None:
    def interrupted(done: int, most: int) -> None:
        assert (done, most) == (16, 20)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        computed(home, rows, CountingTower(), progress=interrupted)
    tower = CountingTower()
    computed(home, rows, tower)
    assert tower.asked == 4


def test_a_picture_that_is_gone_is_told(home: Home, rows: list[Row]) -> None:
    path: Path = ImageStore(home.images).path(rows[7].digest)
    path.unlink()
    with pytest.raises(SourceError, match=r"is not in .*; add its corpus again"):
        picture_rows([row.record for row in rows], ImageStore(home.images))
    with pytest.raises(SourceError, match="The fit needs every picture; remove the record, or add its corpus again"):
        computed(home, rows, CountingTower())


def test_no_rows_give_no_features(home: Home) -> None:
    none = computed(home, [], CountingTower(refuses=True))
    assert none.images.shape == (0, IMAGE_DIM)
    assert none.texts.shape == (0, TEXT_DIM)


def test_a_domain_is_looked_at_in_its_own_ways(home: Home, rows: list[Row]) -> None:
    tower, looks = CountingTower(), looks_of("whole@224 centre@224")
    seen = computed(home, rows, tower, looks={"ultrasound": looks})
    assert (seen.images.shape, tower.asked) == ((20, 3840), 40)
    assert not np.array_equal(seen.images[:, :1280], seen.images[:, IMAGE_DIM:]), "each its own"
    assert seen.pairs(np.ones(20, bool), looks=1).images.shape == (20, IMAGE_DIM)
    assert seen.pairs(np.ones(20, bool), 2).images.shape == (20, 3840)
    assert seen.pairs(np.ones(20, bool)).images.shape == (20, 3840)
    again = computed(home, rows, CountingTower(refuses=True), looks={"ultrasound": looks})
    assert np.array_equal(again.images, seen.images)
    other = [replace(row, record=replace(row.record, domain="dermatology")) for row in rows[:3]]
    mixed = computed(home, [*rows[3:], *other], CountingTower(refuses=True), looks={"ultrasound": looks})
    assert not mixed.images[-3:, IMAGE_DIM:].any(), "a domain with fewer looks has zeros there"
    assert mixed.images[:-3, IMAGE_DIM:].all()


def test_labels_have_features_of_their_wordings(rows: list[Row]) -> None:
    texts = cast(TextTower, PlainTexts()).features
    found = label_texts([frozenset({"cyst", "mass"}), frozenset({"mass"})], texts)
    assert list(found) == ["cyst", "mass"]
    assert found["cyst"].shape == (TEXT_DIM,)
    assert found["cyst"][0] > len("cyst"), "the mean of longer and shorter ones"
    assert label_texts([frozenset()], texts) == {}
