"""Work that takes seconds, kept away from the threads of quick requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["SlowWork"]

Value = TypeVar("Value")


class SlowWork:
    """Runs one piece of work after the other on a thread of its own; who waits for it holds no thread meanwhile."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "curbside-slow")

    async def __call__(self, work: Callable[[], Value]) -> Value:
        """What the work returns or raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
