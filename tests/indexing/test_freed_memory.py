"""Freed memory is kept where the C library can, and nothing breaks where it cannot."""

from __future__ import annotations

import subprocess
import sys

import pytest

from indexing import freed_memory

_PROBE = """
import ctypes, resource, sys
from indexing.freed_memory import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        b"x" * (64 * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


def faults(how: str) -> int:
    found = subprocess.run([sys.executable, "-c", _PROBE, how], capture_output=True, text=True, check=True)
    return int(found.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of glibc")
def test_what_was_freed_is_not_asked_for_page_by_page() -> None:
    assert faults("kept") * 10 < faults("given back")


@pytest.mark.parametrize("library", [None, object()])
def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch, library: object) -> None:
    monkeypatch.setattr(freed_memory, "_c_library", lambda: library)
    assert not freed_memory.keep_freed_memory()
