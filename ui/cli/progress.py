"""How far long work is, on stderr: a bar on a screen; lines now and then in a file or a pipe."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, TextIO

__all__ = ["ProgressLines", "progress_bar"]

_FIRST = 10.0
_SELDOM = 300.0
_LOOK = 1.0


def progress_bar() -> Any:
    """What is done, the rate and the time that remains; on stderr, since JSON and tables go to stdout."""
    return _bar() if sys.stderr.isatty() else ProgressLines(sys.stderr, monotonic)


class ProgressLines:
    """Progress in a log: no line for a task that ends within 10 s, else one at 10 s, 20 s, 40 s …, at most 5 min apart.

    Only the task that was updated last is told. A thread of its own tells, since single steps may take minutes; the
    owner alone adds tasks and updates them.
    """

    def __init__(self, out: TextIO, clock: Callable[[], float]) -> None:
        self._out, self._clock = out, clock
        self._tasks: list[_Task] = []
        self._latest: _Task | None = None
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)

    def __enter__(self) -> ProgressLines:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def add_task(self, description: str, total: int | None = None) -> int:
        """A task that begins now; its number."""
        with self._lock:
            self._latest = _Task(self._clock(), description, total)
            self._tasks.append(self._latest)
            return len(self._tasks) - 1

    def update(self, task: int, *, completed: int, total: int | None = None, description: str | None = None) -> None:
        """What is done of the task, of how many where that is known, and what is being done now."""
        with self._lock:
            self._latest = self._tasks[task]
            self._latest.update(self._clock(), completed, total, description)

    def tell(self) -> None:
        """Write the line that is due, if one is."""
        with self._lock:
            task, now = self._latest, self._clock()
            line = task.line(now) if task is not None and task.is_due(now) else ""
        if line:
            self._out.write(f"{line}\n")
            self._out.flush()

    def _watch(self) -> None:
        with suppress(OSError):  # a full disk or a closed pipe ends the telling, not the work
            while not self._ended.wait(_LOOK):
                self.tell()


@dataclass
class _Task:
    """What is known of one task, and when its next line is due, in seconds since it began."""

    began: float
    description: str
    total: int | None
    completed: int = 0
    counted_from: tuple[float, int] | None = None  # when, and with how many done: work taken up again has no rate yet
    due: float = _FIRST

    def update(self, now: float, completed: int, total: int | None, description: str | None) -> None:
        if self.counted_from is None or completed < self.completed or total != self.total:
            self.counted_from = now, completed
        self.completed, self.total = completed, total
        self.description = description or self.description

    def is_due(self, now: float) -> bool:
        """Whether a line is due; then the next one is due later."""
        elapsed = now - self.began
        late = elapsed >= self.due
        while self.due <= elapsed:
            self.due += min(self.due, _SELDOM)
        return late

    def line(self, now: float) -> str:
        """As "tuning: 120 of 4000, 2.3/s, about 12 min left"."""
        told = []
        if self.completed or self.total is not None:
            told.append(f"{self.completed}" if self.total is None else f"{self.completed} of {self.total}")
        rate, left = self._rate(now), None if self.total is None else self.total - self.completed
        if rate and left != 0:
            told += [_often(rate)] if left is None else [_often(rate), f"about {_length(left / rate)} left"]
        else:
            told.append(f"{_length(now - self.began)} so far")
        return f"{self.description}: {', '.join(told)}"

    def _rate(self, now: float) -> float:
        """How many are done each second; 0 where that is not known yet."""
        since, already = self.counted_from or (now, 0)
        return (self.completed - already) / (now - since) if now > since else 0.0


def _often(rate: float) -> str:
    """By the second, or where that were below one by the minute or the hour."""
    for unit, seconds in (("s", 1), ("min", 60)):
        if rate * seconds >= 1:
            return f"{rate * seconds:.1f}/{unit}"
    return f"{rate * 3600:.1f}/h"


def _length(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """Items a second."""

        def render(self, task: Any) -> Text:
            return Text(f"{task.speed:.1f}/s" if task.speed else "–/s")

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        redirect_stdout=False,  # it would print to stderr what belongs to stdout
    )
