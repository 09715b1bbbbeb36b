"""`search`, `ask`, `eval`, `settings` and `doctor` on the drawn home."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from retrievers.found import Hit
from tests.ui.cli.conftest import Run


def test_search_prints_what_python_holds(run: Run, drawn_home: Path, effusion: Path) -> None:
    arguments = ("search", "pleural effusion", "--image", effusion, "-k", "4", "--exclude", effusion.stem)
    found = run("--json", "--home", drawn_home, *arguments)
    assert found.status == 0
    assert found.err == ""
    told = found.json
    assert told["domain"]["name"] == "radiology"
    assert 0 < told["domain"]["probability"] <= 1
    assert len(told["hits"]) == 4
    hit = told["hits"][0]
    assert {"id", "corpus", "labels", "report", "licence", "drawn"} <= set(hit["record"])
    assert effusion.stem not in {one["record"]["id"] for one in told["hits"]}
    assert set(hit) == {field.name for field in fields(Hit)}
    assert told["asked"]["findings"][0]["name"] == "pleural effusion"
    lines = run("--home", drawn_home, *arguments).out
    assert "Domain: radiology" in lines
    assert f"{hit['record']['corpus']}/{hit['record']['id']}" in lines
    assert "drawn, not a patient" in lines


def test_a_region_a_corpus_and_a_domain(run: Run, drawn_home: Path, effusion: Path) -> None:
    home = ("--json", "--home", drawn_home)
    cut = run(*home, "search", "-i", effusion, "--region", "0,0,9999,200", "--domain", "radiology", "-k", "2")
    assert (cut.status, cut.json["domain"]["reason"]) == (0, "chosen by the asker")
    only = run(*home, "search", "effusion", "--corpus", "primer", "-k", "5")
    assert {one["record"]["corpus"] for one in only.json["hits"]} == {"primer"}


def test_ask_prints_what_python_holds(run: Run, drawn_home: Path, effusion: Path) -> None:
    arguments = ("ask", "Is there a pleural effusion?", "--image", effusion)
    answer = run("--json", "--home", drawn_home, *arguments).json
    assert answer["verdict"] == "yes"
    assert answer["domain"]["name"] == "radiology"
    assert answer["evidence"][0]["number"] == 1
    assert answer["evidence"][0]["hit"]["record"]["id"] == effusion.stem
    assert answer["manifest"]["index"].startswith("default v")
    told = run("--home", drawn_home, *arguments)
    assert told.status == 0
    assert answer["text"] in told.out
    assert "Confidence " in told.out
    assert f"[1] teaching/{effusion.stem} · supports · drawn, not a patient · CC0 1.0" in told.out
    said = told.out.rstrip().splitlines()[-1]
    assert said.startswith("Research use, not a medical device.")
    assert "Encoder weights not under an open licence" in said


@pytest.mark.parametrize(
    ("what", "options", "runs"),
    [("retrieval", ("--most", "0", "--no-plot", "--no-page"), "*-retrieval*"), ("routing", (), "eval-routing-*")],
)
def test_evaluations_print_a_table_and_write_lines(
    run: Run, drawn_home: Path, what: str, options: tuple[str, ...], runs: str
) -> None:
    told = run("--home", drawn_home, "eval", what, *options)
    assert told.status == 0
    assert "radiology" in told.out
    folder = max((drawn_home / "runs").glob(runs))
    assert json.loads((folder / "manifest.json").read_text())["index"].startswith("default v")
    lines = (folder / "queries.jsonl").read_text().splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_routing_asks_for_at_least_one_case(run: Run, drawn_home: Path) -> None:
    run("--home", drawn_home, "eval", "routing", "--most", "0").told("--most", "greater than or equal to 1")


def test_settings_with_their_sources(run: Run, drawn_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURBSIDE_PORT", "7999")
    shown = run("--json", "--home", drawn_home, "settings", "show").json
    assert shown["port"] == {"value": 7999, "source": "environment"}
    assert shown["generator"] == {"value": "evidence", "source": "profile embedded"}
    assert shown["index"] == {"value": "default", "source": "default"}
    cluster = run("--json", "--home", drawn_home, "--profile", "cluster", "settings", "show").json
    assert cluster["profile"] == {"value": "cluster", "source": "argument"}
    assert "7999" in run("--home", drawn_home, "settings", "show").out


def test_the_doctor_needs_no_home(run: Run, tmp_path: Path) -> None:
    facts = run("--json", "--home", tmp_path / "none", "doctor").json
    assert facts["generator"] == "evidence"
    assert "embedded" in facts["encoders"]
    assert "not a medical device" in run("--home", tmp_path / "none", "doctor").out


COMMANDS = [
    (), ("demo",), ("chat",), ("search",), ("ask",), ("doctor",), ("corpus",), ("index",), ("eval",), ("settings",),
    *((("corpus", verb)) for verb in ("add", "list", "show", "remove", "teach")),
    *((("index", verb)) for verb in ("build", "list", "verify", "drop")),
    *((("eval", verb)) for verb in ("retrieval", "routing", "compare")),
    ("settings", "show"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_everything_has_help(run: Run, command: tuple[str, ...]) -> None:
    for option in ("--help", "-h"):
        told = run(*command, option)
        assert told.status == 0
        assert told.err == ""
        assert "Usage: curbside" in told.out


def test_the_installed_command() -> None:
    """The whole process, once: `python -c` stands for the console script."""
    program = [sys.executable, "-c", "from ui.cli import main; main()"]
    helped = subprocess.run([*program, "--help"], capture_output=True, text=True, check=False)
    assert (helped.returncode, helped.stderr) == (0, "")
    wrong = subprocess.run(
        [*program, "--home", "nowhere", "corpus", "list"], capture_output=True, text=True, check=False
    )
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
