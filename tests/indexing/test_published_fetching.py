"""Preparing a published encoder: from folders laid out as on the hub, without any network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from corpora.errors import InputError, ModelError, SourceError, UnknownNameError
from indexing.encoders import Encoder, open_encoder
from indexing.encoders.base import EncoderContext
from indexing.encoders.clip import open_clip_encoder
from indexing.encoders.fetched import fetched_folders
from indexing.encoders.fetching import FetchOptions, fetch_encoder
from indexing.encoders.licences import MANIFEST
from indexing.encoders.pickles import pickle_to_safetensors
from indexing.encoders.transformers_clip import open_transformers_encoder
from tests.conftest import picture
from tests.indexing import tiny_models
from tests.indexing.test_encoders import TestEncoder as _Contract


class Attack:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module", autouse=True)
def no_network() -> Iterator[None]:
    """Any attempt to reach another machine fails the test."""
    with pytest.MonkeyPatch.context() as patched:

        def refuse(*_: Any, **__: Any) -> None:
            raise AssertionError("something asked the network")

        patched.setattr(socket.socket, "connect", refuse)
        yield


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What somebody carried here: BiomedCLIP's layout as `clip`, its text tower as `tiny-bert`, MedSigLIP's layout."""
    shelf = tmp_path_factory.mktemp("carried")
    bert = tiny_models.bert_folder(shelf / "tiny-bert")
    tiny_models.biomedclip_folder(shelf / "clip", bert, {"epoch": 3, "loss": np.float64(0.5), "optimizer": {"lr": 1.0}})
    tiny_models.siglip_folder(shelf / "siglip")
    return shelf


