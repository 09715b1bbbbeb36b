"""`/docs` and `/openapi.json`: complete, and from this host alone."""

from __future__ import annotations

import json
import re
from importlib import resources

import jsonschema  # type: ignore[import-untyped]
from fastapi.testclient import TestClient

from app.assistant import Assistant
from app.service import create_service
from tests.chromium import BROWSER_MARKS, chromium, served


def test_the_page_names_no_other_host(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {"docs-files/docs.js", "docs-files/docs.css"} <= set(loaded)
    texts = [page.text] + [client.get(f"/{one}").text for one in loaded if one.startswith("docs-files/")]
    for text in texts:
        assert re.findall(r"https?:|//[a-z0-9.-]+\.[a-z]{2,}|@import|url\(", text) == []
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "not a medical device" in page.text
    assert client.get("/redoc").status_code == 404


def test_only_the_page_s_files_are_served(client: TestClient) -> None:
    folder = resources.files("app.service").joinpath("page_files")
    for entry in folder.iterdir():
        assert client.get(f"/docs-files/{entry.name}").status_code == 200
    for outside in ("../documentation.py", "%2e%2e/documentation.py", "nothing.js"):
        assert client.get(f"/docs-files/{outside}").status_code == 404


def test_the_document_describes_every_route(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/v1/search", "/v1/contrast", "/v1/timeline", "/v1/explain", "/v1/ask",
        "/v1/records/{corpus}/{id}", "/evidence/{digest}", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    names = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))
    assert names <= set(document["components"]["schemas"])
    assert "not a medical device" in document["info"]["description"]
    ask = document["paths"]["/v1/ask"]["post"]
    assert set(ask["requestBody"]["content"]) == {"application/json", "multipart/form-data"}
    assert set(ask["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}


def test_examples_and_results_are_as_described(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    shared = {"components": document["components"]}
    search = document["paths"]["/v1/search"]["post"]
    described = search["requestBody"]["content"]["application/json"]
    jsonschema.validate(described["example"], {**described["schema"], **shared})
    response = client.post("/v1/search", json=described["example"])
    assert response.status_code == 200
    schema = search["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(response.json(), {**schema, **shared})


class TestInABrowser:
    """The page in a real browser."""

    pytestmark = BROWSER_MARKS

    def test_a_search_is_sent_from_the_page(self, assistant: Assistant) -> None:
        asked: list[str] = []
        wrong: list[str] = []
        with served(create_service(assistant)) as address, chromium() as browser:
            page = browser.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: wrong.append(message.text))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.goto(f"{address}/docs")
            page.wait_for_selector("details")
            assert page.locator("details").count() == 10
            page.locator("details[open] button").click()
            page.wait_for_selector("text=200 application/json")
            assert '"hits"' in page.locator("details[open] [aria-live] pre").inner_text()
        assert wrong == []
        assert all(url.startswith((address, "data:")) for url in asked)
