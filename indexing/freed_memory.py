"""Memory that a job frees and needs again a moment later stays with the process.

Of itself glibc gives large blocks back to the system when they are freed, so on a processor every layer of a tower asks
for its memory anew, page by page: a third of the time that a batch of pictures takes. For jobs: a server would keep as
much as it once needed.
"""

from __future__ import annotations

import ctypes
from typing import Any

__all__ = ["keep_freed_memory"]

# parameters of mallopt(3)
_TRIM_THRESHOLD, _MOST_MAPPED = -1, -4
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Have this process keep what it frees; returns whether its C library can (glibc; elsewhere nothing is done)."""
    mallopt: Any = getattr(_c_library(), "mallopt", None)
    return mallopt is not None and bool(mallopt(_MOST_MAPPED, 0) and mallopt(_TRIM_THRESHOLD, _NEVER))


def _c_library() -> Any:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # TypeError: Windows has no library of the process itself
        return None
