"""What callers may get wrong: a status and one sentence, never a trace."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.assistant import Assistant
from app.service import create_service
from app.service.errors import status_of
from corpora import errors
from corpora.home import Home
from tests.conftest import picture, png_bytes
from tests.ui.cli.test_bad_input import huge_png

JSON = {"Content-Type": "application/json"}


def told(response: Any, status: int, *parts: str) -> None:
    """One sentence under that status, with these parts."""
    assert response.status_code == status, response.text
    said = response.json()
    assert set(said) == {"error", "message"}
    assert "Traceback" not in response.text
    assert "\n" not in said["message"]
    for part in parts:
        assert part in said["message"]


@pytest.mark.parametrize("route", ["/v1/search", "/v1/ask"])
@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        ({}, 400, "give a text, a picture, or both"),
        ({"text": "  "}, 400, "give a text, a picture, or both"),
        ({"text": "a", "domain": "astrology"}, 404, "no domain in this index named 'astrology'"),
        ({"text": "a", "corpora": ["nothing"]}, 404, "no corpus named 'nothing'; known: book, drawn"),
        ({"text": "a", "images": ["/etc/hostname"]}, 400, "picture 1 is not base64"),
        ({"text": "a", "images": ["aGVsbG8="]}, 422, "is not a picture that can be read"),
        ({"text": "a", "images": "aGVsbG8="}, 422, "images"),
        ({"text": "a", "region": {"x0": 5, "y0": 5, "x1": 5, "y1": 9}}, 422, "is empty"),
        ({"text": "a", "region": [1, 2, 3, 4]}, 422, "region"),
        ({"text": "a", "before": 2**63}, 422, "before"),
        ({"text": 7}, 422, "text"),
        ({"text": "a", "colour": "red"}, 422, "colour"),
        (["a"], 422, "The body"),
        ("a", 422, "The body"),
    ],
)
def test_a_wrong_question(client: TestClient, route: str, body: Any, status: int, part: str) -> None:
    told(client.post(route, json=body), status, part)


@pytest.mark.parametrize("k", [0, -1, 201, 2.5, "many", None, 10**30])
def test_a_wrong_k(client: TestClient, k: Any) -> None:
    told(client.post("/v1/search", json={"text": "a", "k": k}), 422, "k: ")


@pytest.mark.parametrize(
    "raw", [b'{"text": "a", "k": NaN}', b'{"text": "a", "before": -Infinity}', b"{", b"\xff\xfe", b"", b"[" * 200_000]
)
def test_what_is_no_json(client: TestClient, raw: bytes) -> None:
    told(client.post("/v1/search", content=raw, headers=JSON), 400, "no valid JSON")


def test_numbers_without_end(client: TestClient) -> None:
    told(client.post("/v1/search", content=b'{"text": "a", "k": 1e999}', headers=JSON), 422, "k: ")
    told(client.post("/v1/search", content=b'{"k": ' + b"9" * 9000 + b"}", headers=JSON), 400, "no valid JSON")


@pytest.mark.parametrize(
    ("data", "status", "part"),
    [
        (huge_png(), 422, "the limit of 60 million"),
        (png_bytes(picture(1))[:60], 422, "damaged or cut short"),
        (b"nothing", 422, "not a picture"),
    ],
)
def test_a_bad_picture(client: TestClient, data: bytes, status: int, part: str) -> None:
    told(client.post("/v1/search", json={"images": [base64.b64encode(data).decode()]}), status, part)
    told(client.post("/v1/ask", files={"images": ("x.png", data, "image/png")}), status, part)


def test_a_picture_of_one_pixel_is_a_picture(client: TestClient) -> None:
    response = client.post("/v1/search", json={"images": [base64.b64encode(png_bytes(picture(1, (1, 1)))).decode()]})
    assert response.status_code == 200


def test_a_region_outside_the_picture(client: TestClient) -> None:
    encoded = base64.b64encode(png_bytes(picture(1))).decode()
    box = {"x0": 900, "y0": 0, "x1": 901, "y1": 1}
    told(client.post("/v1/search", json={"images": [encoded], "region": box}), 400, "outside the picture")


def test_other_kinds_of_bodies(client: TestClient) -> None:
    told(client.post("/v1/search", data={"text": "a"}), 415, "send application/json or multipart/form-data")
    told(client.post("/v1/search"), 415, "none")
    broken = {"Content-Type": "multipart/form-data"}
    told(client.post("/v1/search", content=b"x", headers=broken), 400)
    told(client.post("/v1/search", data={"text": "a"}, files={"other": b"x"}), 422, "other")
    files = [("images", (f"{n}.png", b"x", "image/png")) for n in range(40)]
    told(client.post("/v1/search", files=files), 400, "Too many files")


def test_a_body_over_the_limit(assistant: Assistant) -> None:
    client = TestClient(create_service(assistant, max_body=1000))
    large = json.dumps({"text": "a" * 1000}).encode()
    told(client.post("/v1/search", content=large, headers=JSON), 413, "larger than")
    told(client.post("/v1/search", content=iter([large[:600], large[600:]]), headers=JSON), 413, "larger than")
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    told(client.post("/v1/ask", content=iter([b"--x\r\n", large]), headers=form), 413, "larger than")
    assert client.post("/v1/search", json={"text": "effusion"}).status_code == 200


def test_addresses_that_are_not_there(client: TestClient) -> None:
    told(client.get("/v1/nothing"), 404, "/docs")
    told(client.get("/v1/search"), 405, "/docs")


def test_a_home_without_an_index(home: Home) -> None:
    with Assistant.open(home.path) as assistant:
        client = TestClient(create_service(assistant))
        told(client.post("/v1/search", json={"text": "a"}), 409, "curbside index build")
        told(client.post("/v1/ask", json={"text": "a"}), 409, "curbside index build")
        assert client.get("/readyz").status_code == 503
        assert "curbside index build" in client.get("/readyz").json()["message"]
        assert client.get("/healthz").json() == {"status": "ok"}
        assert "curbside_index_version{" not in client.get("/metrics").text


def test_a_bug_is_one_sentence(client: TestClient, assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> Iterator[Any]:
        raise KeyError("secret")

    monkeypatch.setattr(assistant, "stream", broken)
    response = client.post("/v1/ask", json={"text": "a"})
    told(response, 500, "the service's log says what")
    assert "secret" not in response.text


def test_every_error_has_a_status() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.CurbsideError)]
    assert len(kinds) >= 18
    for kind in kinds:
        assert status_of(kind.__new__(kind)) in {400, 404, 409, 422, 503}
    assert status_of(errors.QueryError("")) == 400
    assert status_of(errors.DecodeError("")) == 422
    assert status_of(errors.LicenceError("")) == 409
