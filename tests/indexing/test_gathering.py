"""Calls of several threads gathered into one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from indexing.encoders.gathering import Gatherer


def test_a_lone_caller_is_served_at_once_and_alone() -> None:
    batches: list[list[int]] = []

    def work(items: list[int]) -> list[int]:
        batches.append(items)
        return [item * 2 for item in items]

    gather: Gatherer[int, int] = Gatherer(work)
    assert [gather(n, n) for n in range(3)] == [0, 2, 4]
    assert batches == [[0], [1], [2]]


def test_everybody_gets_their_own_value_and_few_calls_are_made() -> None:
    started, go = threading.Event(), threading.Event()
    batches: list[int] = []

    def work(items: list[int]) -> list[int]:
        batches.append(len(items))
        started.set()
        go.wait(30)
        return [item * 2 for item in items]

    gather: Gatherer[int, int] = Gatherer(work, most=16)
    with ThreadPoolExecutor(64) as threads:
        first = threads.submit(gather, 0, 0)
        started.wait(30)
        others = [threads.submit(gather, n, n) for n in range(1, 64)]
        while len(gather._waiting) < 63:
            pass
        go.set()
        assert [first.result(30), *(one.result(30) for one in others)] == [2 * n for n in range(64)]
    assert batches == [1, 16, 16, 16, 15]


def test_the_same_key_is_worked_on_once() -> None:
    started, go = threading.Event(), threading.Event()
    seen: list[str] = []

    def work(items: list[str]) -> list[str]:
        seen.extend(items)
        started.set()
        go.wait(30)
        return items

    gather: Gatherer[str, str] = Gatherer(work)
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(gather, "other", "other")
        started.wait(30)
        others = [threads.submit(gather, "same", "same") for _ in range(7)]
        go.set()
        assert [one.result(30) for one in [first, *others]] == ["other", *["same"] * 7]
    assert seen[0] == "other"
    assert 1 <= seen.count("same") <= 7


def test_the_fault_of_one_is_not_the_others() -> None:
    started, go = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> list[float]:
        started.set()
        go.wait(30)
        return [1 / item for item in items]

    gather: Gatherer[int, float] = Gatherer(work)
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(gather, 1, 1)]
        started.wait(30)
        futures += [threads.submit(gather, n, n) for n in (2, 0, 4)]
        while len(gather._waiting) < 3:
            pass
        go.set()
        assert [futures[n].result(30) for n in (0, 1, 3)] == [1.0, 0.5, 0.25]
        with pytest.raises(ZeroDivisionError):
            futures[2].result(30)
    assert gather(5, 5) == 0.2  # and it goes on


def test_places_work_side_by_side() -> None:
    meet = threading.Barrier(3, timeout=30)

    def work(items: list[int]) -> list[int]:
        meet.wait()
        return items

    gather: Gatherer[int, int] = Gatherer(work, most=1, places=3)
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(lambda n: gather(n, n), range(3))) == [0, 1, 2]


def test_each_thread_begins_once() -> None:
    begun: list[str] = []
    gather: Gatherer[int, int] = Gatherer(list, begin=lambda: begun.append(threading.current_thread().name))
    assert [gather(n, n) for n in range(3)] == [0, 1, 2]
    assert begun == ["curbside-encode_0"]


def test_what_could_not_be_begun_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    gather: Gatherer[int, int] = Gatherer(list)

    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(gather._threads, "submit", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            gather(1, 1)
    assert gather(1, 1) == 1


def test_a_thread_that_cannot_begin_tells_it_and_tries_again() -> None:
    faults = [OSError("no core"), OSError("no core")]

    def begin() -> None:
        if faults:
            raise faults.pop()

    gather: Gatherer[int, int] = Gatherer(list, begin=begin)
    for _ in range(2):
        with pytest.raises(OSError, match="no core"):
            gather(1, 1)
    assert gather(1, 1) == 1


def test_too_few_values_are_a_fault_not_a_wait() -> None:
    gather: Gatherer[int, int] = Gatherer(lambda items: items[:0])
    with pytest.raises(ValueError, match="shorter"):
        gather(1, 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_has_threads_of_its_own() -> None:
    gather: Gatherer[int, int] = Gatherer(lambda items: [2 * item for item in items])
    assert gather(1, 1) == 2
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # ends a child that waits for threads which are not there
        os._exit(gather(2, 2))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
    assert gather(3, 3) == 6
