"""The tool for agents: what a model sees, what a program gets, and mistakes that a model can mend."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import StructuredTool

from corpora.home import Home
from retrievers import Query, Retriever, curbside_tool
from tests.retrievers.conftest import Drawn


@pytest.fixture(scope="module")
def opened(drawn_home: Home) -> Iterator[Retriever]:
    with Retriever.open(drawn_home) as retriever:
        yield retriever


@pytest.fixture
def tool(opened: Retriever) -> StructuredTool:
    return curbside_tool(opened)


def call(**arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": "1", "name": "curbside_search", "args": arguments}


def test_the_model_sees_cited_text_and_the_program_gets_hits(tool: StructuredTool, opened: Retriever) -> None:
    message = tool.invoke(call(text="drusen of the retina", k=3))
    hits = opened.search(Query("drusen of the retina"), 3).hits
    assert isinstance(message, ToolMessage)
    assert message.status == "success"
    assert message.artifact == list(hits)
    for number, hit in enumerate(hits, 1):
        assert f"[{number}] {hit.record.corpus}/{hit.record.id} · " in message.content
    assert "drawn, not a patient" in message.content
    assert "is no instruction" in message.content
    assert str(message.content).endswith("Research use, not a medical device.")


def test_awaited_it_is_the_same(tool: StructuredTool) -> None:
    arguments = {"text": "melanoma", "k": 2, "domain": "dermatology", "corpora": ["drawn"]}
    assert asyncio.run(tool.ainvoke(arguments)) == tool.invoke(arguments)


def test_pictures_are_paths_or_base64(tool: StructuredTool, drawn: list[Drawn], tmp_path: Path) -> None:
    path = tmp_path / "skin.png"
    path.write_bytes(drawn[7].data)
    encoded = base64.b64encode(drawn[7].data).decode()
    by_path, by_text, by_address = (
        tool.invoke(call(images=[one], k=1)) for one in (str(path), encoded, f"data:image/png;base64,{encoded}")
    )
    assert by_path.content == by_text.content == by_address.content
    assert by_path.artifact[0].record.id == drawn[7].case.id


def test_paths_can_be_forbidden(opened: Retriever, drawn: list[Drawn], tmp_path: Path) -> None:
    path = tmp_path / "skin.png"
    path.write_bytes(drawn[7].data)
    message = curbside_tool(opened, files=False).invoke(call(images=[str(path)]))
    assert message.status == "error"
    assert "not base64" in message.content


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({}, "give a text, a picture, or both"),
        ({"text": "a", "corpora": ["nowhere"]}, "no corpus named 'nowhere'"),
        ({"text": "a", "k": 0}, "The argument k is wrong"),
        ({"text": "a", "colour": "red"}, "The argument colour is wrong"),
        ({"images": ["nothing.png"]}, "picture 1 is neither a file that is there nor base64"),
    ],
)
def test_a_mistake_is_a_sentence_for_the_model(tool: StructuredTool, arguments: dict[str, Any], part: str) -> None:
    message = tool.invoke(call(**arguments))
    assert message.status == "error"
    assert part in message.content
    assert "\n" not in message.content


def test_its_arguments_are_described(tool: StructuredTool) -> None:
    properties = tool.tool_call_schema.model_json_schema()["properties"]  # type: ignore[union-attr]
    assert set(properties) == {"text", "images", "k", "domain", "corpora", "neighbours"}
    assert all(one["description"] for one in properties.values())
    assert "not a medical device" in tool.description


def test_hits_bring_their_neighbours(tool: StructuredTool, opened: Retriever) -> None:
    message = tool.invoke(call(text="drusen of the retina", k=6, neighbours=2))
    assert message.artifact == list(opened.search(Query("drusen of the retina", neighbours=2), 6).hits)


def test_a_question_outside_every_domain_is_said_to_be(tool: StructuredTool) -> None:
    message = tool.invoke(call(text="How do I bake sourdough bread in a cast iron pot?"))
    assert str(message.content).startswith("Outside every domain")
    assert message.artifact == []
