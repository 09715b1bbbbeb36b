"""What is dear to make, made once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

__all__ = ["once"]

Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")


def once(make: Callable[Arguments, Made]) -> Callable[Arguments, Made]:
    """`functools.cache` for several threads: who asks while it is being made waits, instead of making another.

    >>> made = []
    >>> @once
    ... def tower(name: str) -> str:
    ...     made.append(name)
    ...     return name.upper()
    >>> tower("a"), tower("a"), made
    ('A', 'A', ['a'])
    """
    made, lock = cache(make), threading.RLock()

    @wraps(make)
    def waiting(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Made:
        with lock:
            return made(*args, **kwargs)  # type: ignore[arg-type]  # must be hashable, as with `cache`

    return waiting
