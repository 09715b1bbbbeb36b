"""A stream of events read on a thread of its own, for whoever must not wait for its next word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Thread

from app.answers import Event

__all__ = ["Ended", "read_on_thread"]


@dataclass(frozen=True, slots=True)
class Ended:
    """The stream is over; `error` is what it raised."""

    error: Exception | None = None


def read_on_thread(events: Iterator[Event], tell: Callable[[Event | Ended], None], stopped: Callable[[], bool]) -> None:
    """Begin to read a stream.

    Args:
        events: Closed at its end, and as soon as it comes up for air once it is stopped.
        tell: Called on the thread with each event, and with `Ended` last.
        stopped: Asked after each event whether to go on.
    """

    def work() -> None:
        error: Exception | None = None
        try:
            for event in events:
                if stopped():
                    break
                tell(event)
        except Exception as raised:  # the thread's border: carried over to whoever reads the events
            error = raised
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                close()
            tell(Ended(error))

    Thread(target=work, name="curbside-answer", daemon=True).start()
