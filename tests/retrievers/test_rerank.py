"""A second look at hits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpora.errors import InputError, ModelError, UnknownNameError
from corpora.records import Record
from indexing import torchvision_cure
from indexing.encoders.base import unit_rows
from retrievers import Query
from retrievers.found import Hit
from retrievers.rerank import Diversity, open_reranker
from retrievers.rerank.cross_encoder import CrossEncoderReranker
from tests.conftest import picture


class Vectors:
    """An index of which only pictures' vectors are asked."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        rows = {
            Record(key, "c", "case", "radiology").uid: unit_rows(np.array([row]))[0] for key, row in vectors.items()
        }
        self.sides = {("radiology", "image"): type("Side", (), {"vector": staticmethod(rows.get)})}


def hit(key: str, score: float = 1.0, text: str = "", kind: str = "case", sentence: str = "") -> Hit:
    return Hit(Record(key, "c", kind, "radiology", report=text), score, {}, {}, sentence)  # type: ignore[arg-type]


def order(hits: list[Hit]) -> list[str]:
    return [one.record.id for one in hits]


def test_what_repeats_comes_later() -> None:
    index: Any = Vectors({"a": [1, 0], "a again": [1, 0.01], "b": [0, 1]})
    hits = [hit("a", 1.0), hit("a again", 0.95), hit("b", 0.8)]
    assert order(Diversity(0.5).rerank(Query(text="x"), hits, index)) == ["a", "b", "a again"]
    assert order(Diversity(1.0).rerank(Query(text="x"), hits, index)) == ["a", "a again", "b"]
    unknown = [*hits, hit("no vector", 0.2)]
    assert sorted(order(Diversity(0.5).rerank(Query(text="x"), unknown, index))) == sorted(order(unknown))
    assert Diversity().rerank(Query(text="x"), [], index) == []


class Overlap:
    """A cross-encoder that counts common words."""

    def predict(self, pairs: list[tuple[str, str]], show_progress_bar: bool) -> list[float]:
        return [len(set(one.split()) & set(other.split())) for one, other in pairs]


def test_a_cross_encoder_moves_texts_and_beside_a_picture_no_case() -> None:
    reranker = CrossEncoderReranker(Overlap(), "overlap")
    hits = [
        hit("a", text="the heart"),
        hit("silent"),
        hit("b", text="free air", kind="passage"),
        hit("c", text="free air below"),
    ]
    index: Any = None
    assert order(reranker.rerank(Query(text="free air below"), hits, index)) == ["c", "silent", "b", "a"]
    beside = Query(text="free air below", images=[picture(0)])
    assert order(reranker.rerank(beside, hits, index)) == order(hits)
    assert order(reranker.rerank(Query(images=[picture(0)]), hits, index)) == order(hits)


@pytest.fixture
def tiny_cross_encoder(tmp_path: Path) -> Callable[[int], Path]:
    """Makes a folder with a random BERT that scores pairs."""

    def make(scores: int) -> Path:
        torchvision_cure.arm()
        from tokenizers import Tokenizer, models, pre_tokenizers
        from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

        words = {word: n for n, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "pleural", "effusion", "heart"])}
        plain = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
        plain.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=plain, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
        )
        config = BertConfig(  # type: ignore[call-arg]
            vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
            max_position_embeddings=64, num_labels=scores,
        )  # fmt: skip
        folder = tmp_path / f"cross-{scores}"
        BertForSequenceClassification(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return make


def test_a_real_architecture_from_a_folder(tiny_cross_encoder: Callable[[int], Path]) -> None:
    folder = tiny_cross_encoder(1)
    reranker = open_reranker(f"cross-encoder:{folder.name}", folder=folder.parent)
    assert reranker.name == f"cross-encoder:{folder.name}"
    hits = [hit("a", text="pleural effusion"), hit("b", text="heart"), hit("c", text="effusion heart " * 300)]
    index: Any = None
    found = reranker.rerank(Query(text="pleural effusion"), hits, index)
    assert sorted(order(found)) == ["a", "b", "c"]
    assert order(found) == order(reranker.rerank(Query(text="pleural effusion"), hits, index))


def test_what_cannot_be_opened(tiny_cross_encoder: Callable[[int], Path], tmp_path: Path) -> None:
    three = tiny_cross_encoder(3)
    (tmp_path / "empty").mkdir()
    for spec, error, told in (
        ("magic", UnknownNameError, "known: cross-encoder, mmr"),
        ("mmr:much", InputError, "write mmr or mmr:0.7"),
        ("mmr:2", InputError, "between 0 and 1"),
        ("cross-encoder", InputError, "incomplete"),
        ("cross-encoder:empty", ModelError, "cannot be opened"),
        (f"cross-encoder:{three.name}", ModelError, "3 scores"),
    ):
        with pytest.raises(error, match=told):
            open_reranker(spec, folder=tmp_path)
    assert open_reranker("mmr:0.5") == Diversity(0.5)
