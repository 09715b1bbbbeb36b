"""Tower features of questions: traced, one core each, remembered."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from indexing.encoders import query_features
from indexing.encoders.query_features import QueryFeatures
from indexing.encoders.towers import image_tower, text_tower
from tests.conftest import picture


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    query_features._remembered.clear()


def test_a_traced_picture_tower_gives_the_same_numbers() -> None:
    tower = image_tower("cpu")
    for pictures in (1, 1, 1, 3):  # it is made anew when it has been called twice
        batch = np.random.default_rng(pictures).standard_normal((pictures, 3, 224, 224)).astype(np.float32)
        assert np.allclose(tower.features(batch, traced=True), tower.features(batch), atol=1e-4)


@pytest.mark.parametrize(
    "texts",
    [
        ["No effusion."],
        ["No effusion. The heart is large, and the left lung is clear."],
        ["", "Melanoma", "A long sentence with a good many words, so that the others are padded. And a second one."],
        ["word " * 400],
        [". ".join(f"Sentence number {n}" for n in range(64)), "more than one batch"],
    ],
)
def test_a_traced_text_tower_gives_the_same_numbers(texts: list[str]) -> None:
    tower = text_tower("cpu")
    assert np.allclose(tower.features(texts, traced=True), tower.features(texts), atol=1e-6)


def test_questions_get_the_features_of_their_own() -> None:
    asked = QueryFeatures("cpu")
    assert np.allclose(asked.text("No effusion."), text_tower("cpu").features(["No effusion."])[0], atol=1e-6)
    images = [picture(seed=seed) for seed in range(6)]
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(asked.image, images))
    tower = image_tower("cpu")
    for image, features in zip(images, found, strict=True):
        assert np.allclose(features, tower.features(tower.prepare(image)[None])[0], atol=1e-4)
    assert np.array_equal(asked.image(images[0]), found[0])


def test_towers_of_questions_keep_to_one_core_and_leave_other_threads_theirs() -> None:
    before, seen = torch.get_num_threads(), list[int]()
    asked = query_features._texts_together("cpu")
    asked("a text", "a text")
    asked._threads.submit(lambda: seen.append(torch.get_num_threads())).result()
    other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert seen == [1, before]
    assert torch.get_num_threads() == before
