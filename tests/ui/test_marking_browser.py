"""The part of a picture that is asked about, marked in a real browser: with mouse, finger and keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from corpora.records import Region
from tests.chromium import BROWSER_MARKS, chromium, served
from tests.ui.scripted import Scripted, png
from ui.chat import create_app

PATIENCE = 60_000

pytestmark = BROWSER_MARKS


@pytest.fixture(scope="module")
def assistant() -> Scripted:
    return Scripted()


@pytest.fixture(scope="module")
def address(assistant: Scripted) -> Iterator[str]:
    with served(create_app(assistant)) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, address: str, assistant: Scripted, tmp_path: Path) -> Iterator[Page]:
    """The page with a picture in its box."""
    assistant.asked.clear()
    context = browser.new_context(viewport={"width": 1366, "height": 768}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".examples")
    give(page, tmp_path, "film.png")
    yield page
    context.close()
    assert errors == []


def give(page: Page, folder: Path, name: str, effusion: bool = True) -> None:
    (folder / name).write_bytes(png(effusion=effusion))
    page.set_input_files("#box input[type=file]", folder / name)
    page.wait_for_selector("#box .thumbnail-item img")


def opened(page: Page) -> Locator:
    """The picture, large, in the open dialog."""
    page.get_by_text("Ask about a part…").click()
    film = page.locator("#part-dialog .film")
    expect(film).to_be_focused()
    return film


def points(film: Locator, *parts: tuple[float, float]) -> list[tuple[float, float]]:
    area = film.bounding_box()
    assert area is not None
    return [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in parts]


def drag(page: Page, film: Locator, *parts: tuple[float, float]) -> None:
    first, *others = points(film, *parts)
    page.mouse.move(*first)
    page.mouse.down()
    for point in others:
        page.mouse.move(*point)
    page.mouse.up()


def mark(page: Page, *parts: tuple[float, float]) -> Locator:
    """Drag a box from the first part of the picture to the last; gives the chip."""
    drag(page, opened(page), *parts)
    page.locator("#part-dialog").get_by_text("Ask about this part").click()
    expect(page.locator("#part-dialog")).to_be_hidden()
    chip = page.locator("#part .marked")
    expect(chip).to_be_visible()
    return chip


def answered(page: Page, text: str) -> None:
    page.fill("#box textarea", text)
    page.press("#box textarea", "Enter")
    page.wait_for_selector(f"#current .exchange.done:has-text('{text}')")


def close_to(asked: dict[str, object], x0: int, y0: int, x1: int, y1: int) -> bool:
    """Whether the region is this one, but for what a screen's pixels round."""
    region = asked["region"]
    assert isinstance(region, Region)
    edges = (region.x0, region.y0, region.x1, region.y1)
    return all(abs(edge - wanted) <= 3 for edge, wanted in zip(edges, (x0, y0, x1, y1), strict=True))


def test_a_dragged_box_is_what_is_asked_about(page: Page, assistant: Scripted) -> None:
    mark(page, (0.1, 0.5), (0.3, 0.6), (0.5, 0.95))
    expect(page.locator("#box textarea")).to_be_focused()
    answered(page, "Is there an effusion?")
    assert close_to(assistant.asked[0], 32, 160, 160, 304)
    assert assistant.asked[0]["images"] == (png(),)
    expect(page.locator("#current .question")).to_contain_text("about the outlined part")
    expect(page.locator("#part .marked")).to_be_visible()
    answered(page, "How large is it?")
    assert assistant.asked[1]["region"] == assistant.asked[0]["region"]


def test_why_is_about_the_same_part(page: Page) -> None:
    mark(page, (0.5, 0.95), (0.25, 0.45))
    answered(page, "Is there an effusion?")
    page.click("#gallery .tile .open >> nth=0")
    page.click("#evidence-dialog [data-act=why]")
    cut = page.locator("#evidence-dialog .maps figcaption").first
    expect(cut).to_contain_text("asked with a picture of (8")
    expect(cut).to_contain_text(", 16")


