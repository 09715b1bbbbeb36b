from collections.abc import Iterator
from threading import Event as Flag

import pytest

from app.answers import Event, Stage, TextPiece
from corpora.errors import ModelError
from ui.chat.running import Run, Runs


class Stream:
    """Yields pieces when told to, and says when it was closed."""

    def __init__(self) -> None:
        self.go, self.closed = Flag(), Flag()

    def events(self) -> Iterator[Event]:
        try:
            yield Stage("reading")
            self.go.wait(30)
            yield TextPiece("late")
        finally:
            self.closed.set()


def test_batches_hold_every_event_in_order() -> None:
    events = [TextPiece(str(number)) for number in range(200)]
    seen = [event for batch in Run(iter(events)).batches() for event in batch]
    assert seen == events


def test_an_error_reaches_the_reader_after_what_came_before() -> None:
    def broken() -> Iterator[Event]:
        yield TextPiece("one")
        raise ModelError("The model is gone.")

    seen: list[Event] = []

    def read() -> None:
        for batch in Run(broken()).batches():
            seen.extend(batch)

    with pytest.raises(ModelError, match="gone"):
        read()
    assert seen == [TextPiece("one")]


def test_stop_ends_the_batches_at_once_and_closes_the_stream_later() -> None:
    stream = Stream()
    run = Run(stream.events())
    batches = run.batches()
    assert next(batches) == [Stage("reading")]
    run.stop()
    assert list(batches) == []
    assert not stream.closed.is_set()
    stream.go.set()
    assert stream.closed.wait(30)
    assert run.stopped
    assert not run.abandoned


def test_a_page_has_one_run_and_a_new_one_abandons_it() -> None:
    runs, first, second = Runs(), Stream(), Stream()
    earlier = runs.start("page", first.events())
    later = runs.start("page", second.events())
    assert earlier.abandoned
    assert not later.stopped
    runs.stop("page")
    assert later.stopped
    runs.stop("page")
    runs.stop("another page")
    for stream in (first, second):
        stream.go.set()
        assert stream.closed.wait(30)


def test_finishing_forgets_only_the_own_run() -> None:
    runs = Runs()
    earlier = runs.start("page", iter([]))
    later = runs.start("page", iter([]))
    runs.finish("page", earlier)
    runs.stop("page")
    assert later.stopped
