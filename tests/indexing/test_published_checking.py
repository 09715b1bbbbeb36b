"""Looking at an encoder: what is seen of a living one, and what is told of a dead one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from corpora.domains import packaged_domains
from corpora.errors import DeadEncoderError, ModelError
from indexing.encoders.base import EncoderContext
from indexing.encoders.checking import check_encoder, reference_cases
from tests.indexing.tiny_encoder import TinyEncoder

Vectors = NDArray[np.float32]


class OddEncoder(TinyEncoder):
    """A tiny encoder whose vectors are changed on their way out."""

    def __init__(self, pictures: str = "", texts: str = "") -> None:
        super().__init__("odd", EncoderContext())
        self._odd = {"pictures": pictures, "texts": texts}

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        return self._change(super().encode_images(images), "pictures")

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return self._change(super().encode_texts(texts), "texts")

    def _change(self, vectors: Vectors, what: str) -> Vectors:
        if self._odd[what] == "one":
            return np.repeat(vectors[:1], len(vectors), axis=0)
        if self._odd[what] == "pair":
            return np.concatenate([vectors[:1], vectors[:1], vectors[2:]])
        if self._odd[what] == "zero":
            return vectors * (np.arange(len(vectors)) > 0)[:, None].astype(np.float32)
        return vectors * 2 if self._odd[what] == "long" else vectors


class SeeingEncoder(TinyEncoder):
    """Gives the reference picture of a domain the vector of its text; the last two are exchanged."""

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        order = [0, 1, 2, 4, 3]
        return np.eye(16, dtype=np.float32)[order]

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.eye(16, dtype=np.float32)[: len(texts)]


def test_one_small_picture_a_domain_always_the_same() -> None:
    cases = reference_cases()
    assert {case.domain for case in cases} == {one.name for one in packaged_domains()} - {"textbook"}
    assert len(cases) == 5
    assert all(max(case.draw().shape) <= 512 for case in cases)
    assert [np.array_equal(a.draw(), b.draw()) for a, b in zip(cases, reference_cases(), strict=True)] == [True] * 5


def test_what_is_seen_of_an_encoder() -> None:
    encoder = TinyEncoder("radiology", EncoderContext())
    checked = check_encoder(encoder)
    assert (checked.spec, checked.dim, checked.fingerprint) == (encoder.spec, 16, encoder.fingerprint)
    assert checked.norms == (1.0, 1.0)
    assert len(set(checked.texts)) == 5
    assert checked.agreement is not None
    table = np.array(checked.agreement.cosines)
    pictures = encoder.encode_images([Image.fromarray(case.draw()).convert("RGB") for case in reference_cases()])
    assert np.allclose(table, pictures @ encoder.encode_texts(checked.texts).T, atol=1e-4)
    assert checked.agreement.nearest == tuple(table.argmax(axis=1))
    likeness = (pictures @ pictures.T)[np.triu_indices(5, 1)].mean()
    assert checked.picture_likeness == pytest.approx(likeness, abs=1e-4)
    assert checked.texts_per_second > 0
    assert (checked.pictures_per_second or 0) > 0


def test_own_texts_are_counted() -> None:
    agreement = check_encoder(SeeingEncoder("radiology", EncoderContext())).agreement
    assert agreement is not None
    assert (agreement.nearest, agreement.own_nearest) == ((0, 1, 2, 4, 3), 3)


def test_an_encoder_of_texts_alone() -> None:
    checked = check_encoder(TinyEncoder("sentence", EncoderContext()))
    assert (checked.agreement, checked.picture_likeness, checked.pictures_per_second) == (None, None, None)


@pytest.mark.parametrize("what", ["pictures", "texts"])
@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("one", "gives different {what} one and the same vector; that tower is dead"),
        ("pair", "gives different {what} one and the same vector"),
        ("zero", r"gives {what} vectors of length 0\.000 to 1\.000"),
        ("long", r"gives {what} vectors of length 2\.000 to 2\.000"),
    ],
)
def test_a_dead_tower_is_told(what: str, how: str, told: str) -> None:
    with pytest.raises(DeadEncoderError, match=f"tiny:odd {told.format(what=what)}"):
        check_encoder(OddEncoder(**{what: how}))


def test_a_dead_encoder_is_an_error_of_models() -> None:
    assert issubclass(DeadEncoderError, ModelError)
