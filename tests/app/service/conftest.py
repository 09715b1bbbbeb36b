"""The service over a small home, in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.assistant import Assistant
from app.service import create_service
from tests.small_home import small_home


@pytest.fixture(scope="session")
def assistant() -> Iterator[Assistant]:
    with Assistant.open(small_home()) as opened:
        yield opened


@pytest.fixture
def client(assistant: Assistant) -> Iterator[TestClient]:
    with TestClient(create_service(assistant), raise_server_exceptions=False) as client:
        yield client
