"""Fixtures of the application's tests: tiny checkpoints on disk, and no hub."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.generators.vlm import VlmGenerator, open_vlm
from tests.app.tiny_checkpoints import ARCHITECTURES, save_checkpoint

Opener = Callable[..., VlmGenerator]


@pytest.fixture(scope="session", autouse=True)
def _no_hub() -> Iterator[None]:
    """The hub stays out of every test: the environment before its library is loaded, the constant after."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
    yield
    if before is None:
        del os.environ["HF_HUB_OFFLINE"]


@pytest.fixture(scope="session")
def checkpoints(_no_hub: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a home's `models`: one tiny checkpoint of each architecture, under its name."""
    folder = tmp_path_factory.mktemp("models")
    for architecture in ARCHITECTURES:
        save_checkpoint(architecture, folder / architecture)
    return folder


@pytest.fixture(scope="session", params=list(ARCHITECTURES))
def four_bit(request: pytest.FixtureRequest, checkpoints: Path) -> VlmGenerator:
    """Each architecture in turn, opened in NF4 on the CPU with 16 tokens an answer."""
    opened = open_vlm(f"{request.param}?max_tokens=16", "cpu", checkpoints)
    assert isinstance(opened, VlmGenerator)
    return opened


@pytest.fixture
def open_tiny(checkpoints: Path) -> Opener:
    """Opens one of the checkpoints with options: `open_tiny("llava", "quant=int8")`."""

    def opener(name: str, options: str = "max_tokens=16") -> VlmGenerator:
        opened = open_vlm(f"{name}?{options}", "cpu", checkpoints)
        assert isinstance(opened, VlmGenerator)
        return opened

    return opener
