"""Calls from several threads gathered into one: models are faster on batches than one by one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar
from weakref import WeakSet

__all__ = ["Gatherer"]

Item = TypeVar("Item")
Value = TypeVar("Value")


class Gatherer(Generic[Item, Value]):
    """Works on what several threads bring at once, in threads of its own, and never makes a lone caller wait.

    A free thread takes at once what waits; what comes while all are busy is taken together by the next. What two
    callers bring under the same key is worked on once. A forked process begins with threads of its own.

    Args:
        work: Values of items, in order.
        most: How many items one call may hold.
        places: How many threads work.
        begin: Called once in each of these threads before it works.
    """

    def __init__(
        self,
        work: Callable[[list[Item]], Sequence[Value]],
        most: int = 16,
        places: int = 1,
        begin: Callable[[], None] = lambda: None,
    ) -> None:
        self._work, self._most, self._places, self._begin = work, most, places, begin
        self.renew()
        _every.add(self)

    def renew(self) -> None:
        """Begin with nothing that waits, and new threads: those of before a fork are not in the child."""
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, tuple[Item, Future[Value]]] = {}
        self._threads = ThreadPoolExecutor(self._places, "curbside-encode")
        self._begun = threading.local()

    def __call__(self, key: Hashable, item: Item) -> Value:
        """The value of one item; raises what `work` raises for it."""
        with self._lock:
            if key not in self._waiting:
                self._threads.submit(self._take_some)  # first: what no thread will take must not be waited for
                self._waiting[key] = item, Future()
            value = self._waiting[key][1]
        return value.result()

    def _take_some(self) -> None:
        """Work on the first of what waits; on nothing where an earlier call took it along."""
        with self._lock:
            taken = [self._waiting.pop(key) for key in list(self._waiting)[: self._most]]
        if taken:
            self._together(taken)

    def _together(self, taken: Sequence[tuple[Item, Future[Value]]]) -> None:
        try:
            self._begin_here()
            values = self._work([item for item, _ in taken])
            told = list(zip(taken, values, strict=True))
        except BaseException as error:  # the thread's border: carried over to whoever waits for that item
            if len(taken) == 1:
                taken[0][1].set_exception(error)
            for one in taken if len(taken) > 1 else ():  # one item's fault is not the others'
                self._together([one])
            return
        for (_, future), value in told:
            future.set_result(value)

    def _begin_here(self) -> None:
        if not getattr(self._begun, "done", False):
            self._begin()
            self._begun.done = True


_every: WeakSet[Gatherer[Any, Any]] = WeakSet()


def _renew_every() -> None:
    for one in list(_every):
        one.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew_every)
