"""`curbside serve` and `curbside mcp`, as whole processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.service.serving import listen
from tests.small_home import ASKED, small_home
from tests.ui.cli.conftest import Run

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, "-c", "from ui.cli import main; main()"]


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`curbside serve` as a process of its own, and the address that it says it serves at."""
    command = [*PROGRAM, "--home", str(small_home()), "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.search(r"http://\S+", line)
            assert match, line + (process.stderr.read() if process.stderr else "")
            yield process, match[0]
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(60)


def test_it_serves_this_machine_until_it_is_stopped() -> None:
    with serving() as (process, address):
        assert address.startswith("http://127.0.0.1:")
        assert httpx.get(f"{address}/readyz", timeout=120).json()["status"] == "ready"
        answer = httpx.post(f"{address}/v1/ask", json={"text": ASKED, "domain": "radiology"}, timeout=120).json()
        assert "not a medical device" in answer["disclaimer"]
        assert httpx.get(f"{address}/healthz", headers={"Host": "evil.example"}).status_code == 400
    assert process.returncode in (0, 130)


def test_the_settings_of_the_chat_do_not_open_it_to_others() -> None:
    """`host` of a home says where the chat binds; the service binds elsewhere only where its own option says so."""
    environment = {**os.environ, "CURBSIDE_HOST": "0.0.0.0", "PYTHONUNBUFFERED": "1"}
    command = [*PROGRAM, "--home", str(small_home()), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert "http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)


def test_an_address_for_others_is_warned_of_and_further_names_are_taken() -> None:
    with serving("--host", "0.0.0.0") as (process, address):
        assert address.startswith("http://0.0.0.0:")
        assert httpx.get(address.replace("0.0.0.0", "127.0.0.1") + "/healthz").status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "0.0.0.0 can be reached by others" in process.stderr.read()
    with serving("--allow-host", "pacs.example") as (_, address):
        assert httpx.get(f"{address}/healthz", headers={"Host": "pacs.example"}).status_code == 200


def test_what_keeps_it_from_serving(run: Run, tmp_path: Path) -> None:
    run("--home", tmp_path / "none", "serve").told("There is no home at")
    run("--home", tmp_path / "none", "mcp").told("There is no home at")
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        run("--home", small_home(), "serve", "--port", port).told(f"127.0.0.1:{port} cannot be used", "--port")
    run("--home", small_home(), "serve", "--port", "99999").told("between 0 and 65535")


@pytest.mark.parametrize("command", ["serve", "mcp"])
def test_help_says_what_it_is_for(run: Run, command: str) -> None:
    told = run(command, "--help")
    assert told.status == 0
    assert "not a medical device" in " ".join(told.out.split())


def test_standard_output_carries_nothing_but_the_protocol() -> None:
    command = [sys.executable, "-c", NOISY, "--home", str(small_home()), "mcp"]
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    search = {"name": "search", "arguments": {"text": "drusen of the retina", "k": 1}}
    sent: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": client},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": search},
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for message in sent:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        process.stdin.flush()
        heard = [json.loads(process.stdout.readline()), json.loads(process.stdout.readline())]
        process.stdin.close()
        rest = process.stdout.read()
        noise = process.stderr.read()
    assert [(one["jsonrpc"], one["id"]) for one in heard] == [("2.0", 1), ("2.0", 2)]
    assert heard[0]["result"]["serverInfo"]["name"] == "curbside"
    assert heard[1]["result"]["content"][0]["text"].endswith("Research use, not a medical device.")
    assert rest == ""
    assert "noise from Python" in noise
    assert "noise from C" in noise


# A library that prints while a question is searched must not reach the client.
NOISY = """
import os
from retrievers.retriever import Retriever
whole = Retriever.search
def noisy(self, query, k=10):
    print("noise from Python", flush=True)
    os.write(1, b"noise from C\\n")
    return whole(self, query, k)
Retriever.search = noisy
from ui.cli import main
main()
"""
