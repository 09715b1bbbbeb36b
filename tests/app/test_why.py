"""Why a record matches, also one that no hit shows: folded into another, or known by one of several pictures."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from app.assistant import Assistant
from corpora.catalog import Catalog
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture
from indexing.jobs import BuildOptions, build_index
from retrievers import Query
from tests.small_home import chest, small_home


@pytest.fixture(scope="module")
def twinned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """The small home with a twin of its first case, one pixel aside, and a case whose second picture is that twin's."""
    folder = tmp_path_factory.mktemp("twins") / "home"
    shutil.copytree(small_home(), folder)
    home = Home.open(folder)
    store = ImageStore(home.images)
    picture = Image.open(io.BytesIO(chest())).convert("RGB")
    picture.putpixel((0, 0), (1, 1, 1))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    digest, width, height = store.add(buffer.getvalue())
    near = Picture(source="x.png", digest=digest, width=width, height=height)
    with Catalog.open(home.catalog_url) as catalog:
        films = [record for record in catalog.records() if record.domain == "radiology"]
        first = next(record for record in films if "pleural effusion" in record.labels)
        other = next(record for record in films if record.id != first.id)
        twin = replace(first, id="twin", patient="q1", pictures=(near,))
        both = replace(first, id="both", patient="q2", report="Two films.", pictures=(*other.pictures, near))
        catalog.add([twin, both])
    build_index(home, options=BuildOptions())
    with Assistant.open(folder) as assistant:
        yield assistant


def test_a_folded_twin_has_places_of_its_own(twinned: Assistant) -> None:
    query = Query("pleural effusion", [chest()], corpora=["drawn"])
    folded = [twin for hit in twinned.retriever.search(query).hits for twin in hit.duplicates]
    # Which of the two stands for both is a hair's breadth.
    twins = ["drawn/cxr-example-pleural-effusion-900", "drawn/twin"]
    one = next(uid for uid in twins if uid in folded)
    told = twinned.why(one, query).explanation
    assert any(name.endswith("image→image") and place <= 3 for name, place, _ in told.found_by)
    assert told.sentence


def test_words_are_shown_on_the_picture_that_they_found(twinned: Assistant) -> None:
    query = Query("pleural effusion", corpora=["drawn"], domain="radiology")
    record = twinned.record("drawn", "both")
    lists = {one.name: one for one in twinned.retriever.lists(query, "radiology")}
    found = lists["radiology text→image"]
    part = found.parts[found.records.index(record.uid)]
    assert twinned.retriever.standing(query, record).picture == part


def test_nothing_is_ordered_anew_for_it(twinned: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("a re-ranker was asked")

    monkeypatch.setattr("retrievers.retriever.arranged", never)
    assert twinned.why("drawn/twin", Query("pleural effusion")).explanation.found_by
