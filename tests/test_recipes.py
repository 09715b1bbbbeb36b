"""Every block of docs/recipes.md runs, in the order of the page, against a small home and a server really started."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from mcp import Client, StdioServerParameters

from tests.small_home import small_home

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
ROOT = PAGE.parents[1]
NOTICE = "Research use, not a medical device."
RUN = {
    "A chain (LangChain)": 1,
    "An agent (LangGraph)": 1,
    "Many questions, without waiting for each": 1,
    "A table of questions (pandas)": 1,
    "Vectors in a store of your own": 1,
    "From any language (curl)": 5,
    "From Python, over HTTP": 1,
    "In an MCP client": 2,
}
"""How many blocks of each heading the tests below run."""


@dataclass(frozen=True)
class Block:
    """A block of code: under which heading, which of that heading, and in which language."""

    heading: str
    number: int
    language: str
    code: str


def blocks() -> list[Block]:
    found: list[Block] = []
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, rest = section.partition("\n")
        told = rest.replace("teaching", "drawn")  # the small home's name for the corpus that the demo has
        fenced = re.findall(r"^```(\w*)\n(.*?)^```$", told, flags=re.MULTILINE | re.DOTALL)
        found += [Block(heading, number, *one) for number, one in enumerate(fenced, 1)]
    return found


def block(heading: str, number: int = 1) -> Block:
    assert number <= RUN[heading]
    return next(one for one in blocks() if (one.heading, one.number) == (heading, number))


class FakeModel(GenericFakeChatModel):
    """Says what it was told to say, and remembers what it was asked and which tools it was given."""

    asked: list[Sequence[BaseMessage]]
    tools: list[Any]

    def bind_tools(self, tools: Sequence[Any], **rest: Any) -> Runnable[Any, AIMessage]:
        self.tools.extend(tools)
        return self

    def _generate(self, messages: list[BaseMessage], *rest: Any, **more: Any) -> Any:
        self.asked.append(messages)
        return super()._generate(messages, *rest, **more)


def model(*said: str | AIMessage) -> FakeModel:
    return FakeModel(messages=iter(said), asked=[], tools=[])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reader of the page stands: a home, a picture, a table, and `curbside` on the PATH."""
    folder = tmp_path_factory.mktemp("recipes")
    shutil.copytree(small_home(), folder / "home")
    shutil.copy(small_home().parent / "chest.png", folder)
    (folder / "questions.csv").write_text(
        "question,image\nIs there a pleural effusion?,chest.png\nWhat are drusen?,\n", encoding="utf-8"
    )
    program = folder / "bin" / "curbside"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH='{ROOT}' exec '{sys.executable}' -c 'from ui.cli import main; main()' \"$@\"\n"
    )
    program.chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def _standing_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CURBSIDE_HOME", raising=False)


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The server of the page, started as the page says, on a free port."""
    line = block("From any language (curl)").code.strip()
    assert line.endswith("--port 8000")
    command = [str(folder / "bin" / "curbside"), *line.replace("8000", "0").split()[1:]]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = re.search(r"http://\S+", process.stdout.readline())
        assert told
        yield told[0]
        process.send_signal(signal.SIGINT)


def run_python(one: Block, **names: Any) -> dict[str, Any]:
    """The block's names after it ran."""
    assert one.language == "python"
    space: dict[str, Any] = {"__name__": "recipe", **names}
    exec(compile(one.code, f"{PAGE.name}: {one.heading}", "exec"), space)
    return space


def run_shell(one: Block, address: str) -> str:
    assert one.language == "sh"
    code = "set -eu\n" + one.code.replace("http://127.0.0.1:8000", address)
    ran = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_chain(capsys: pytest.CaptureFixture[str]) -> None:
    fake = model("An effusion, it seems [1].")
    run_python(block("A chain (LangChain)"), model=fake)
    assert capsys.readouterr().out == "An effusion, it seems [1].\n"
    (prompt,) = fake.asked[0]
    assert re.search(r"^\[1\] \w+/\S+: .+", str(prompt.content), re.MULTILINE)
    assert str(prompt.content).endswith("Question: Is there fluid on the chest radiograph?")


