"""A question at work on a thread of its own, so that stopping it never waits for the next word."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Lock

from app.answers import Event
from app.streams import Ended, read_on_thread

__all__ = ["Run", "Runs"]


class Run:
    """Reads a stream of events on a thread. `stop` may be called from any thread, any number of times."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._arrived: SimpleQueue[Event | Ended] = SimpleQueue()
        self._stop = Flag()
        self._abandoned = Flag()
        read_on_thread(events, self._arrived.put, self._stop.is_set)

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it."""
        return self._stop.is_set()

    @property
    def abandoned(self) -> bool:
        """Whether nobody looks at it any more, so that its end is not to be shown."""
        return self._abandoned.is_set()

    def stop(self, *, abandon: bool = False) -> None:
        """End `batches` now; the stream itself is closed as soon as it comes up for air."""
        if abandon:
            self._abandoned.set()
        self._stop.set()
        self._arrived.put(Ended())

    def batches(self) -> Iterator[list[Event]]:
        """Events as they come; those that arrived while the caller was busy come together.

        Raises what the stream raised.
        """
        while not self.stopped:
            batch, ended = self._next_batch()
            if batch and not self.stopped:
                yield batch
            if ended is not None:
                if ended.error is not None and not self.stopped:
                    raise ended.error
                return

    def _next_batch(self) -> tuple[list[Event], Ended | None]:
        batch: list[Event] = []
        item = self._arrived.get()
        while True:
            if isinstance(item, Ended):
                return batch, item
            batch.append(item)
            try:
                item = self._arrived.get_nowait()
            except Empty:
                return batch, None


class Runs:
    """The run of each open page; a page has at most one. Thread-safe."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._lock = Lock()

    def busy(self, page: str) -> bool:
        """Whether the page has a run at work."""
        with self._lock:
            return page in self._runs

    def start(self, page: str, events: Iterator[Event]) -> Run:
        """Begin a run for the page; one that was still at work is abandoned."""
        run = Run(events)
        with self._lock:
            earlier = self._runs.get(page)
            self._runs[page] = run
        if earlier is not None:
            earlier.stop(abandon=True)
        return run

    def stop(self, page: str, *, abandon: bool = False) -> None:
        """Stop what the page is running, if anything."""
        with self._lock:
            run = self._runs.pop(page, None)
        if run is not None:
            run.stop(abandon=abandon)

    def finish(self, page: str, run: Run) -> None:
        """Stop the run and forget it."""
        run.stop()
        with self._lock:
            if self._runs.get(page) is run:
                del self._runs[page]
