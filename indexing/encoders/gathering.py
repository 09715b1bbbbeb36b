"""Calls from several threads gathered into one: models are faster on batches than one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

__all__ = ["Gatherer"]

Item = TypeVar("Item")
Value = TypeVar("Value")


class Gatherer(Generic[Item, Value]):
    """Works on what several threads bring at once, in threads of its own, and never makes a lone caller wait.

    A free thread takes at once what waits; what comes while all are busy is taken together by the next. What two
    callers bring under the same key is worked on once.

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
        begin: Callable[[], None] | None = None,
    ) -> None:
        self._work, self._most = work, most
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, tuple[Item, Future[Value]]] = {}
        self._threads = ThreadPoolExecutor(places, "curbside-encode", initializer=begin)

    def __call__(self, key: Hashable, item: Item) -> Value:
        """The value of one item; raises what `work` raises for it."""
        with self._lock:
            if key not in self._waiting:
                self._waiting[key] = item, Future()
                self._threads.submit(self._take_some)
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
            values = self._work([item for item, _ in taken])
        except BaseException as error:  # the thread's border: carried over to whoever waits for that item
            if len(taken) == 1:
                taken[0][1].set_exception(error)
            for one in taken if len(taken) > 1 else ():  # one item's fault is not the others'
                self._together([one])
            return
        for (_, future), value in zip(taken, values, strict=True):
            future.set_result(value)
