"""`POST /v1/ask`: whole answers, answers as they are written, and that nobody works for a caller who left."""

from __future__ import annotations

import base64
import json
import socket
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from app.assistant import Assistant
from app.service import create_service
from app.shaping import plain
from tests.app.service.scripted import Endless
from tests.chromium import served
from tests.small_home import ASKED, chest

LONG = 30


def body(**more: Any) -> dict[str, Any]:
    return {"text": ASKED, "images": [base64.b64encode(chest()).decode()], **more}


def events(text: str) -> list[tuple[str, Any]]:
    """The messages of an event stream: names and data."""
    found = []
    for message in text.split("\n\n")[:-1]:
        name, data = message.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_the_answer_is_the_assistant_s(client: TestClient, assistant: Assistant) -> None:
    response = client.post("/v1/ask", json=body())
    assert response.status_code == 200
    answer = response.json()
    assert answer == json.loads(json.dumps(plain(assistant.ask(ASKED, [chest()]), paths=False)))
    assert answer["verdict"] == "yes"
    assert answer["disclaimer"].startswith("Research use, not a medical device.")
    assert answer["evidence"][0]["hit"]["record"]["pictures"][0]["source"] == ""


def test_a_form_is_asked_too(client: TestClient) -> None:
    response = client.post("/v1/ask", data={"text": ASKED}, files={"images": ("chest.png", chest(), "image/png")})
    assert response.json()["verdict"] == "yes"


@pytest.mark.parametrize("how", ["header", "field"])
def test_events_come_in_order_and_end_with_the_answer(client: TestClient, how: str) -> None:
    headers = {"Accept": "text/event-stream"} if how == "header" else {}
    response = client.post("/v1/ask", json=body(stream=how == "field"), headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    told = events(response.text)
    names = [name for name, _ in told]
    assert names[0] == "stage"
    assert names.index("domain") < names.index("evidence") < names.index("text") < names.index("done")
    assert names[-1] == "done"
    assert dict(told)["domain"]["domain"]["name"] == "radiology"
    assert dict(told)["evidence"]["evidence"][0]["number"] == 1
    assert dict(told)["done"]["answer"] == client.post("/v1/ask", json=body()).json()


def test_a_conversation_goes_on(client: TestClient) -> None:
    first = client.post("/v1/ask", json=body()).json()
    turn = {"question": ASKED, "answer": first["text"], "images": body()["images"]}
    second = client.post("/v1/ask", json={"text": "And on which side?", "history": [turn]}).json()
    assert second["domain"]["name"] == "radiology"
    assert second["evidence"]


def test_a_wrong_question_has_a_status_in_a_stream_too(client: TestClient) -> None:
    for wrong, status in (({"text": ""}, 400), ({"text": "a", "corpora": ["x"]}, 404), ({"images": ["!"]}, 400)):
        response = client.post("/v1/ask", json={**wrong, "stream": True})
        assert response.status_code == status
        assert set(response.json()) == {"error", "message"}


def test_a_model_that_breaks_off_is_told_in_the_stream() -> None:
    endless = Endless(fails=True)
    client = TestClient(create_service(endless.assistant))
    told = events(client.post("/v1/ask", json={"text": "a", "stream": True}).text)
    assert told[-1] == ("error", {"error": "ModelError", "message": "The model is out of reach."})
    assert client.post("/v1/ask", json={"text": "a"}).status_code == 503


def test_closing_a_stream_stops_the_work() -> None:
    endless = Endless()
    with served(create_service(endless.assistant)) as address:
        with httpx.stream("POST", f"{address}/v1/ask", json={"text": "a", "stream": True}, timeout=LONG) as response:
            assert "stage" in next(response.iter_lines())
            assert endless.started.wait(LONG)
            assert not endless.stopped.is_set()
        assert endless.stopped.wait(LONG)


def test_hanging_up_stops_the_work_for_a_whole_answer() -> None:
    endless = Endless()
    with served(create_service(endless.assistant)) as address:
        host, port = address.removeprefix("http://").split(":")
        sent = b'{"text": "a"}'
        head = f"POST /v1/ask HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}"
        with socket.create_connection((host, int(port)), timeout=LONG) as caller:
            caller.sendall(head.encode() + b"\r\n\r\n" + sent)
            assert endless.started.wait(LONG)
        assert endless.stopped.wait(LONG)
