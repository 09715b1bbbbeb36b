"""Progress in a log, with a clock that a test turns."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ui.cli.conftest import Run
from ui.cli.progress import ProgressLines, progress_bar


class Log:
    """Lines, their clock, and one task on them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.out = io.StringIO()
        self.lines = ProgressLines(self.out, lambda: self.now)

    def wait(self, seconds: float) -> list[str]:
        """What is told meanwhile, looked at every second."""
        self.out.seek(0)
        self.out.truncate()
        for _ in range(int(seconds)):
            self.now += 1
            self.lines.tell()
        return self.out.getvalue().splitlines()


@pytest.fixture
def log() -> Log:
    return Log()


def test_a_short_task_says_nothing(log: Log) -> None:
    task = log.lines.add_task("reading")
    for done in range(9):
        log.lines.update(task, completed=done, total=9)
        assert log.wait(1) == []


def test_a_line_with_what_is_done_the_rate_and_what_remains(log: Log) -> None:
    task = log.lines.add_task("tuning")
    log.lines.update(task, completed=20, total=4000)
    assert log.wait(9) == []
    log.lines.update(task, completed=40, total=4000, description="tuning loss 1.2")
    assert log.wait(1) == ["tuning loss 1.2: 40 of 4000, 2.0/s, about 33 min left"]


def test_lines_come_at_doubled_times_and_then_every_five_minutes(log: Log) -> None:
    log.lines.add_task("reading")
    told = log.wait(1300)
    assert [line.removeprefix("reading: ").removesuffix(" so far") for line in told] == [
        "10 s", "20 s", "40 s", "80 s", "3 min", "5 min", "10 min", "15 min", "20 min"
    ]  # fmt: skip


def test_work_that_is_taken_up_again_has_the_rate_of_what_is_done_now(log: Log) -> None:
    task = log.lines.add_task("drawing")
    log.lines.update(task, completed=900, total=1000)
    assert log.wait(10) == ["drawing: 900 of 1000, 10 s so far"]
    log.lines.update(task, completed=905, total=1000)
    assert log.wait(10) == ["drawing: 905 of 1000, 15.0/min, about 6 min left"]


def test_a_new_count_within_a_task_has_a_rate_of_its_own(log: Log) -> None:
    task = log.lines.add_task("first")
    log.lines.update(task, completed=500, total=1000)
    log.wait(15)
    log.lines.update(task, completed=0, total=10, description="second")
    assert log.wait(5) == ["second: 0 of 10, 20 s so far"]
    log.lines.update(task, completed=1, total=10, description="second")
    assert log.wait(20) == ["second: 1 of 10, 2.4/min, about 4 min left"]


@pytest.mark.parametrize(
    ("total", "then", "told"),
    [
        (None, {"completed": 64}, "adding site: 64, 6.4/s"),
        (12, {"completed": 12, "description": "fitting"}, "fitting: 12 of 12, 10 s so far"),
    ],
    ids=["the total is not known", "a finished count whose task goes on"],
)
def test_without_an_end_to_count_to(log: Log, total: int | None, then: dict[str, Any], told: str) -> None:
    task = log.lines.add_task("adding site")
    log.lines.update(task, completed=0, total=total)
    log.wait(9)
    log.lines.update(task, total=total, **then)
    assert log.wait(1) == [told]


def test_slow_work_and_long_waits(log: Log) -> None:
    task = log.lines.add_task("tuning")
    log.lines.update(task, completed=1, total=40)
    log.wait(7200)
    log.lines.update(task, completed=2, total=40)
    assert log.wait(300) == ["tuning: 2 of 40, 0.5/h, about 76.2 h left"]


def test_only_the_task_at_work_is_told(log: Log) -> None:
    first = log.lines.add_task("views")
    log.lines.update(first, completed=5, total=5)
    log.wait(8)
    second = log.lines.add_task("tuning", total=3)
    assert log.wait(9) == []
    assert log.wait(1) == ["tuning: 0 of 3, 10 s so far"]
    log.lines.update(second, completed=1, total=3)
    assert log.wait(10)[0].startswith("tuning: 1 of 3")


def test_the_thread_ends_with_the_work(log: Log) -> None:
    with log.lines as lines:
        lines.add_task("reading")
    assert not lines._thread.is_alive()
    assert log.out.getvalue() == ""


def test_a_log_gets_lines_and_a_screen_a_bar_on_stderr_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert isinstance(progress_bar(), ProgressLines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar() as bar:
        bar.update(bar.add_task("reading", total=2), completed=1)
        sys.stdout.write("{}\n")
    told = capsys.readouterr()
    assert "reading" in told.err
    assert told.out == "{}\n"


def test_json_stays_alone_on_a_screen(run: Run, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    ran = run("--home", tmp_path / "home", "--json", "corpus", "add", source, "-n", "site", "--domain", "radiology")
    assert ran.json["new"] == 2
    assert "adding site" in ran.err
