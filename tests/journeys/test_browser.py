"""From a picture in the browser to an answer with its sources: Debian's Chromium against the real assistant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from app.assistant import Assistant
from corpora.teaching.chest_radiograph import twins
from tests.chromium import BROWSER_MARKS, chromium, served
from tests.journeys.pictures import bytes_of, landscape, picture_of
from ui.chat import create_app

PATIENCE = 90_000
SEED = 1

pytestmark = BROWSER_MARKS


@pytest.fixture(scope="module")
def address(assistant: Assistant) -> Iterator[str]:
    """The page of the drawn home, served."""
    with served(create_app(assistant)) as address:
        yield address


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    """One page for the whole journey; nothing that it asks may leave this machine."""
    hosts: set[str] = set()
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
        page.goto(address)
        page.wait_for_selector(".examples")
        yield page
    assert hosts - {""} == {"127.0.0.1"}


@pytest.fixture(autouse=True)
def new_conversation(page: Page) -> None:
    page.click(".history .new")
    page.wait_for_selector("#current .examples")


def ask(page: Page, text: str, picture: bytes | None, folder: Path) -> None:
    if picture is not None:
        path = folder / "picture.png"
        path.write_bytes(picture)
        page.set_input_files("#box input[type=file]", path)
        page.wait_for_selector("#box .thumbnail-item")
    page.fill("#box textarea", text)
    page.press("#box textarea", "Enter")
    page.wait_for_selector("#current .exchange.done")


@pytest.mark.parametrize(("which", "verdict"), [(0, "Yes"), (1, "No")])
def test_an_uploaded_radiograph_and_its_twin(page: Page, tmp_path: Path, which: int, verdict: str) -> None:
    ask(page, "Is there a pleural effusion?", picture_of(twins(SEED)[which]), tmp_path)
    expect(page.locator("#current .verdict")).to_contain_text(verdict)
    expect(page.locator("#current .chip")).to_contain_text("radiology")
    tiles = page.locator("#gallery .tile")
    assert tiles.count() >= 4
    expect(tiles.first).to_contain_text("drawn")
    loaded = "image => image.complete && image.naturalWidth > 0"
    page.wait_for_function(f"({loaded})(document.querySelector('#gallery .tile .open img'))")
    cited = page.locator("#current .text .cite").first
    number = cited.get_attribute("data-number")
    cited.click()
    dialog = page.locator("#evidence-dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator("h2")).to_contain_text(f"[{number}]")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_follow_up_stays_with_the_picture(page: Page, tmp_path: Path) -> None:
    ask(page, "Is there a pleural effusion?", picture_of(twins(SEED)[0]), tmp_path)
    ask(page, "On which side is it?", None, tmp_path)
    page.wait_for_selector("#past .exchange")
    expect(page.locator("#current .text")).to_contain_text("Most likely on")
    expect(page.locator("#current .chip")).to_contain_text("radiology")


def test_a_photograph_gets_no_medical_answer(page: Page, tmp_path: Path) -> None:
    ask(page, "Is there a pleural effusion?", bytes_of(landscape()), tmp_path)
    expect(page.locator("#current .chip")).to_have_text("outside every domain")
    expect(page.locator("#current .verdict")).to_have_text("No answer")
    expect(page.locator("#gallery .tile")).to_have_count(0)


def test_a_question_in_words_shows_a_figure(page: Page, tmp_path: Path) -> None:
    ask(page, "What is a pleural effusion?", None, tmp_path)
    expect(page.locator("#current .text .cite").first).to_be_visible()
    figure = page.locator("#current .figures img")
    expect(figure.first).to_be_visible()


def test_an_example_can_be_clicked(page: Page) -> None:
    page.click(".examples button >> nth=0")
    page.wait_for_selector("#current .exchange.done")
    expect(page.locator("#current .verdict")).to_contain_text("Yes")
