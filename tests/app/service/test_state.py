"""Records, pictures, readiness, metrics, and whom they are for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from app.assistant import Assistant
from app.service import create_service
from corpora.catalog import Catalog, Corpus
from corpora.home import Home
from indexing.jobs import BuildOptions, build_index
from tests.conftest import case, picture, png_bytes
from tests.small_home import ASKED, CASES

FIRST = f"cxr-example-pleural-effusion-{CASES[0][2]}"


def test_a_record_as_evidence_names_it(client: TestClient) -> None:
    told = client.get(f"/v1/records/drawn/{FIRST}")
    assert told.status_code == 200
    assert told.json()["labels"] == ["pleural effusion"]
    assert told.json()["pictures"][0]["source"] == ""
    assert client.get("/v1/records/book/page/1").json()["id"] == "page/1"
    for nothing in ("drawn/nobody", "nothing/page", "book/../../etc"):
        assert client.get(f"/v1/records/{nothing}").status_code == 404


def test_a_picture_of_a_record(client: TestClient) -> None:
    digest = client.get(f"/v1/records/drawn/{FIRST}").json()["pictures"][0]["digest"]
    small, large = (client.get(f"/evidence/{digest}?size={size}") for size in (1, 10**9))
    assert small.headers["content-type"] == "image/jpeg"
    assert small.headers["x-content-type-options"] == "nosniff"
    assert small.headers["cache-control"].startswith("private")
    assert small.content.startswith(b"\xff\xd8")
    assert len(small.content) < len(large.content)
    assert client.get("/evidence/" + "0" * 64).status_code == 404
    assert client.get("/evidence/..%2f..%2fetc").status_code == 404


def test_it_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "index": "default v1"}


def test_metrics_count_what_was_done_and_not_what_was_asked(client: TestClient) -> None:
    client.post("/v1/search", json={"text": "secretpatient drusen of the retina"})
    client.post("/v1/search", json={"text": ""})
    client.post("/v1/ask", json={"text": ASKED, "domain": "radiology"})
    client.get(f"/v1/records/drawn/{FIRST}")
    client.get("/nothing/secretpatient")
    client.request("BREW", "/healthz")
    told = client.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        'curbside_requests_total{method="POST",route="/v1/search",status="200"} 1.0',
        'curbside_requests_total{method="POST",route="/v1/search",status="400"} 1.0',
        'curbside_requests_total{method="GET",route="elsewhere",status="404"} 1.0',
        'curbside_requests_total{method="other",route="/healthz",status="405"} 1.0',
        'curbside_request_seconds_count{route="/v1/ask"} 1.0',
        'curbside_searches_total{domain="ophthalmology"} 1.0',
        'curbside_searches_total{domain="radiology"} 1.0',
        'curbside_index_version{index="default"} 1.0',
    ):
        assert line in told.text.splitlines()
    assert "secretpatient" not in told.text
    assert FIRST not in told.text


def test_an_abstention_is_counted(client: TestClient) -> None:
    answer = client.post("/v1/ask", json={"text": "How do I bake sourdough bread in a cast iron pot?"}).json()
    assert answer["verdict"] == "abstained"
    told = client.get("/metrics").text.splitlines()
    assert "curbside_abstentions_total 1.0" in told
    assert 'curbside_answers_total{verdict="abstained"} 1.0' in told


@pytest.fixture
def guarded(home: Home) -> Iterator[TestClient]:
    """A service that takes the asking person's groups from a header, over an open and a closed corpus."""
    with Catalog.open(home.catalog_url) as catalog:
        catalog.put_corpus(Corpus("open"))
        catalog.put_corpus(Corpus("closed", groups=("staff",)))
        catalog.add([case(1, home, "open"), case(2, home, "closed")])
    build_index(home, options=BuildOptions())

    def groups_of(request: Request) -> frozenset[str] | None:
        return frozenset(request.headers.get("x-groups", "").split())

    with Assistant.open(home.path) as assistant:
        yield TestClient(create_service(assistant, groups_of=groups_of))


def test_the_groups_of_the_asking_person_hold_everywhere(guarded: TestClient) -> None:
    asked = {"text": "There is pneumothorax or consolidation", "domain": "radiology"}
    for groups, wanted in (("", {"open"}), ("guests", {"open"}), ("guests staff", {"open", "closed"})):
        headers = {"X-Groups": groups}
        found = guarded.post("/v1/search", json=asked, headers=headers).json()
        assert {hit["record"]["corpus"] for hit in found["hits"]} == wanted
        answer = guarded.post("/v1/ask", json=asked, headers=headers).json()
        assert {item["hit"]["record"]["corpus"] for item in answer["evidence"]} <= wanted
        status = guarded.get("/v1/records/closed/case-2", headers=headers).status_code
        assert status == (200 if "closed" in wanted else 404)
        for corpus, number in (("open", 1), ("closed", 2)):
            digest = hashlib.sha256(png_bytes(picture(number))).hexdigest()
            status = guarded.get(f"/evidence/{digest}", headers=headers).status_code
            assert status == (200 if corpus in wanted else 404)