@pytest.fixture(scope="module")
def fetched(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has fetched both, and was moved afterwards."""
    home = tmp_path_factory.mktemp("first") / "home"
    fetch_encoder("biomedclip", home / "models" / "clip", FetchOptions(shelf / "clip"))
    fetch_encoder("medsiglip", home / "models" / "siglip", FetchOptions(shelf / "siglip"))
    return Path(shutil.move(home, tmp_path_factory.mktemp("second") / "moved"))


OPENERS: dict[str, Callable[[Path], Encoder]] = {
    "open_clip": lambda home: open_clip_encoder("local-dir:models/clip", EncoderContext(folder=home)),
    "transformers": lambda home: open_transformers_encoder("models/siglip", EncoderContext(folder=home)),
}


@pytest.fixture(scope="module", params=list(OPENERS))
def opener(request: pytest.FixtureRequest, fetched: Path) -> Callable[[], Encoder]:
    return lambda: OPENERS[request.param](fetched)


@pytest.fixture(scope="module")
def encoder(opener: Callable[[], Encoder]) -> Encoder:
    return opener()


class TestFetchedEncoder(_Contract):
    """What every encoder must do, from a fetched folder that was moved."""


def test_the_folder_needs_nobody(fetched: Path) -> None:
    folder = fetched / "models" / "clip"
    config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]["text_cfg"]
    assert (config["hf_model_name"], config["hf_tokenizer_name"]) == ("text_tower", ".")
    assert config["context_length"] == 24
    assert list(folder.rglob("*.bin")) == []
    assert {path.name for path in folder.iterdir()} >= {"README.md", "vocab.txt", "open_clip_model.safetensors"}
    mode = (folder / "open_clip_config.json").stat().st_mode
    assert {path.stat().st_mode for path in folder.iterdir() if path.is_file()} == {mode}
    assert sorted(path.name for path in folder.parent.iterdir()) == ["clip", "siglip"]


def test_the_manifest_says_what_it_is(fetched: Path) -> None:
    folder = fetched / "models" / "clip"
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["source"] == "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224"
    assert manifest["licence"] == {"name": "MIT", "kind": "open", "url": ""}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    assert set(manifest["files"]) == files
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert [(one.folder.name, one.dim, one.licence.kind) for one in fetched_folders(folder.parent)] == [
        ("clip", 24, "open"),
        ("siglip", 16, "terms"),
    ]


def test_it_computes_what_the_original_computes(fetched: Path, shelf: Path) -> None:
    """Weights, text tower, tokenizer and preprocessing all came along."""
    import open_clip
    from transformers import AutoTokenizer

    config = json.loads((shelf / "clip" / "open_clip_config.json").read_text())["model_cfg"]
    text = {**config["text_cfg"], "hf_model_name": str(shelf / "tiny-bert"), "hf_model_pretrained": False}
    model = open_clip.CustomTextCLIP(**{**config, "text_cfg": text}).eval()
    state = load_file(fetched / "models" / "clip" / "open_clip_model.safetensors")
    pickled = torch.load(shelf / "clip" / "open_clip_pytorch_model.bin", weights_only=False)["state_dict"]
    assert {f"module.{name}" for name in state} == set(pickled)
    model.load_state_dict({name.removeprefix("module."): tensor for name, tensor in pickled.items()})
    tokenizer = AutoTokenizer.from_pretrained(shelf / "tiny-bert")
    tokens = tokenizer(
        ["pleural effusion"], padding="max_length", max_length=24, truncation=True, return_tensors="pt"
    ).input_ids
    encoder = OPENERS["open_clip"](fetched)
    with torch.inference_mode():
        said = torch.nn.functional.normalize(model.encode_text(tokens)).numpy()
        seen = model.encode_image(torch.from_numpy(encoder.prepare(picture(1)))[None])
    assert np.allclose(encoder.encode_texts(["pleural effusion"]), said, atol=1e-5)
    assert np.allclose(encoder.encode_images([picture(1)]), torch.nn.functional.normalize(seen).numpy(), atol=1e-5)
    assert encoder.prepare(picture(1)).shape == (3, 160, 160)


def test_a_fetched_folder_is_opened_by_its_spec(fetched: Path, shelf: Path, tmp_path: Path) -> None:
    done = fetch_encoder("someone/tiny-siglip", tmp_path / "models" / "t", FetchOptions(shelf / "siglip"))
    assert done.spec(tmp_path) == "transformers:models/t"
    assert done.spec(fetched) == f"transformers:{tmp_path.resolve() / 'models' / 't'}"
    assert done.licence.kind == "unclear"
    assert open_encoder(done.spec(tmp_path), folder=tmp_path).dim == done.dim == 16
    again = fetch_encoder("someone/again", tmp_path / "again", FetchOptions(fetched / "models" / "clip"))
    assert (again.spec(tmp_path), again.licence.name) == ("open_clip:local-dir:again", "mit")


def test_a_training_checkpoint_without_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BMC-CLIP is published so; the configuration comes from open_clip itself."""
    import open_clip

    source = tiny_models.open_clip_folder(tmp_path / "bmc")
    state = load_file(source / "open_clip_model.safetensors")
    torch.save(
        {"epoch": 1, "state_dict": {f"module.{name}": value for name, value in state.items()}},
        source / "BMC_CLIP_CF.pt",
    )
    (source / "open_clip_model.safetensors").unlink()
    (source / "open_clip_config.json").unlink()
    monkeypatch.setattr(open_clip, "get_model_config", {"ViT-L-14": tiny_models.CLIP_CONFIG["model_cfg"]}.get)
    done = fetch_encoder("bmc-clip", tmp_path / "out", FetchOptions(source))
    assert (done.dim, done.loader, done.licence.kind) == (16, "open_clip", "unclear")
    config = json.loads((tmp_path / "out" / "open_clip_config.json").read_text())
    assert config["preprocess_cfg"]["mean"] == pytest.approx([0.48145466, 0.4578275, 0.40821073])


class TestRefusals:
    """What is refused, and that nothing is left behind."""

    @pytest.fixture
    def carried(self, shelf: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(shelf, tmp_path / "carried"))

    @pytest.fixture
    def target(self, tmp_path: Path) -> Iterator[Path]:
        yield tmp_path / "models" / "out"
        assert not (tmp_path / "models" / "out").exists()
        assert list((tmp_path / "models").glob("*")) + list((tmp_path / "models").glob(".*")) == []

    def test_a_pickle_that_would_run_code(self, carried: Path, target: Path, tmp_path: Path) -> None:
        torch.save(
            {"state_dict": {}, "x": Attack(tmp_path / "owned")}, carried / "clip" / "open_clip_pytorch_model.bin"
        )
        with pytest.raises(ModelError, match="would run code when it is read"):
            fetch_encoder("biomedclip", target, FetchOptions(carried / "clip"))
        assert not (tmp_path / "owned").exists()

    def test_opening_a_folder_with_such_a_pickle(self, fetched: Path, tmp_path: Path, target: Path) -> None:
        folder = Path(shutil.copytree(fetched / "models" / "clip", tmp_path / "m"))
        (folder / "open_clip_model.safetensors").unlink()
        torch.save({"x": Attack(tmp_path / "owned")}, folder / "open_clip_pytorch_model.bin")
        with pytest.raises(ModelError, match="cannot be opened"):
            open_clip_encoder("local-dir:m", EncoderContext(folder=tmp_path))
        assert not (tmp_path / "owned").exists()
        (folder / "open_clip_pytorch_model.bin").unlink()
        with pytest.raises(ModelError, match="cannot be opened"):  # open_clip alone would answer with random weights
            open_clip_encoder("local-dir:m", EncoderContext(folder=tmp_path))

    @pytest.mark.parametrize("kept", [0, 100, -200])
    def test_a_pickle_cut_short(self, carried: Path, target: Path, kept: int) -> None:
        path = carried / "clip" / "open_clip_pytorch_model.bin"
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(ModelError, match="damaged"):
            fetch_encoder("biomedclip", target, FetchOptions(carried / "clip"))

    def test_weights_of_another_shape(self, carried: Path, target: Path) -> None:
        save_file({"visual.head.proj.weight": torch.zeros(3, 3)}, carried / "clip" / "open_clip_model.safetensors")
        with pytest.raises(ModelError, match="cannot be opened"):
            fetch_encoder("biomedclip", target, FetchOptions(carried / "clip"))

    def test_a_text_tower_that_is_nowhere(self, carried: Path, target: Path, tmp_path: Path) -> None:
        shutil.move(carried / "tiny-bert", tmp_path / "elsewhere")
        with pytest.raises(ModelError, match=r"text tower someone/tiny-bert .* name it with --text-tower"):
            fetch_encoder("biomedclip", target, FetchOptions(carried / "clip"))
        options = FetchOptions(carried / "clip", text_tower=tmp_path / "elsewhere")
        assert fetch_encoder("biomedclip", tmp_path / "found", options).dim == 24

    def test_code_beside_a_text_tower_is_left_behind(self, carried: Path, target: Path, tmp_path: Path) -> None:
        config = carried / "tiny-bert" / "config.json"
        values = json.loads(config.read_text())
        config.write_text(json.dumps({**values, "auto_map": {"AutoConfig": "evil.Evil"}}))
        fetch_encoder("biomedclip", tmp_path / "whole", FetchOptions(carried / "clip"))
        assert "auto_map" not in (tmp_path / "whole" / "text_tower" / "config.json").read_text()
        config.write_text(json.dumps({"model_type": "evil", "auto_map": {"AutoConfig": "evil.Evil"}}))
        with pytest.raises(ModelError, match="cannot be opened"):
            fetch_encoder("biomedclip", target, FetchOptions(carried / "clip"))

    @pytest.mark.parametrize("text", ["{", "[]", "{}", '{"model_cfg": {"text_cfg": 3}}'])
    def test_a_damaged_configuration(self, carried: Path, target: Path, text: str) -> None:
        (carried / "clip" / "open_clip_config.json").write_text(text)
        with pytest.raises(ModelError, match="damaged"):
            fetch_encoder("biomedclip", target, FetchOptions(carried / "clip"))

    def test_a_model_without_a_common_space(self, carried: Path, target: Path) -> None:
        shutil.rmtree(carried / "tiny-bert")
        bert = tiny_models.bert_folder(carried / "tiny-bert", weights=True)
        with pytest.raises(ModelError):
            fetch_encoder("someone/tiny-bert", target, FetchOptions(bert))

    @pytest.mark.parametrize(
        ("what", "kind", "told"),
        [
            ("clip", UnknownNameError, "no published encoder named 'clip'; known: biomedclip"),
            ("pmc-clip", ModelError, "PMC-CLIP cannot be opened here: its towers"),
            ("microsoft/BiomedVLP-BioViL-T", ModelError, "BioViL-T cannot be opened here"),
            ("someone/nothing", ModelError, "not in the hub's cache"),
            ("not a name/at all", ModelError, "The hub has no model"),
        ],
    )
    def test_names(self, what: str, kind: type[Exception], told: str, target: Path) -> None:
        with pytest.raises(kind, match=told):
            fetch_encoder(what, target, FetchOptions(offline=True))

    def test_folders(self, carried: Path, target: Path, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="There is no folder"):
            fetch_encoder("biomedclip", target, FetchOptions(tmp_path / "none"))
        with pytest.raises(SourceError, match=r"holds no weights; expected one of: open_clip_model\."):
            fetch_encoder("biomedclip", target, FetchOptions(carried / "tiny-bert"))
        with pytest.raises(InputError, match="exists already"):
            fetch_encoder("biomedclip", carried, FetchOptions(carried / "clip"))
        (carried / "file").write_text("")
        with pytest.raises(SourceError, match="cannot be written"):
            fetch_encoder("biomedclip", carried / "file" / "out", FetchOptions(carried / "clip"))
        (carried / "clip" / "open_clip_config.json").unlink()
        with pytest.raises(ModelError, match=r"holds neither open_clip_config\.json nor config\.json"):
            fetch_encoder("biomedclip", target, FetchOptions(carried / "clip"))


def test_the_hubs_own_cache_serves_offline(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a download: snapshots of links; the commit becomes the revision."""
    from huggingface_hub import constants

    cache = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    for hub, folder in (("someone/clip", "clip"), (tiny_models.BERT_HUB, "tiny-bert")):
        kept = cache / f"models--{hub.replace('/', '--')}"
        commit = "0123456789abcdef0123456789abcdef01234567"
        (kept / "refs").mkdir(parents=True)
        (kept / "refs" / "main").write_text(commit)
        shutil.copytree(shelf / folder, kept / "blobs")
        (kept / "snapshots" / commit).mkdir(parents=True)
        for path in (kept / "blobs").iterdir():
            (kept / "snapshots" / commit / path.name).symlink_to(path)
    done = fetch_encoder("someone/clip", tmp_path / "out")
    assert (done.revision[:8], done.licence.name, done.dim) == ("01234567", "mit", 24)
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))


def test_a_pickle_without_weights_or_of_bare_tensors(tmp_path: Path) -> None:
    shared = torch.arange(6.0)
    torch.save({"module.a": shared, "module.b": shared, "step": 3}, tmp_path / "bare.bin")
    assert pickle_to_safetensors(tmp_path / "bare.bin", tmp_path / "out.safetensors") == 2
    assert load_file(tmp_path / "out.safetensors")["b"].tolist() == shared.tolist()
    for name, value in (("list", [shared]), ("empty", {"state_dict": {}}), ("odd", {"state_dict": 3})):
        torch.save(value, tmp_path / f"{name}.bin")
        with pytest.raises(ModelError, match="holds no weights by name"):
            pickle_to_safetensors(tmp_path / f"{name}.bin", tmp_path / "none.safetensors")
    assert not (tmp_path / "none.safetensors").exists()


class TestTransformersFolder:
    """What a folder of transformers must hold."""

    @pytest.fixture
    def folder(self, fetched: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(fetched / "models" / "siglip", tmp_path / "m"))

    def opened(self, folder: Path) -> Encoder:
        return open_transformers_encoder(folder.name, EncoderContext(folder=folder.parent))

    @pytest.mark.parametrize("name", ["model.safetensors", "preprocessor_config.json", "tokenizer.json"])
    def test_every_part_is_needed(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(ModelError, match="'m' cannot be opened"):
            self.opened(folder)

    def test_pickles_are_not_read(self, folder: Path) -> None:
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
        with pytest.raises(ModelError, match="cannot be opened"):
            self.opened(folder)

    def test_other_weights_have_another_fingerprint(self, folder: Path, tmp_path: Path) -> None:
        first = self.opened(folder).fingerprint
        shutil.rmtree(folder)
        tiny_models.siglip_folder(folder, seed=1)
        assert self.opened(folder).fingerprint != first

    def test_other_preprocessing_has_another_fingerprint(self, folder: Path) -> None:
        first = self.opened(folder)
        config = folder / "preprocessor_config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "image_mean": [0.1, 0.1, 0.1]}))
        second = self.opened(folder)
        assert not np.allclose(first.prepare(picture(1)), second.prepare(picture(1)))
        assert first.fingerprint != second.fingerprint

    def test_a_text_is_cut_and_padded_as_the_model_was_fitted(self, folder: Path) -> None:
        encoder = self.opened(folder)
        assert encoder.prepare(picture(1, (50, 20))).shape == (3, 32, 32)
        long = encoder.encode_texts(["effusion " * 40])
        assert np.allclose(long, encoder.encode_texts(["effusion " * 30]), atol=1e-6)

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"no config\.json; 'curbside encoders fetch'"):
            self.opened(tmp_path / "none")
