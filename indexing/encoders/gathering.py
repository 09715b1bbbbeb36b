"""Calls from several threads gathered into one: models are faster on batches than one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Gatherer"]

Item = TypeVar("Item")
Value = TypeVar("Value")


@dataclass
class _Waiting(Generic[Item, Value]):
    item: Item
    done: bool = False
    values: Sequence[Value] = ()
    error: Exception | None = None


class Gatherer(Generic[Item, Value]):
    """Works on what several threads bring at once, and never makes a lone caller wait.

    Whoever comes while there is a free place, works: on everything that waits. Those who come meanwhile wait for one of
    them to take all of them together. What two threads bring under the same key is worked on once.

    Args:
        work: Values of items, in order.
        most: How many items one call may hold.
        places: How many threads may be in `work` at once.
    """

    def __init__(self, work: Callable[[list[Item]], Sequence[Value]], most: int = 16, places: int = 1) -> None:
        self._work, self._most, self._free = work, most, places
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, _Waiting[Item, Value]] = {}

    def __call__(self, key: Hashable, item: Item) -> Value:
        """The value of one item; raises what `work` raises for it."""
        with self._changed:
            mine = self._waiting.setdefault(key, _Waiting(item))
        while not self._finished(mine):
            self._lead()
        if mine.error is not None:
            raise mine.error
        return mine.values[0]

    def _finished(self, mine: _Waiting[Item, Value]) -> bool:
        """Wait until somebody has worked on it (True), or it is this thread's turn to work (False)."""
        with self._changed:
            while not mine.done and not (self._free and self._waiting):
                self._changed.wait()
            if not mine.done:
                self._free -= 1
            return mine.done

    def _lead(self) -> None:
        """Work on the first of those who wait, and wake everybody."""
        with self._changed:
            taken = [self._waiting.pop(key) for key in list(self._waiting)[: self._most]]
        try:
            self._together(taken)
        finally:
            with self._changed:
                self._free += 1
                for one in taken:
                    if not one.values and one.error is None:  # this thread was interrupted
                        one.error = RuntimeError("The work was interrupted; ask again.")
                    one.done = True
                self._changed.notify_all()

    def _together(self, taken: Sequence[_Waiting[Item, Value]]) -> None:
        try:
            values = self._work([one.item for one in taken])
        except Exception as error:  # the thread's border: carried over to whoever waits for that item
            if len(taken) == 1:
                taken[0].error = error
                return
            for one in taken:  # one item's fault is not the others'
                self._together([one])
            return
        for one, value in zip(taken, values, strict=True):
            one.values = (value,)
