"""`POST /v1/search`: what the retriever finds, under the same names."""

from __future__ import annotations

import base64
import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.assistant import Assistant
from app.service.bodies import SearchBody
from app.shaping import plain
from retrievers import Query
from tests.small_home import chest

WORDS = "pleural effusion on the chest radiograph"


def found(client: TestClient, **body: Any) -> Any:
    response = client.post("/v1/search", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def ids(told: Any) -> list[str]:
    return [hit["record"]["id"] for hit in told["hits"]]


def test_it_tells_what_the_retriever_finds(client: TestClient, assistant: Assistant) -> None:
    query = Query(WORDS, [chest()], region=None, corpora=["drawn"])
    wanted = plain(assistant.retriever.search(query, 2), paths=False)
    encoded = base64.b64encode(chest()).decode()
    told = found(client, text=WORDS, images=[encoded], k=2, corpora=["drawn"])
    assert told == json.loads(json.dumps(wanted))
    assert told["domain"]["name"] == "radiology"
    assert len(told["hits"]) == 2


def test_a_form_with_a_file_says_the_same(client: TestClient) -> None:
    encoded = "data:image/png;base64," + base64.b64encode(chest()).decode()
    box = {"x0": 10, "y0": 10, "x1": 200, "y1": 200}
    lists = {"exclude": ["nothing", "no"], "corpora": ["drawn"]}
    as_json = found(client, text="this", images=[encoded], region=box, k=3, **lists)
    form = {"text": "this", "region": json.dumps(box), "k": "3", **lists}
    response = client.post("/v1/search", data=form, files=[("images", ("chest.png", chest(), "image/png"))])
    assert response.status_code == 200, response.text
    assert response.json() == as_json


def test_each_field_reaches_the_search(client: TestClient) -> None:
    everything = ids(found(client, text=WORDS, k=20))
    first = everything[0]
    assert first not in ids(found(client, text=WORDS, k=20, exclude=[first]))
    pages = found(client, text=WORDS, k=20, corpora=["book"])["hits"]
    assert {hit["record"]["corpus"] for hit in pages} == {"book"}
    forced = found(client, text="this", domain="ophthalmology", k=1)
    assert forced["domain"]["searched"][0] == "ophthalmology"
    assert "page/1" in everything
    days = [hit["record"]["day"] for hit in found(client, text=WORDS, k=20, before=-(10**6))["hits"]]
    assert all(day is None for day in days)


def test_where_pictures_were_read_from_stays_here(client: TestClient, assistant: Assistant) -> None:
    told = found(client, text=WORDS, images=[base64.b64encode(chest()).decode()], k=1)
    (picture,) = told["hits"][0]["record"]["pictures"]
    assert picture["source"] == ""
    record = assistant.retriever.catalog.find("drawn", told["hits"][0]["record"]["id"])
    assert record.pictures[0].source != ""


def test_the_body_offers_what_a_query_takes() -> None:
    fields = {field.name for field in dataclasses.fields(Query)} - {"groups"}
    assert fields | {"k"} == set(SearchBody.model_fields)


def test_a_hundred_kilobytes_of_text_are_searched(client: TestClient) -> None:
    assert found(client, text="pleural effusion and fever " * 3900, k=2)["hits"] is not None


def test_control_characters_and_foreign_marks_are_no_trouble(client: TestClient) -> None:
    for text in ("\x00\x1b[31m effusion", "\u202eeffusion\u202c", "'; DROP TABLE record; --", "\ud800 effusion"):
        raw = json.dumps({"text": text, "k": 1})
        response = client.post("/v1/search", content=raw, headers={"Content-Type": "application/json"})
        assert response.status_code == 200, response.text


@pytest.mark.timeout(300)
def test_callers_at_the_same_time_get_their_own_results(client: TestClient) -> None:
    texts = [WORDS, "drusen of the retina", "melanoma of the skin", "B-lines on lung ultrasound"]
    alone = [found(client, text=text, k=3) for text in texts]
    with ThreadPoolExecutor(8) as callers:
        together = list(callers.map(lambda text: found(client, text=text, k=3), texts * 4))
    assert together == alone * 4