def test_the_chip_takes_the_part_away(page: Page, assistant: Scripted) -> None:
    chip = mark(page, (0.2, 0.2), (0.6, 0.6))
    chip.get_by_role("button", name="Remove the part: ask about the whole picture").press("Enter")
    expect(page.locator("#part .marked")).to_have_count(0)
    answered(page, "Is there an effusion?")
    assert assistant.asked[0]["region"] is None


def test_a_part_goes_with_its_picture(page: Page, assistant: Scripted, tmp_path: Path) -> None:
    chip = mark(page, (0.2, 0.2), (0.6, 0.6))
    page.get_by_label("Remove file").click()
    expect(page.locator("#part .part")).to_be_hidden()
    give(page, tmp_path, "other.png", effusion=False)
    expect(page.locator("#part .part")).to_be_visible()
    expect(chip).to_be_hidden()
    answered(page, "Is there an effusion?")
    assert assistant.asked[0]["region"] is None


def test_a_finger_draws_too(page: Page, assistant: Scripted) -> None:
    (start, way, end) = points(opened(page), (0.2, 0.3), (0.5, 0.5), (0.7, 0.8))
    touch = page.context.new_cdp_session(page)
    for kind, point in (("touchStart", start), ("touchMove", way), ("touchMove", end), ("touchEnd", None)):
        at = [{"x": point[0], "y": point[1]}] if point else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
    # Chromium makes no click of a tap within milliseconds of a drag; only the drawing is of interest here.
    page.locator("#part-dialog").get_by_text("Ask about this part").click()
    expect(page.locator("#part .marked")).to_be_visible()
    answered(page, "Is there an effusion?")
    assert close_to(assistant.asked[0], 64, 96, 224, 256)


def test_the_keyboard_draws_too(page: Page, assistant: Scripted) -> None:
    film = opened(page)
    film.press("Enter")
    expect(page.locator("#part-dialog")).to_be_visible()
    for key in ("ArrowDown", *["ArrowLeft"] * 20, "Shift+ArrowRight", "Shift+ArrowUp"):
        film.press(key)
    expect(page.locator("#part-dialog output")).to_have_text("Box: 52 % × 48 %, left 0 %, top 25 %")
    film.press("Enter")
    expect(page.locator("#part .marked")).to_be_visible()
    answered(page, "Is there an effusion?")
    assert close_to(assistant.asked[0], 0, 80, 166, 234)


def test_a_click_is_no_box_and_cancel_changes_nothing(page: Page) -> None:
    film = opened(page)
    drag(page, film, (0.5, 0.5), (0.505, 0.505))
    expect(page.locator("#part-dialog").get_by_text("Ask about this part")).to_be_disabled()
    drag(page, film, (0.5, 0.5), (0.9, 0.9))
    page.locator("#part-dialog").get_by_text("Cancel").click()
    expect(page.locator("#part-dialog")).to_be_hidden()
    expect(page.locator("#part .marked")).to_have_count(0)


def test_a_part_of_the_picture_before_can_be_marked(page: Page, assistant: Scripted) -> None:
    answered(page, "Is there an effusion?")
    mark(page, (0.5, 0.1), (0.9, 0.9))
    answered(page, "And here?")
    assert close_to(assistant.asked[1], 160, 32, 288, 288)
    page.get_by_label("about the same picture").uncheck()
    expect(page.locator("#part .part")).to_be_hidden()
    answered(page, "What is a meniscus?")
    assert assistant.asked[2]["region"] is None


def test_a_file_that_the_browser_cannot_show_is_one_sentence(page: Page, tmp_path: Path) -> None:
    page.get_by_label("Remove file").click()
    expect(page.locator("#part .part")).to_be_hidden()
    (tmp_path / "bad.png").write_bytes(b"nothing")
    page.set_input_files("#box input[type=file]", tmp_path / "bad.png")
    page.get_by_text("Ask about a part…").click()
    expect(page.locator("#part-dialog .unseen")).to_contain_text("cannot show this file")
    page.keyboard.press("Escape")
    expect(page.locator("#part-dialog")).to_be_hidden()
