"""Silencing warnings of libraries, from several threads."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["silenced"]

_one = threading.Lock()


@contextmanager
def silenced(category: type[Warning], *messages: str) -> Iterator[None]:
    """Show no warning of that category whose message begins with one of these regular expressions; all, without any.

    Filters belong to the process, and `warnings.catch_warnings` puts back those that it found: of two threads the one
    that began first would take the other's filters away. So one thread silences at a time; keep what is within short.
    """
    with _one, warnings.catch_warnings():
        for message in messages or ("",):
            warnings.filterwarnings("ignore", message, category)
        yield
