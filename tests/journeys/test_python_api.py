"""The Python interface as the documents show it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from app import Assistant
from corpora.teaching.chest_radiograph import twins
from retrievers import Query, Retriever
from tests.journeys.pictures import picture_of


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "chest.png"
    path.write_bytes(picture_of(twins(1)[0]))
    return path


def test_search(drawn_home: Path, chest: Path) -> None:
    with Retriever.open(str(drawn_home)) as retriever:
        query = Query(text="pleural effusion", images=[str(chest)], exclude=["cxr-017"])
        found = retriever.search(query, k=10)
    assert found.domain.name == "radiology"
    assert 0.0 < found.domain.probability <= 1.0
    assert len(found.hits) == 10
    hit = found.hits[0]
    assert hit.record.id
    assert hit.record.corpus in ("teaching", "primer")
    assert isinstance(hit.record.labels, tuple)
    assert isinstance(hit.record.report, str)
    assert hit.score > 0
    assert all(rank >= 1 for rank in hit.ranks.values())
    assert all(one.record.id != "cxr-017" for one in found.hits)


def test_ask(drawn_home: Path, chest: Path) -> None:
    answer = Assistant.open(drawn_home).ask("Is there a pleural effusion?", images=[chest])
    assert answer.text
    assert answer.verdict in ("yes", "no", "uncertain")
    assert 0.0 <= answer.confidence <= 1.0
    assert answer.evidence[0].record.id
    assert answer.domain.name == "radiology"
    assert answer.manifest["index"].startswith("default v")


def test_pictures_may_be_paths_bytes_or_images(drawn_home: Path, chest: Path) -> None:
    with Retriever.open(drawn_home) as retriever:
        sources = (str(chest), chest, chest.read_bytes(), Image.open(io.BytesIO(chest.read_bytes())))
        found = [retriever.search(Query(images=[source]), k=3) for source in sources]
    assert all([hit.record.id for hit in one.hits] == [hit.record.id for hit in found[0].hits] for one in found)
