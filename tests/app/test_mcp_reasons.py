"""The MCP tools `contrast`, `timeline` and `explain`, and neighbours of what a search finds."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp_types import CallToolResult, ImageContent, ResourceLink

from app.assistant import Assistant
from app.shaping import plain
from corpora.records import Record
from retrievers import Query
from tests.app.test_mcp_server import call, text_of
from tests.small_home import chest, small_home

SAID = "Research use, not a medical device."


@pytest.fixture(scope="module")
def assistant() -> Iterator[Assistant]:
    with Assistant.open(small_home()) as opened:
        yield opened


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Assistant]:
    """A home with three studies of one patient."""
    shutil.copytree(small_home(), tmp_path / "home")
    studies = ((3, "There is a large effusion."), (8, "The effusion is smaller.\nThe heart is normal."), (None, "Old."))
    with Assistant.open(tmp_path / "home") as opened:
        opened.retriever.catalog.add(
            [Record(f"s{day}", "book", "case", "radiology", report=text, patient="p", day=day) for day, text in studies]
        )
        yield opened


def fields(result: CallToolResult) -> Any:
    """The structured content without the disclaimer, which must be there."""
    assert not result.is_error, text_of(result)
    value = json.loads(json.dumps(result.structured_content))
    assert value.pop("disclaimer") == SAID
    assert text_of(result).endswith(SAID)
    return value


def same(value: Any) -> Any:
    return json.loads(json.dumps(plain(value, paths=False)))


def links(result: CallToolResult) -> list[str]:
    return [link.uri for link in result.content if isinstance(link, ResourceLink)]


def encoded() -> str:
    return base64.b64encode(chest()).decode()


def test_both_sides_of_a_finding_are_numbered_and_linked(assistant: Assistant) -> None:
    result = call(assistant, "contrast", images=[encoded()], finding="pleural effusion", corpora=["drawn"])
    both = assistant.retriever.contrast(Query(images=[chest()], corpora=["drawn"]), "pleural effusion")
    assert both.affirming is not None
    assert both.denying is not None
    assert fields(result) == same(both)
    assert f"Affirmed by: [1] drawn/{both.affirming.record.id} · " in text_of(result)
    assert f"Denied by: [2] drawn/{both.denying.record.id} · " in text_of(result)
    assert [uri for uri in links(result) if "/record/" in uri] == [
        f"curbside://record/drawn/{hit.record.id}" for hit in (both.affirming, both.denying)
    ]


def test_a_side_that_nobody_takes_is_said_to_be_empty(assistant: Assistant) -> None:
    result = call(assistant, "contrast", text="pneumothorax", corpora=["book"])
    assert fields(result)["affirming"] is None
    assert "Affirmed by: none of them" in text_of(result)
    assert links(result) == []


def test_outside_every_domain_is_no_denial(assistant: Assistant) -> None:
    bread = "How do I bake sourdough bread in a cast iron pot?"
    result = call(assistant, "contrast", text=bread, finding="pleural effusion")
    assert fields(result)["outside"]
    assert text_of(result).startswith("Outside every domain: ")
    assert "Nothing was searched." in text_of(result)


def test_the_studies_of_a_patient_come_in_their_order(followed: Assistant) -> None:
    result = call(followed, "timeline", patient="book/p", text="pleural effusion", before=9)
    assert fields(result) == same(followed.retriever.timeline(Query("pleural effusion", patient="book/p", before=9)))
    assert text_of(result).splitlines()[1:6] == [
        "day 3: [1] book/s3",
        "day 8: [2] book/s8",
        "no day known: [3] book/sNone",
        "Prior study, day 8: “The effusion is smaller. The heart is normal.”",
        "Of it, about what is asked: “The effusion is smaller.”",
    ]
    assert links(result) == [f"curbside://record/book/s{day}" for day in (3, 8, None)]


def test_why_a_record_matches_comes_with_maps(assistant: Assistant) -> None:
    hit = assistant.retriever.search(Query("pleural effusion", [chest()], corpora=["drawn"]), 1).hits[0]
    name = f"drawn/{hit.record.id}"
    result = call(assistant, "explain", record=name, text="pleural effusion", images=[encoded()])
    why = assistant.why(name, Query("pleural effusion", [chest()]))
    told = fields(result)
    assert told.pop("maps") == [{"title": one.title, "cosine": one.cosine} for one in why.maps]
    assert told == same(why.explanation)
    assert links(result) == [f"curbside://record/{name}", f"curbside://picture/{why.record.pictures[0].digest}"]
    assert text_of(result).startswith(f"{name}: found by ")
    assert f"Map 1: your picture, against this one (cosine {why.maps[0].cosine:.2f})" in text_of(result)
    maps = [one for one in result.content if isinstance(one, ImageContent)]
    assert [base64.b64decode(one.data) for one in maps] == [one.jpeg for one in why.maps]


def test_hits_bring_their_neighbours(followed: Assistant) -> None:
    case = followed.retriever.search(Query("pleural effusion", corpora=["drawn"]), 1).hits[0].record
    earlier = Record("before", "drawn", "case", "radiology", report="No effusion.", patient=case.patient, day=-5)
    followed.retriever.catalog.add([earlier])
    result = call(followed, "search", text="pleural effusion", k=2, corpora=["drawn"], neighbours=1)
    found = followed.retriever.search(Query("pleural effusion", corpora=["drawn"], neighbours=1), 2)
    assert [hit.neighbour_of for hit in found.hits] == ["", f"drawn/{case.id}"]
    assert fields(result) == same(found)
    assert f"study of drawn/{case.id}" in text_of(result)


@pytest.mark.parametrize(
    ("tool", "arguments", "part"),
    [
        ("contrast", {"text": "hello"}, "no finding"),
        ("contrast", {}, "give a text, a picture, or both"),
        ("timeline", {"patient": "book/nobody"}, "nobody"),
        ("timeline", {"patient": ""}, "patient"),
        ("timeline", {}, "patient"),
        ("search", {"patient": "book/nobody"}, "give a text, a picture, or both"),
        ("explain", {"record": "drawn/none", "text": "effusion"}, "There is no record"),
        ("explain", {"record": "book/page/1"}, "give a text, a picture, or both"),
        ("search", {"text": "a", "neighbours": 21}, "neighbours"),
    ],
)
def test_what_cannot_be_told_is_a_sentence(assistant: Assistant, tool: str, arguments: Any, part: str) -> None:
    result = call(assistant, tool, **arguments)
    assert result.is_error
    assert part in text_of(result)
    assert "Traceback" not in text_of(result)
