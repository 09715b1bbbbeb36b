"""What every journey starts from: the drawn home, its assistant, and pictures to ask about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.assistant import Assistant
from tests.journeys.drawn_home import built_home


@pytest.fixture(scope="session")
def drawn_home() -> Path:
    return built_home()


@pytest.fixture(scope="session")
def assistant(drawn_home: Path) -> Iterator[Assistant]:
    with Assistant.open(drawn_home) as assistant:
        yield assistant
