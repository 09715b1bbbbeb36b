"""By which names the service may be called, and where it binds."""

from __future__ import annotations

import socket

import pytest
from fastapi.testclient import TestClient

from app.assistant import Assistant
from app.service import create_service
from app.service.serving import is_local, listen
from corpora.errors import InputError


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "LOCALHOST:1", "[::1]:8000", "pacs.example"])
def test_its_own_names(assistant: Assistant, host: str) -> None:
    client = TestClient(create_service(assistant, hosts=("127.0.0.1", "localhost", "::1", "pacs.example")))
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "", "[::1", "a@b:c"])
def test_other_names_are_refused(assistant: Assistant, host: str) -> None:
    client = TestClient(create_service(assistant, hosts=("127.0.0.1", "localhost")))
    response = client.get("/healthz", headers={"Host": host})
    assert response.status_code == 400
    assert "--allow-host" in response.json()["message"]


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.9", True), ("localhost", True), ("10.0.0.1", False), ("::", False)]
)
def test_what_is_local(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_a_port_is_bound_exactly_or_refused() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert listener.proto == socket.IPPROTO_TCP
        with pytest.raises(InputError, match=rf"127\.0\.0\.1:{port} cannot be used: Address already in use"):
            listen("127.0.0.1", port)
    with pytest.raises(InputError, match="between 0 and 65535"):
        listen("127.0.0.1", 70_000)
    with pytest.raises(InputError, match="cannot be used"):
        listen("nowhere.invalid", 0)
