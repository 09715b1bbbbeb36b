"""The MCP server, asked by the SDK's own client in this process."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
from mcp import Client, MCPError
from mcp_types import BlobResourceContents, CallToolResult, ResourceLink, TextContent, TextResourceContents

from app.assistant import Assistant
from app.mcp_server import create_mcp_server
from app.shaping import plain
from corpora.errors import MissingDependencyError
from corpora.home import Home
from retrievers import Query
from tests.small_home import ASKED, chest, small_home

T = TypeVar("T")


@pytest.fixture(scope="module")
def assistant() -> Iterator[Assistant]:
    with Assistant.open(small_home()) as opened:
        yield opened


def session(assistant: Assistant, work: Callable[[Client], Awaitable[T]], mode: str = "auto") -> T:
    """What `work` returns with a client of a server over that assistant."""

    async def run() -> T:
        async with Client(create_mcp_server(assistant), mode=mode) as client:
            return await work(client)

    return asyncio.run(run())


def call(assistant: Assistant, tool: str, **arguments: Any) -> CallToolResult:
    return session(assistant, lambda client: client.call_tool(tool, arguments))


def text_of(result: CallToolResult) -> str:
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"question": "x"}, "search has no argument 'question'; known: before, corpora, "),
        ({"text": "x", "k": 0}, "search: k: Input should be greater than or equal to 1."),
        ({"text": "x", "region": {"x0": 0}}, "search: region.y0: Field required."),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(assistant: Assistant, arguments: dict[str, Any], told: str) -> None:
    result = call(assistant, "search", **arguments)
    assert result.is_error
    assert text_of(result).startswith(told)
    assert "\n" not in text_of(result)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_tools_and_their_arguments_are_described(assistant: Assistant, mode: str) -> None:
    tools = {tool.name: tool for tool in session(assistant, lambda client: client.list_tools(), mode).tools}
    shared = {"text", "images", "domain", "corpora", "exclude", "patient", "before", "region"}
    assert {name: set(tool.input_schema["properties"]) for name, tool in tools.items()} == {
        "search": shared | {"k", "neighbours"},
        "ask": shared,
        "contrast": shared - {"patient", "before"} | {"finding"},
        "timeline": {"patient", "text", "before", "corpora"},
        "explain": {"record", "text", "images", "domain", "region"},
    }
    for tool in tools.values():
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        assert all(one["description"] for one in tool.input_schema["properties"].values() if "$ref" not in one)
    said = session(assistant, _instructions, mode)
    assert "not a medical device" in said


async def _instructions(client: Client) -> str:
    return client.instructions or ""


def test_a_search_is_cited_linked_and_whole(assistant: Assistant) -> None:
    result = call(assistant, "search", text="drusen of the retina", k=2, corpora=["drawn"], exclude=["nobody"])
    found = assistant.retriever.search(Query("drusen of the retina", corpora=["drawn"]), 2)
    assert not result.is_error
    lines = text_of(result).splitlines()
    assert lines[1].startswith(f"[1] drawn/{found.hits[0].record.id} · ")
    assert lines[-1] == "Research use, not a medical device."
    value = json.loads(json.dumps(result.structured_content))
    assert value.pop("disclaimer") == lines[-1]
    assert value == json.loads(json.dumps(plain(found, paths=False)))
    assert {link.uri for link in result.content if isinstance(link, ResourceLink)} >= {
        f"curbside://record/drawn/{hit.record.id}" for hit in found.hits
    }


def test_an_answer_carries_its_verdict_its_evidence_and_the_disclaimer(assistant: Assistant) -> None:
    path = str(small_home().parent / "chest.png")
    encoded = base64.b64encode(chest()).decode()
    region = {"x0": 0, "y0": 0, "x1": 100_000, "y1": 100_000}
    wanted = assistant.ask(ASKED, [chest()])
    for images in ([path], [encoded], [f"data:image/png;base64,{encoded}"]):
        result = call(assistant, "ask", text=ASKED, images=images, region=region)
        assert wanted.text in text_of(result)
        assert "Verdict: yes, confidence " in text_of(result)
        assert f"[1] drawn/{wanted.evidence[0].record.id} · supports · drawn, not a patient" in text_of(result)
        assert text_of(result).endswith(wanted.disclaimer)
        assert result.structured_content is not None
        assert result.structured_content["text"] == wanted.text


def test_what_evidence_links_to_can_be_read(assistant: Assistant) -> None:
    result = call(assistant, "ask", text=ASKED, images=[base64.b64encode(chest()).decode()])
    links = [link for link in result.content if isinstance(link, ResourceLink)]
    assert {link.mime_type for link in links} == {"application/json", "image/jpeg"}
    for link in links:
        (content,) = session(assistant, lambda client, uri=link.uri: client.read_resource(uri)).contents  # type: ignore[misc]
        assert content.mime_type == link.mime_type
        if isinstance(content, BlobResourceContents):
            assert base64.b64decode(content.blob).startswith(b"\xff\xd8")
        else:
            assert isinstance(content, TextResourceContents)
            told = json.loads(content.text)
            assert f"{told['corpus']}/{told['id']}" == link.name.partition("] ")[2]
            assert told["disclaimer"] == "Research use, not a medical device."
            assert all(picture["source"] == "" for picture in told["pictures"])
    assert any("page/1" in link.uri for link in links)


@pytest.mark.parametrize(
    "uri", ["curbside://record/drawn/nobody", "curbside://record/book/../../x", "curbside://picture/" + "0" * 64]
)
def test_resources_that_are_not_there(assistant: Assistant, uri: str) -> None:
    async def read(client: Client) -> str:
        with pytest.raises(MCPError) as told:
            await client.read_resource(uri)
        return str(told.value)

    assert re.search(r"There is no record|is not in|Unknown resource", session(assistant, read))


@pytest.mark.parametrize("tool", ["search", "ask"])
@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({}, "give a text, a picture, or both"),
        ({"text": "a", "corpora": ["nothing"]}, "no corpus named 'nothing'; known: book, drawn"),
        ({"images": ["/nowhere/x.png"]}, "neither a file that is there nor base64"),
        ({"images": [__file__]}, "is not a picture that can be read"),
        ({"text": "a", "region": {"x0": 3, "y0": 0, "x1": 3, "y1": 1}}, "is empty"),
        ({"text": "a", "region": {"x0": 3}}, "region.y0"),
        ({"text": "a", "before": "soon"}, "before"),
    ],
)
def test_a_wrong_question_is_told_to_the_model(
    assistant: Assistant, tool: str, arguments: dict[str, Any], part: str
) -> None:
    result = call(assistant, tool, **arguments)
    assert result.is_error
    assert part in text_of(result)
    assert "Traceback" not in text_of(result)


def test_a_bug_is_not_spelled_out(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> Any:
        raise KeyError("secret")

    monkeypatch.setattr(assistant, "ask", broken)
    result = call(assistant, "ask", text="a")
    assert result.is_error
    assert "secret" not in text_of(result)


def test_without_an_index_it_says_what_to_do(home: Home) -> None:
    with Assistant.open(home.path) as assistant:
        result = call(assistant, "search", text="a")
        assert result.is_error
        assert "curbside index build" in text_of(result)


def test_without_the_sdk_it_says_what_to_install(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    for name in [name for name in sys.modules if name.startswith("app.mcp_server.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingDependencyError, match=r"curbside\[mcp\]"):
        create_mcp_server(assistant)
