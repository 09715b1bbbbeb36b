"""What is dear to make is made once, whoever asks meanwhile."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from indexing.encoders.once import once


def test_callers_at_once_get_the_same() -> None:
    made: list[str] = []

    @once
    def tower(name: str) -> object:
        made.append(name)
        time.sleep(0.05)
        return object()

    start = threading.Barrier(8)

    def ask(_: int) -> object:
        start.wait(30)
        return tower("a")

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1
    assert made == ["a"]
    assert tower("b") is not tower("a")


def test_a_fault_is_told_and_tried_again() -> None:
    faults = [OSError("gone")]

    @once
    def tower() -> str:
        if faults:
            raise faults.pop()
        return "here"

    with pytest.raises(OSError, match="gone"):
        tower()
    assert tower() == "here"
