"""A vision-language model as re-ranking."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.generators.vlm import open_vlm
from app.generators.yes_no import Leaning
from app.reranking import MOST, VlmReranker, rerankers_of
from app.settings import load_settings
from corpora.errors import SettingsError, SourceError
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from retrievers import Query
from retrievers.found import Hit
from tests.app.tiny_checkpoints import save_checkpoint
from tests.conftest import picture

ANY: Any = None


def hit(key: str, text: str, pictured: bool = False) -> Hit:
    pictures = (Picture(digest="0" * 64),) if pictured else ()
    return Hit(Record(key, "c", "case", "radiology", report=text, pictures=pictures), 1.0, {}, {})


def test_the_likeliest_first_and_the_rest_behind() -> None:
    asked: list[tuple[str, int]] = []

    def leans(system: str, text: str, pictures: Sequence[Image.Image]) -> Leaning | None:
        asked.append((text, len(pictures)))
        return None if "silent" in text else Leaning(0.9 if "yes" in text else 0.1, 1.0)

    hits = [hit("a", "no"), hit("b", "silent", True), hit("c", "yes"), *(hit(f"d{n}", "no") for n in range(30))]
    reranker = VlmReranker(leans, lambda digest: Image.new("RGB", (2000, 900)))
    found = reranker.rerank(Query(text="effusion?", images=[picture(0)]), hits, ANY)
    assert [one.record.id for one in found[:3]] == ["c", "b", "a"]
    assert len(asked) == MOST
    assert found[MOST:] == hits[MOST:]
    assert asked[1][1] == 2
    assert "second is the reference" in asked[1][0]
    assert "effusion?" in asked[0][0]


def test_a_picture_that_is_gone_is_no_reason_to_fail() -> None:
    def gone(digest: str) -> Image.Image:
        raise SourceError("gone")

    seen: list[int] = []
    reranker = VlmReranker(lambda system, text, pictures: seen.append(len(pictures)), gone)  # type: ignore[func-returns-value]
    assert len(reranker.rerank(Query(text="x"), [hit("a", "b", True)], ANY)) == 1
    assert seen == [0]


def test_a_real_architecture_answers_with_one_pass(tmp_path: Path, home: Home) -> None:
    folder = save_checkpoint("qwen2.5-vl", tmp_path / "vlm")
    generator = open_vlm(f"{folder}?quant=none&check=off", "cpu", tmp_path)
    settings, _ = load_settings(None, {"rerank": ("mmr", "vlm"), "generator": f"vlm:{folder}"})
    first, second = rerankers_of(settings, home.path, ImageStore(home.images), lambda: generator)
    assert (first.name, second.name) == ("mmr:0.7", "vlm")
    hits = [hit("a", "pleural effusion"), hit("b", "heart")]
    found = second.rerank(Query(text="effusion?", images=[picture(0)]), hits, ANY)
    assert sorted(one.record.id for one in found) == ["a", "b"]
    leaning = generator.leaning("system", "Is it?", [picture(0)])  # type: ignore[attr-defined]
    assert leaning is not None
    assert 0 <= leaning.yes <= 1


def test_several_are_named_in_one_variable() -> None:
    settings, _ = load_settings(None, None, {"CURBSIDE_RERANK": "mmr:0.5, cross-encoder:x"})
    assert settings.rerank == ("mmr:0.5", "cross-encoder:x")


def test_without_a_model_that_answers_it_is_refused(home: Home) -> None:
    settings, _ = load_settings(None, {"rerank": ("vlm",)})
    with pytest.raises(SettingsError, match="needs a generator vlm"):
        rerankers_of(settings, home.path, ImageStore(home.images), lambda: ANY)
