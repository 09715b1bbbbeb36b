"""Objects from settings."""

from __future__ import annotations

import os

import pytest

from app.settings import Settings, load_settings
from app.wiring import build_options, encoder_plan, prepare_process


def settings(**arguments: object) -> Settings:
    return load_settings(arguments=arguments, environment={})[0]


def test_the_plan_names_an_encoder_for_each_domain() -> None:
    plan = encoder_plan(settings(encoders={"radiology": "tiny:one"}, sentence_encoder="tiny:two"))
    assert plan.joint_spec("radiology") == "tiny:one"
    assert plan.joint_spec("pathology") == "embedded:pathology"
    assert plan.sentence == "tiny:two"


def test_build_options_follow_the_settings() -> None:
    options = build_options(settings(vector_index="exact", device="cuda:1"))
    assert (options.kind, options.device) == ("exact", "cuda:1")


def test_threads_and_the_hub_are_said_before_models_load(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "OMP_NUM_THREADS", "TRANSFORMERS_VERBOSITY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    prepare_process(settings(threads=3, offline=False))
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "HF_HUB_OFFLINE" not in os.environ
    prepare_process(settings())
    assert os.environ["HF_HUB_OFFLINE"] == "1"
