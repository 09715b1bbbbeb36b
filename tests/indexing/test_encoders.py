"""One contract for every encoder, and what each refuses."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpora.errors import InputError, ModelError, UnknownNameError
from indexing.encoders import Encoder, EncoderPlan, open_encoder
from indexing.encoders.base import EncoderContext, projected, unit_rows
from indexing.encoders.clip import open_clip_encoder
from indexing.encoders.embedded import open_embedded
from indexing.encoders.heads import WEIGHTS, load_head, packaged_heads
from indexing.encoders.registry import encoder_kinds
from indexing.encoders.sentences import open_sentence_encoder
from tests.conftest import picture
from tests.indexing import tiny_models
from tests.indexing.tiny_encoder import TinyEncoder

TEXTS = ["Right pleural effusion.", "No effusion.", "A melanoma. It has streaks. " * 40, "x"]


@pytest.fixture(scope="module", autouse=True)
def no_network() -> Iterator[None]:
    """Any attempt to reach another machine fails the test."""
    with pytest.MonkeyPatch.context() as patched:

        def refuse(*_: Any, **__: Any) -> None:
            raise AssertionError("an encoder asked the network")

        patched.setattr(socket.socket, "connect", refuse)
        yield


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.open_clip_folder(tmp_path_factory.mktemp("models") / "clip")


@pytest.fixture(scope="module")
def sentence_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.sentence_folder(tmp_path_factory.mktemp("models") / "sentences")


OPENERS: dict[str, Callable[[Path, Path], Encoder]] = {
    "embedded:radiology": lambda clip, said: open_embedded("radiology", EncoderContext()),
    "embedded:sentence": lambda clip, said: open_embedded("sentence", EncoderContext()),
    "open_clip": lambda clip, said: open_clip_encoder(f"local-dir:{clip.name}", EncoderContext(folder=clip.parent)),
    "sentence-transformers": lambda clip, said: open_sentence_encoder(said.name, EncoderContext(folder=said.parent)),
    "tiny": lambda clip, said: TinyEncoder("radiology", EncoderContext()),
}


@pytest.fixture(scope="module", params=list(OPENERS))
def opener(request: pytest.FixtureRequest, clip_folder: Path, sentence_folder: Path) -> Callable[[], Encoder]:
    return lambda: OPENERS[request.param](clip_folder, sentence_folder)


@pytest.fixture(scope="module")
def encoder(opener: Callable[[], Encoder]) -> Encoder:
    return opener()


class TestEncoder:
    """What every encoder must do."""

    def test_it_is_an_encoder(self, encoder: Encoder) -> None:
        assert isinstance(encoder, Encoder)
        assert encoder.fingerprint.startswith(f"{encoder.spec}/")
        assert re.search(r"/[0-9a-f+-]{8,}$", encoder.fingerprint)

    def test_texts_become_unit_rows(self, encoder: Encoder) -> None:
        vectors = encoder.encode_texts(TEXTS)
        assert vectors.shape == (len(TEXTS), encoder.dim)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
        assert not np.allclose(vectors[0], vectors[2], atol=1e-3)

    def test_pictures_become_unit_rows(self, encoder: Encoder) -> None:
        pictures = [picture(number, (90, 60)) for number in range(3)]
        if not encoder.has_images:
            with pytest.raises(ModelError, match="takes texts only"):
                encoder.encode_images(pictures)
            with pytest.raises(ModelError, match="takes texts only"):
                encoder.prepare(pictures[0])
            with pytest.raises(ModelError, match="takes texts only"):
                encoder.encode_prepared(np.zeros((1, 3, 8, 8), np.float32))
            return
        vectors = encoder.encode_images(pictures)
        assert vectors.shape == (3, encoder.dim)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
        prepared = np.stack([encoder.prepare(one) for one in pictures])
        assert prepared.dtype == np.float32
        assert (prepared.ndim, prepared.shape[1]) == (4, 3)
        assert np.allclose(encoder.encode_prepared(prepared), vectors, atol=1e-4)

    def test_nothing_becomes_no_rows(self, encoder: Encoder) -> None:
        assert encoder.encode_texts([]).shape == (0, encoder.dim)
        if encoder.has_images:
            assert encoder.encode_images([]).shape == (0, encoder.dim)

    def test_an_empty_text_is_no_error(self, encoder: Encoder) -> None:
        assert np.isfinite(encoder.encode_texts(["", " ", "\n"])).all()

    def test_the_same_twice_and_alone_or_in_company(self, encoder: Encoder) -> None:
        """Nothing is dropped out at random, and padding to longer neighbours does not matter."""
        together = encoder.encode_texts(TEXTS)
        assert np.array_equal(encoder.encode_texts(TEXTS), together)
        alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
        assert np.allclose(alone, together, atol=1e-4)
        if encoder.has_images:
            assert np.array_equal(encoder.encode_images([picture(1)]), encoder.encode_images([picture(1)]))

    def test_the_fingerprint_is_that_of_the_next_process(self, encoder: Encoder, opener: Callable[[], Encoder]) -> None:
        assert opener().fingerprint == encoder.fingerprint

    def test_eight_threads_encode_as_one(self, encoder: Encoder) -> None:
        asked = [[f"Effusion number {number}. " * (1 + number % 7), "Nothing."] for number in range(24)]
        serial = [encoder.encode_texts(texts) for texts in asked]
        with ThreadPoolExecutor(8) as pool:
            for own, found in zip(serial, pool.map(encoder.encode_texts, asked), strict=True):
                assert np.allclose(own, found, atol=1e-5)


def test_other_weights_have_another_fingerprint(clip_folder: Path, sentence_folder: Path, tmp_path: Path) -> None:
    def clip(folder: Path) -> str:
        return open_clip_encoder("local-dir:m", EncoderContext(folder=folder)).fingerprint

    prints = set()
    for seed in (1, 2):
        tiny_models.open_clip_folder(tmp_path / f"clip{seed}" / "m", seed)
        tiny_models.sentence_folder(tmp_path / f"said{seed}" / "m", seed)
        prints.add(clip(tmp_path / f"clip{seed}"))
        prints.add(open_sentence_encoder("m", EncoderContext(folder=tmp_path / f"said{seed}")).fingerprint)
    assert len(prints) == 4


def test_other_preprocessing_has_another_fingerprint(clip_folder: Path, tmp_path: Path) -> None:
    """The same weights see other pixels when mean and deviation change."""
    shutil.copytree(clip_folder, tmp_path / "m")
    first = open_clip_encoder("local-dir:m", EncoderContext(folder=tmp_path))
    config = tmp_path / "m" / "open_clip_config.json"
    values = json.loads(config.read_text())
    values["preprocess_cfg"]["mean"] = [0.1, 0.1, 0.1]
    config.write_text(json.dumps(values))
    second = open_clip_encoder("local-dir:m", EncoderContext(folder=tmp_path))
    assert not np.allclose(first.prepare(picture(1)), second.prepare(picture(1)))
    assert first.fingerprint != second.fingerprint


def test_another_length_of_sentences_has_another_fingerprint(sentence_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(sentence_folder, tmp_path / "m")
    first = open_sentence_encoder("m", EncoderContext(folder=tmp_path)).fingerprint
    config = next(path for path in (tmp_path / "m").rglob("sentence_bert_config.json"))
    values = json.loads(config.read_text())
    config.write_text(json.dumps(values | {"max_seq_length": 4}))
    tokenizer = tmp_path / "m" / "tokenizer_config.json"
    tokenizer.write_text(json.dumps(json.loads(tokenizer.read_text()) | {"model_max_length": 4}))
    assert open_sentence_encoder("m", EncoderContext(folder=tmp_path)).fingerprint != first


class TestOpenClipFolder:
    """What a folder of open_clip must hold."""

    @pytest.fixture
    def folder(self, clip_folder: Path, tmp_path: Path) -> Path:
        shutil.copytree(clip_folder, tmp_path / "m")
        return tmp_path / "m"

    def opened(self, folder: Path) -> Encoder:
        return open_clip_encoder(f"local-dir:{folder.name}", EncoderContext(folder=folder.parent))

    def test_a_text_tower_from_the_hub_is_refused(self, folder: Path) -> None:
        config = folder / "open_clip_config.json"
        values = json.loads(config.read_text())
        values["model_cfg"]["text_cfg"] = {
            "hf_model_name": "someone/some-bert",
            "hf_tokenizer_name": "someone/some-bert",
        }
        config.write_text(json.dumps(values))
        with pytest.raises(ModelError, match="takes its text tower 'someone/some-bert' from the hub"):
            self.opened(folder)

    def test_no_folder_or_no_configuration(self, folder: Path) -> None:
        with pytest.raises(ModelError, match=r"no open_clip_config\.json"):
            self.opened(folder.parent / "none")

    @pytest.mark.parametrize("text", ["{", "[]", "{}", '{"model_cfg": 3}', '{"model_cfg": {"text_cfg": 3}}'])
    def test_a_damaged_configuration(self, folder: Path, text: str) -> None:
        (folder / "open_clip_config.json").write_text(text)
        with pytest.raises(ModelError, match="damaged"):
            self.opened(folder)

    def test_weights_cut_short(self, folder: Path) -> None:
        (weights,) = folder.glob("*.safetensors")
        weights.write_bytes(weights.read_bytes()[:-100])
        with pytest.raises(ModelError, match="cannot be opened"):
            self.opened(folder)

    def test_weights_of_another_shape(self, folder: Path) -> None:
        config = folder / "open_clip_config.json"
        config.write_text(config.read_text().replace('"embed_dim": 16', '"embed_dim": 24'))
        with pytest.raises(ModelError, match="cannot be opened"):
            self.opened(folder)

    def test_a_name_without_a_source(self) -> None:
        with pytest.raises(ModelError, match=r"hf-hub:organisation/name or local-dir:folder"):
            open_clip_encoder("ViT-B-32", EncoderContext())


def test_a_sentence_folder_that_is_missing_or_damaged(sentence_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'no/such-model' cannot be opened"):
        open_sentence_encoder("no/such-model", EncoderContext(folder=tmp_path))
    shutil.copytree(sentence_folder, tmp_path / "m")
    weights = next((tmp_path / "m").rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="'m' cannot be opened"):
        open_sentence_encoder("m", EncoderContext(folder=tmp_path))


def test_specs_that_name_nothing() -> None:
    with pytest.raises(UnknownNameError, match="no encoder named 'word2vec'; known: embedded, open_clip"):
        open_encoder("word2vec:x")
    for spec in ("embedded", "embedded:", "", ":x"):
        with pytest.raises(InputError):
            open_encoder(spec)
    assert {"embedded", "open_clip", "sentence-transformers"} <= set(encoder_kinds())


def test_an_encoder_is_opened_once() -> None:
    assert open_encoder("embedded:sentence") is open_encoder("embedded:sentence")


def test_a_domain_of_the_sites_own_takes_the_general_head() -> None:
    own, general = (open_embedded(name, EncoderContext()) for name in ("dentistry", "general"))
    assert own.spec == "embedded:general"
    assert own.fingerprint == general.fingerprint


def test_the_packaged_weights_stay_small() -> None:
    """Both sets together, as the package and the repository hold them."""
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*.safetensors")) <= 40_000_000


def test_heads_are_read_and_damage_is_told(tmp_path: Path) -> None:
    assert {"dermatology", "general", "ophthalmology", "pathology", "radiology", "ultrasound"} <= set(packaged_heads())
    head = load_head("radiology")
    head.save(tmp_path / "mine.safetensors", {"fitted": "here"})
    again = load_head("mine", tmp_path)
    assert again.dim == head.dim
    assert np.allclose(again.image.skip, head.image.skip)
    with pytest.raises(UnknownNameError, match=r"known: .*radiology"):
        load_head("astrology")
    path = tmp_path / "mine.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"mine\.safetensors is damaged"):
        load_head("mine", tmp_path)


def test_which_encoder_serves_which_domain() -> None:
    plan = EncoderPlan(joint={"pathology": "open_clip:local-dir:x"})
    assert plan.joint_spec("pathology") == "open_clip:local-dir:x"
    assert plan.joint_spec("radiology") == "embedded:radiology"


def test_unit_rows_refuse_what_is_not_finite() -> None:
    with pytest.raises(ModelError, match="not finite"):
        unit_rows(np.array([[np.nan, 1.0]]))
    assert unit_rows(np.zeros((2, 3))).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("rows", [0, 1, 4, 5])
def test_projected_is_the_product(rows: int) -> None:
    random = np.random.default_rng(0)
    some, matrix = (random.standard_normal(shape).astype(np.float32) for shape in ((rows, 300), (300, 40)))
    assert np.allclose(projected(some, matrix), some @ matrix, atol=1e-4)
    assert projected(some, matrix).dtype == np.float32