def test_an_agent(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = {"text": "drusen of the retina", "k": 2, "corpora": ["drawn"]}
    asks = AIMessage("", tool_calls=[{"id": "1", "name": "curbside_search", "args": arguments}])
    fake = model(asks, "Drusen are seen in [1].")
    space = run_python(block("An agent (LangGraph)"), model=fake)
    assert [tool.name for tool in fake.tools] == ["curbside_search"]
    seen = str(fake.asked[1][-1].content)
    assert "[1] drawn/" in seen
    assert seen.endswith(NOTICE)
    assert [hit.record.domain for hit in space["hits"]] == ["ophthalmology"]
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "Drusen are seen in [1]."
    assert out[1].startswith("[('drawn', '")


def test_an_agent_that_asks_wrongly_can_mend_it() -> None:
    def call(corpus: str) -> AIMessage:
        arguments = {"text": "drusen", "corpora": [corpus]}
        return AIMessage("", tool_calls=[{"id": "1", "name": "curbside_search", "args": arguments}])

    fake = model(call("nowhere"), call("drawn"), "Found [1].")
    run_python(block("An agent (LangGraph)"), model=fake)
    assert "no corpus named 'nowhere'; known: book, drawn" in str(fake.asked[1][-1].content)
    assert "[1] drawn/" in str(fake.asked[2][-1].content)


def test_many_questions(capsys: pytest.CaptureFixture[str]) -> None:
    run_python(block("Many questions, without waiting for each"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all("drawn/" in line for line in lines)
    assert "fundus" in lines[0]


def test_a_table_of_questions(folder: Path) -> None:
    run_python(block("A table of questions (pandas)"))
    with open(folder / "answers.csv", encoding="utf-8", newline="") as file:
        answers = list(csv.DictReader(file))
    assert [row["question"] for row in answers] == ["Is there a pleural effusion?", "What are drusen?"]
    assert answers[0]["verdict"] == "yes"
    assert "drawn/" in answers[0]["evidence"]
    assert all(NOTICE in row["disclaimer"] for row in answers)


def test_vectors(capsys: pytest.CaptureFixture[str]) -> None:
    run_python(block("Vectors in a store of your own"))
    nearest, sizes = capsys.readouterr().out.splitlines()
    assert nearest == "Soft drusen near the macula."
    assert len(set(sizes.split())) == 1


def test_curl(address: str, folder: Path) -> None:
    heading = "From any language (curl)"
    found = json.loads(run_shell(block(heading, 2), address))
    assert found["domain"]["name"] == "ophthalmology"
    assert len(found["hits"]) == 3
    answer = json.loads(run_shell(block(heading, 3), address))
    assert answer["verdict"] == "yes"
    assert NOTICE in answer["disclaimer"]
    events = run_shell(block(heading, 4), address)
    assert [name for name in re.findall(r"^event: (\w+)$", events, re.MULTILINE) if name != "stage"][-1] == "done"
    assert json.loads(events.strip().rpartition("data: ")[2])["answer"] == answer
    run_shell(block(heading, 5), address)
    assert (folder / "evidence.jpg").read_bytes().startswith(b"\xff\xd8")


def test_http_from_python(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    one = block("From Python, over HTTP")
    space = run_python(Block(one.heading, one.number, one.language, one.code.replace("http://127.0.0.1:8000", address)))
    assert space["answer"]["verdict"] == "yes"
    assert NOTICE in capsys.readouterr().out


def test_an_mcp_client(folder: Path) -> None:
    config = json.loads(block("In an MCP client", 1).code)["mcpServers"]["curbside"]
    arguments = [argument.replace("/path/to/home", str(folder / "home")) for argument in config["args"]]
    server = StdioServerParameters(command=config["command"], args=arguments, env=dict(os.environ))

    async def tools() -> list[str]:
        async with Client(server) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    assert sorted(asyncio.run(tools())) == ["ask", "contrast", "explain", "search", "timeline"]


def test_an_mcp_client_of_one_s_own(capsys: pytest.CaptureFixture[str]) -> None:
    run_python(block("In an MCP client", 2))
    told = capsys.readouterr().out
    assert "Verdict: yes" in told
    assert NOTICE in told


def test_no_block_is_left_out() -> None:
    assert Counter(one.heading for one in blocks()) == RUN
