"""Every example in a docstring is true."""

from __future__ import annotations

import doctest
import importlib

import pytest

from tests.test_imports import modules


def examples(name: str) -> list[doctest.DocTest]:
    found = doctest.DocTestFinder().find(importlib.import_module(name))
    return [test for test in found if any(not example.options.get(doctest.SKIP) for example in test.examples)]


WITH_EXAMPLES = [name for name in modules() if examples(name)]


def test_there_are_examples() -> None:
    assert len(WITH_EXAMPLES) >= 15


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
    said: list[str] = []
    for test in examples(name):
        runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
