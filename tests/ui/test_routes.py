from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from corpora.records import Region
from tests.ui.scripted import EVIDENCE, WITH, Scripted, answer, png
from ui.chat.conversations import Conversation, Conversations
from ui.chat.exchange import Exchange, Marked, Upload
from ui.chat.routes import add_routes
from ui.cli.findings import contrast_lines

ASKED = Upload(png(), "")
PART = Marked(ASKED.key, Region(0, 0, 99, 99), "")
FIRST = replace(Exchange("effusion?", (ASKED,), marked=PART), answer=answer(), evidence=EVIDENCE)
HELD = Conversation("browser").with_next(FIRST)
for text in ("Only its size (effusion)?", "outside?", "And the heart?"):
    HELD = HELD.with_next(Exchange(text, (ASKED,), carried=True))
SCRIPTED = Scripted()


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI()
    held = Conversations()
    held.keep(HELD)
    add_routes(app, SCRIPTED, held)
    with TestClient(app) as client:
        yield client


def test_a_picture_is_served_privately(client: TestClient) -> None:
    response = client.get(f"/evidence/{WITH}?size=100")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["cache-control"].startswith("private")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.content.startswith(b"\xff\xd8")


@pytest.mark.parametrize("size", [-5, 0, 63, 10**9])
def test_sizes_are_clamped(client: TestClient, size: int) -> None:
    assert client.get(f"/evidence/{WITH}?size={size}").status_code == 200


@pytest.mark.parametrize("digest", ["0" * 64, "abc", WITH.upper(), "..%2F..%2Fetc%2Fpasswd", WITH + "0"])
def test_anything_else_is_one_line(client: TestClient, digest: str) -> None:
    response = client.get(f"/evidence/{digest}")
    assert response.status_code == 404
    assert "\n" not in response.text


def test_a_size_that_is_no_number_is_refused(client: TestClient) -> None:
    assert client.get(f"/evidence/{WITH}?size=large").status_code == 422


def test_static_files_are_served_and_nothing_beside_them(client: TestClient) -> None:
    assert "javascript" in client.get("/page/chat.js").headers["content-type"]
    assert client.get("/page/page.css").status_code == 200
    assert client.get("/page/../routes.py").status_code == 404
    assert client.get("/page/%2e%2e/routes.py").status_code == 404


def test_browsers_are_told_to_stay_here(client: TestClient) -> None:
    policy = client.get("/page/page.css").headers["content-security-policy"]
    assert "connect-src 'self'" in policy
    assert "http" not in policy


def test_why_a_picture_was_found(client: TestClient) -> None:
    asked = {"record": "teaching/cxr-1", "text": "effusion?", "picture": ASKED.key}
    told = client.post("/why", json=asked).json()["maps"]
    assert [one["title"] for one in told] == [
        f"asked with a picture of {Image.open(BytesIO(png())).size}",
        "asked “effusion?”",
    ]
    assert told[0]["image"].startswith("data:image/jpeg;base64,")
    assert client.post("/why", json={"record": "teaching/gone"}).status_code == 404
    assert client.post("/why", json={**asked, "picture": "another"}).json() == {
        "problem": "The picture of this question is not kept any more; ask again."
    }
    assert client.post("/why", json={"record": "r" * 500}).status_code == 422


def test_why_is_about_the_part_that_was_asked_about(client: TestClient) -> None:
    box = {"x0": 10, "y0": 20, "x1": 110, "y1": 80}
    asked = {"record": "teaching/cxr-1", "text": "effusion?", "picture": ASKED.key, "region": box}
    assert client.post("/why", json=asked).json()["maps"][0]["title"] == "asked with a picture of (100, 60)"
    empty = client.post("/why", json={**asked, "region": {**box, "x1": 10}})
    assert empty.status_code == 404
    assert "is empty" in empty.json()["problem"]
    assert client.post("/why", json={**asked, "region": {"x0": 1}}).status_code == 422


def test_a_picture_that_was_asked_about_is_kept_by_nobody(client: TestClient) -> None:
    response = client.get(f"/asked/{ASKED.key}")
    assert Image.open(BytesIO(response.content)).size == (320, 320)
    assert response.headers["cache-control"] == "no-store"
    assert [client.get(f"/asked/{key}").status_code for key in ("another", "é")] == [404, 404]


def test_both_sides_of_the_questions_finding(client: TestClient) -> None:
    html = client.post("/contrast", json={"question": FIRST.key}).json()["html"]
    assert html.index("pleural effusion, among the 48 nearest:") < html.index("shows it") < html.index("does not")
    assert 'data-number="contrast-1"' in html
    assert "[2] Chest radiograph, clear lungs" in html
    assert "&lt;script&gt;" in html
    asked = SCRIPTED.asked[-1]
    assert (asked["text"], asked["images"], asked["region"]) == ("effusion?", (png(),), PART.region)


def test_both_sides_of_a_follow_up(client: TestClient) -> None:
    html = client.post("/contrast", json={"question": HELD.exchanges[1].key}).json()["html"]
    assert "does not: none" in html
    asked = SCRIPTED.asked[-1]
    assert (asked["images"], asked["history"]) == ((), (FIRST.turn(pictured=True),))


@pytest.mark.parametrize(
    ("number", "name", "sentence"),
    [(2, "html", "Outside every domain: The picture is close"), (3, "problem", "names no finding; say which one")],
)
def test_a_contrast_that_is_none_is_one_sentence(client: TestClient, number: int, name: str, sentence: str) -> None:
    assert sentence in client.post("/contrast", json={"question": HELD.exchanges[number].key}).json()[name]


def test_the_contrast_of_a_question_that_is_gone(client: TestClient) -> None:
    response = client.post("/contrast", json={"question": "another"})
    assert (response.status_code, response.json()["problem"][:13]) == (404, "This question")


def test_the_command_line_calls_the_sides_the_same(client: TestClient) -> None:
    html = client.post("/contrast", json={"question": HELD.exchanges[1].key}).json()["html"]
    lines = contrast_lines(SCRIPTED.contrast("only effusion"))
    assert lines[0] in html
    assert lines[1].rstrip(":") in html
    assert lines[-1] in html
