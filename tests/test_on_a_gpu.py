"""What runs on a GPU finds and learns there what it does on a processor. Skipped where PyTorch finds no GPU."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from app.generators.vlm import VlmGenerator, open_vlm
from corpora.home import Home
from indexing.encoders import EncoderPlan
from indexing.encoders.looks import looks_of
from indexing.encoders.query_features import QueryFeatures
from indexing.encoders.towers import image_tower, text_tower
from indexing.jobs import BuildOptions, build_index
from indexing.training.heads import HeadOptions
from indexing.training.tower import TowerOptions
from indexing.training.train import TrainOptions, train_encoder
from retrievers import Query, Retriever
from tests.app.prompts import OPEN, make_evidence, make_prompt, pictures
from tests.app.tiny_checkpoints import ARCHITECTURES, save_checkpoint
from tests.indexing.training.drawn_site import put, shape, site_records

GPU = "cuda"

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no GPU here")


def alike(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """The least cosine between rows that belong together."""
    norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(((ours * theirs).sum(axis=1) / norms).min())


def test_towers_see_the_same() -> None:
    prepared = np.stack([image_tower("cpu").prepare(shape(number % 4, number, 300)) for number in range(40)])
    assert alike(image_tower(GPU).features(prepared), image_tower("cpu").features(prepared)) > 0.999
    texts = ["A pleural effusion.", "Drusen are seen. The disc is pale.", "normal"]
    assert alike(text_tower(GPU).features(texts), text_tower("cpu").features(texts)) > 0.999


def test_questions_see_the_same() -> None:
    looks = looks_of("whole@224 evened@448")
    there, here = QueryFeatures(GPU), QueryFeatures("cpu")
    for number in range(3):
        picture = shape(number, number, 500)
        assert alike(there.image(picture, looks)[None], here.image(picture, looks)[None]) > 0.999
    assert alike(there.text("a cyst")[None], here.text("a cyst")[None]) > 0.999


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.create(tmp_path_factory.mktemp("site") / "home")
    put(home, site_records(home, 70))
    return home


def test_an_index_is_built_and_asked_there(site: Home) -> None:
    assert build_index(site, options=BuildOptions(device=GPU)).rejects == 0
    there = Retriever.open(site, device=GPU)
    build_index(site, options=BuildOptions())
    here = Retriever.open(site)
    for number in range(12):
        query = Query("A cyst?", images=(shape(number % 4, number),), domain="ultrasound", question=True)
        found, known = there.search(query), here.search(query)
        assert found.hits[0].record.id == known.hits[0].record.id
        assert found.hits[0].score == pytest.approx(known.hits[0].score, abs=0.01)
        hidden = replace(query, exclude=(found.hits[0].record.id,))
        assert found.hits[0].record.id not in {hit.record.id for hit in there.search(hidden).hits}
        assert not there.search(replace(query, corpora=())).hits


@pytest.mark.parametrize("mode", ["adapter", "tower"])
def test_an_encoder_is_fitted_there(site: Home, mode: str) -> None:
    options = TrainOptions(
        "ultrasound",
        mode="tower" if mode == "tower" else "adapter",
        device=GPU,
        head=HeadOptions(epochs=4, batch=32),
        tower=TowerOptions(blocks=1, views=1, epochs=1, batch=32, seeds=1),
    )
    trained = train_encoder(site, options, site.models / mode)
    manifest = json.loads((trained.folder / "curbside-encoder.json").read_text(encoding="utf-8"))
    assert manifest["mode"] == mode
    plan = EncoderPlan(joint={"ultrasound": trained.spec})
    done = build_index(site, options=BuildOptions(plan=plan, device=GPU))
    assert (done.records, done.rejects) == (70, 0)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for architecture in ARCHITECTURES:
        save_checkpoint(architecture, folder / architecture)
    return folder


def answer(generator: VlmGenerator) -> str:
    prompt = make_prompt(OPEN, images=pictures(2), evidence=make_evidence(2))
    return "".join(piece.text for piece in generator.stream(prompt))


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
@pytest.mark.parametrize("quant", ["nf4", "int8", "none"])
def test_a_model_answers_there(checkpoints: Path, architecture: str, quant: str) -> None:
    generator = open_vlm(f"{architecture}?quant={quant}&max_tokens=16", GPU, checkpoints)
    assert isinstance(generator, VlmGenerator)
    assert {parameter.device.type for parameter in generator.model.parameters()} == {"cuda"}
    assert generator.model.dtype == torch.bfloat16
    first = answer(generator)
    assert first
    assert answer(generator) == first


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_a_model_says_the_same_there(checkpoints: Path, architecture: str) -> None:
    spec = f"{architecture}?quant=none&dtype=float32&max_tokens=8"
    here, there = (open_vlm(spec, device, checkpoints) for device in ("cpu", GPU))
    assert isinstance(here, VlmGenerator)
    assert isinstance(there, VlmGenerator)
    assert answer(there) == answer(here)
