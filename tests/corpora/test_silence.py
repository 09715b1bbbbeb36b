"""Warnings are silenced by one thread at a time, and shown again afterwards."""

from __future__ import annotations

import threading
import warnings

import pytest

from corpora.silence import silenced


def test_the_filters_of_one_thread_stay_while_another_begins_and_ends() -> None:
    began, may_end = threading.Event(), threading.Event()
    told: list[str] = []

    def other() -> None:
        with silenced(DeprecationWarning):
            began.set()
            may_end.wait(10)
            told.append("ends")

    before = list(warnings.filters)
    thread = threading.Thread(target=other)
    thread.start()
    assert began.wait(10)
    threading.Timer(0.05, may_end.set).start()
    with silenced(UserWarning, "Converting"):
        assert told == ["ends"]  # so that what it puts back are not this thread's
        warnings.warn("Converting a tensor", UserWarning, stacklevel=1)
    thread.join()
    assert warnings.filters == before


def test_other_messages_and_categories_are_shown() -> None:
    with silenced(UserWarning, "Converting"), pytest.raises(UserWarning, match="Something else"):
        warnings.warn("Something else", UserWarning, stacklevel=1)
    with silenced(UserWarning), pytest.raises(DeprecationWarning, match="old"):
        warnings.warn("old", DeprecationWarning, stacklevel=1)
