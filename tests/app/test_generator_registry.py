"""Generators are opened by a spec; errors say what would have worked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.generators import Generator, open_generator
from app.generators.registry import generator_kinds
from app.generators.server import ServerGenerator
from app.generators.vlm import VlmGenerator
from corpora.errors import InputError, UnknownNameError


def test_every_kind_can_be_opened(checkpoints: Path) -> None:
    specs = {"evidence": "evidence", "vlm": "vlm:llava?max_tokens=8", "server": "server:http://127.0.0.1:9/v1#m"}
    assert sorted(specs) == generator_kinds()
    for kind, spec in specs.items():
        generator = open_generator(spec, "cpu", checkpoints)
        assert isinstance(generator, Generator)
        assert generator.spec.startswith(kind)
        assert generator.revision


def test_the_spec_chooses_the_class(checkpoints: Path) -> None:
    assert isinstance(open_generator("vlm:gemma3?check=off", "cpu", checkpoints), VlmGenerator)
    assert isinstance(open_generator("server:http://127.0.0.1:9/v1#m"), ServerGenerator)


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="known: evidence, server, vlm"):
        open_generator("oracle:delphi")


@pytest.mark.parametrize("spec", ["vlm", "vlm:", "server", "server:"])
def test_an_incomplete_spec_says_what_is_missing(spec: str) -> None:
    with pytest.raises(InputError, match="incomplete"):
        open_generator(spec)


def test_naming_generators_loads_no_model_library() -> None:
    code = (
        "import sys, app.generators, app.generators.vlm, app.generators.server;"
        "print(sorted({'torch', 'transformers', 'openai', 'langchain_openai', 'bitsandbytes'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
