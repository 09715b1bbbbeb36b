"""Running `curbside` in this process, and small sources to run it on."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.journeys.drawn_home import built_home
from ui.cli import main


@dataclass(frozen=True)
class Ran:
    """How one call ended: exit status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.out)

    def told(self, *parts: str) -> None:
        """The call failed as the user's mistake: status 2, one line on stderr that holds the parts, nothing else."""
        assert self.status == 2, self.err
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("curbside: ")
        assert "Traceback" not in line
        for part in parts:
            assert part in line


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("index", "list")` is `curbside index list`."""
    monkeypatch.delenv("CURBSIDE_HOME", raising=False)
    monkeypatch.setattr("ui.cli.progress.monotonic", lambda: 0.0)  # however slow the machine, no work is long

    def call(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["curbside", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ran(int(ended.value.code or 0), captured.out, captured.err)

    return call


Screen = Callable[[int], None]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """`screen(80)`: standard output is a screen of 80 columns, without colours."""

    def become(columns: int) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "dumb")

    return become


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A `jsonl` source with two good records, a broken line, an unknown domain, and two unreadable pictures."""
    folder = tmp_path / "source"
    folder.mkdir()
    for number in range(2):
        pixels = np.random.Generator(np.random.PCG64(number)).integers(0, 256, (40, 40), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    whole = (folder / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "no.png").write_bytes(b"nothing")
    lines = [
        {"id": "one", "image": "0.png", "report": "Left pleural effusion.", "labels": ["pleural effusion"]},
        {"id": "two", "image": "1.png", "report": "No pleural effusion."},
        "{broken",
        {"id": "three", "domain": "astrology", "report": "Mars."},
        {"id": "four", "image": "cut.png"},
        {"id": "five", "image": "no.png"},
        {"id": "six", "image": "gone.png"},
    ]
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "records.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def drawn_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the drawn home; tests only read it."""
    return Path(shutil.copytree(built_home(), tmp_path_factory.mktemp("cli") / "home"))


@pytest.fixture(scope="session")
def effusion(drawn_home: Path) -> Path:
    """The picture of a case with an effusion."""
    drawn = drawn_home / "drawn" / "teaching"
    lines = (drawn / "records.jsonl").read_text(encoding="utf-8").splitlines()
    return drawn / str(next(one["image"] for one in map(json.loads, lines) if one["labels"] == ["pleural effusion"]))
