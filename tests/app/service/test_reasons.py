"""`/v1/contrast`, `/v1/timeline` and `/v1/explain`: what Python tells, under the same names."""

from __future__ import annotations

import base64
import json
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.assistant import Assistant
from app.service import create_service
from app.shaping import plain
from corpora.catalog import Corpus
from corpora.errors import QueryError
from corpora.records import Record
from retrievers import Query
from tests.small_home import chest, small_home

SAID = "Research use, not a medical device."


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Assistant]:
    """A home of the test's own, with two studies of one patient."""
    shutil.copytree(small_home(), tmp_path / "home")
    studies = ((3, "There is a large effusion."), (8, "The effusion is smaller. The heart is normal."))
    with Assistant.open(tmp_path / "home") as opened:
        opened.retriever.catalog.add(
            [Record(f"s{day}", "book", "case", "radiology", report=text, patient="p", day=day) for day, text in studies]
        )
        yield opened


def told(client: TestClient, route: str, status: int = 200, **body: Any) -> Any:
    response = client.post(f"/v1/{route}", json=body)
    assert response.status_code == status, response.text
    return response.json()


def same(value: Any) -> Any:
    return json.loads(json.dumps(plain(value, paths=False)))


def test_both_sides_of_a_finding(client: TestClient, assistant: Assistant) -> None:
    encoded = base64.b64encode(chest()).decode()
    found = told(client, "contrast", images=[encoded], finding="pleural effusion", corpora=["drawn"])
    assert found.pop("disclaimer") == SAID
    assert found == same(assistant.retriever.contrast(Query(images=[chest()], corpora=["drawn"]), "pleural effusion"))
    assert found["affirming"]["record"]["id"] != found["denying"]["record"]["id"]
    assert all(picture["source"] == "" for picture in found["affirming"]["record"]["pictures"])
    assert "no finding" in told(client, "contrast", 422, text="hello")["message"]


def test_the_studies_of_a_patient(own: Assistant) -> None:
    with TestClient(create_service(own)) as client:
        found = told(client, "timeline", patient="book/p", text="pleural effusion", before=9)
        assert found.pop("disclaimer") == SAID
        assert found == same(own.retriever.timeline(Query("pleural effusion", patient="book/p", before=9)))
        assert [study["day"] for study in found["studies"]] == [3, 8]
        assert "domain" in told(client, "timeline", 422, patient="book/p", domain="radiology")["message"]
        assert told(client, "timeline", patient="book/p")["whole"] == found["whole"]
        assert "give a text" in told(client, "search", 400, patient="book/p")["message"]
        assert found["regional"] == "The effusion is smaller."
        assert told(client, "timeline", 404, patient="book/nobody", text="effusion")["error"] == "UnknownNameError"
        assert told(client, "timeline", 422)["error"] == "InputError"


def test_why_a_record_matches(client: TestClient, assistant: Assistant) -> None:
    encoded = base64.b64encode(chest()).decode()
    hit = assistant.retriever.search(Query("pleural effusion", [chest()], corpora=["drawn"]), 1).hits[0]
    name = f"drawn/{hit.record.id}"
    asked = {"text": "pleural effusion", "images": [encoded], "corpora": ["drawn"]}
    found = told(client, "explain", record=name, **asked)
    assert found["record"] == name
    assert found["disclaimer"] == SAID
    assert {list_name: rank for list_name, rank, _ in found["found_by"]} == hit.ranks
    assert found["sentence"] == hit.sentence
    assert len(found["asked_map"]["grid"]) == len(found["asked_map"]["grid"][0])
    assert [one["image"][:23] for one in found["maps"]] == ["data:image/jpeg;base64,"] * 3
    assert told(client, "explain", 404, record="drawn/none", **asked)["error"] == "UnknownNameError"
    assert told(client, "explain", 400, record=name)["error"] == "QueryError"


def test_a_form_may_ask_for_a_timeline_but_brings_no_picture(own: Assistant) -> None:
    with TestClient(create_service(own)) as client:
        form = client.post("/v1/timeline", files={"patient": (None, "book/p"), "corpora": (None, "book")})
        assert form.json()["patient"] == "book/p"
        uploaded = client.post("/v1/timeline", data={"patient": "book/p"}, files={"images": chest()})
        assert uploaded.status_code == 422
        assert uploaded.json()["message"] == "The field images holds a file; none may here."


def test_explanations_keep_nobody_waiting(own: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many at once: one works, and the service still says that it is alive."""
    go, begun = threading.Event(), threading.Semaphore(0)

    def why(*_: object) -> None:
        begun.release()
        go.wait(30)
        raise QueryError("enough")

    monkeypatch.setattr(own, "why", why)
    with TestClient(create_service(own)) as client, ThreadPoolExecutor(60) as threads:
        asked = [threads.submit(client.post, "/v1/explain", json={"record": "a/b", "text": "x"}) for _ in range(60)]
        assert begun.acquire(timeout=30)
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.post("/v1/search", json={"text": "pleural effusion"}).status_code == 200
        assert not begun.acquire(blocking=False)
        go.set()
        assert {one.result(30).status_code for one in asked} == {400}


@pytest.mark.parametrize(
    ("route", "body", "shown"),
    [
        ("contrast", {"text": "pleural effusion"}, '"record":'),
        ("timeline", {"text": "effusion", "patient": "book/p"}, "The effusion"),
        ("explain", {"text": "pleural effusion", "record": "book/page/1"}, '"sentence":'),
    ],
)
def test_access_groups_hold(own: Assistant, route: str, body: dict[str, str], shown: str) -> None:
    for corpus in ("book", "drawn"):
        own.retriever.catalog.put_corpus(Corpus(corpus, groups=("staff",)))
    for groups, seen in ((frozenset({"staff"}), True), (frozenset[str](), False)):
        with TestClient(create_service(own, groups_of=lambda _, groups=groups: groups)) as client:  # type: ignore[misc]
            response = client.post(f"/v1/{route}", json=body)
        assert (shown in response.text) == seen, response.text
