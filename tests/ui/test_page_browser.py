"""The page in a real browser: Debian's Chromium, driven by Playwright, against a scripted assistant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.chromium import BROWSER_MARKS, chromium, served
from tests.ui.scripted import DOMAINS, Scripted, png
from ui.chat import create_app

PATIENCE = 60_000

pytestmark = BROWSER_MARKS


@dataclass
class Site:
    """A served page and the assistant behind it."""

    address: str
    assistant: Scripted


def serving(assistant: Scripted) -> Iterator[Site]:
    with served(create_app(assistant)) as address:
        yield Site(address, assistant)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    yield from serving(Scripted())


@pytest.fixture(autouse=True)
def forget(site: Site) -> None:
    site.assistant.asked.clear()
    site.assistant.closed.clear()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@dataclass
class Opened:
    """An open page, the hosts it asked, and what went wrong in it."""

    page: Page
    hosts: set[str]
    errors: list[str]


@pytest.fixture
def opened(browser: Browser, site: Site) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    opened = Opened(page, set(), [])
    page.on("request", lambda request: opened.hosts.add(urlsplit(request.url).hostname or ""))
    page.on("pageerror", lambda error: opened.errors.append(str(error)))
    page.goto(site.address)
    page.wait_for_selector(".examples")
    yield opened
    context.close()
    assert opened.errors == []
    assert opened.hosts - {""} == {"127.0.0.1"}


@pytest.fixture
def page(opened: Opened) -> Page:
    return opened.page


def ask(page: Page, text: str) -> None:
    page.fill("#box textarea", text)
    page.press("#box textarea", "Enter")


def answered(page: Page, text: str = "Is there a pleural effusion?") -> None:
    ask(page, text)
    page.wait_for_selector("#current .exchange.done")


def test_a_question_is_answered_with_evidence(page: Page) -> None:
    answered(page)
    expect(page.locator("#current .verdict")).to_contain_text("Yes")
    expect(page.locator("#current .verdict")).to_contain_text("likely (0.91)")
    expect(page.locator("#current .chip")).to_have_text("radiology 0.98 · chest radiograph")
    expect(page.locator("#current .selection")).to_contain_text("4 of 12")
    expect(page.locator("#gallery .tile")).to_have_count(4)
    expect(page.locator("#current .figures img")).to_have_count(1)
    loaded = "image => image.complete && image.naturalWidth > 0"
    assert page.locator("#gallery .tile .open img").first.evaluate(loaded)
    assert page.evaluate("window.hacked") is None


def test_an_uploaded_picture_reaches_the_assistant(page: Page, site: Site, tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_bytes(png(effusion=name == "one.png"))
    page.set_input_files("#box input[type=file]", [tmp_path / "one.png", tmp_path / "two.png"])
    expect(page.locator("#box .thumbnail-item")).to_have_count(2)
    answered(page)
    expect(page.locator("#current .uploads img")).to_have_count(2)
    assert site.assistant.asked[0]["images"] == (png(), png(effusion=False))
    expect(page.get_by_label("about the same picture")).to_be_visible()
    answered(page, "And on the left?")
    page.wait_for_selector("#past .exchange")
    (turn,) = site.assistant.asked[1]["history"]  # type: ignore[misc]
    assert turn.images == (png(), png(effusion=False))  # type: ignore[has-type]
    expect(page.locator("#current .uploads img")).to_have_count(2)


def test_an_unreadable_picture_is_one_sentence(page: Page, tmp_path: Path) -> None:
    (tmp_path / "film.png").write_bytes(b"nothing")
    page.set_input_files("#box input[type=file]", tmp_path / "film.png")
    page.wait_for_selector("#box .thumbnail-item")
    ask(page, "An effusion?")
    expect(page.locator("#current .problem")).to_contain_text("is not a picture that can be read.")
    expect(page.locator("#box textarea")).to_have_value("An effusion?")


def test_number_and_tile_light_each_other_up(page: Page) -> None:
    answered(page)
    page.hover("#current .text .cite[data-number='2']")
    expect(page.locator("#gallery .tile.lit")).to_have_attribute("data-number", "2")
    page.hover("#gallery .tile[data-number='1'] .open")
    expect(page.locator("#current .text .cite.lit")).to_have_text("1")
    page.focus("#current .text .cite[data-number='3']")
    expect(page.locator("#gallery .tile.lit")).to_have_attribute("data-number", "3")


def test_the_dialog_opens_steps_and_closes(page: Page) -> None:
    answered(page)
    page.click("#current .text .cite[data-number='1']")
    dialog = page.locator("#evidence-dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator("mark")).to_have_text("There is blunting of the right costophrenic angle.")
    expect(dialog.locator("h2")).to_contain_text("[1] Chest radiograph")
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("h2")).to_contain_text("[2]")
    expect(dialog.locator(".report")).to_contain_text("<script>")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(dialog.locator("h2")).to_contain_text("[4]")
    page.keyboard.press("ArrowRight")
    dialog.get_by_text("Invert").click()
    expect(dialog.locator(".frame img").first).to_have_css("filter", "invert(1)")
    dialog.get_by_label("Zoom in").click()
    expect(dialog.locator(".frame").first).to_have_class("frame zoomed")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#gallery .tile[data-number='1'] .open")).to_be_focused()


def test_where_pictures_are_alike_is_shown_on_demand(page: Page) -> None:
    answered(page)
    page.click("#gallery .tile .open >> nth=0")
    dialog = page.locator("#evidence-dialog")
    dialog.locator("[data-act=why]").click()
    expect(dialog.locator(".maps figure")).to_have_count(2)
    expect(dialog.locator(".maps")).to_contain_text("Orange makes the match")
    assert "Is there" in dialog.locator(".maps").inner_text()
    assert dialog.locator(".maps img").first.evaluate("image => image.naturalWidth") > 0


def test_contrast_shows_both_sides_of_the_finding(page: Page, site: Site) -> None:
    answered(page)
    box = page.locator("#gallery input.contrast")
    box.focus()
    page.keyboard.press("Space")
    expect(page.locator("#gallery .both-sides .tile")).to_have_count(2)
    expect(page.locator("#gallery .both-sides")).to_contain_text("pleural effusion, among the 48 nearest:")
    expect(page.locator("#gallery .both-sides .open .stance")).to_have_text(["shows it", "does not"])
    expect(page.locator("#gallery .tile")).to_have_count(6)
    expect(box).to_be_focused()
    page.click("#gallery .both-sides .tile .open >> nth=0")
    expect(page.locator("#evidence-dialog h2")).to_have_text("Another effusion")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#evidence-dialog h2")).to_contain_text("[1]")
    page.keyboard.press("Escape")
    page.click("#current .text .cite[data-number='2']")
    expect(page.locator("#evidence-dialog h2")).to_contain_text("[2]")
    page.keyboard.press("Escape")
    box.uncheck()
    expect(page.locator("#gallery .tile")).to_have_count(4)


def test_contrast_of_an_earlier_answer_and_of_none(page: Page, site: Site) -> None:
    answered(page, "First effusion?")
    answered(page, "abstain")
    page.wait_for_selector("#past .exchange")
    page.locator("#gallery input.contrast").check()
    expect(page.locator("#gallery .both-sides")).to_contain_text("The question names no finding; say which one")
    page.hover("#past .text .cite >> nth=0")
    expect(page.locator("#gallery input.contrast")).not_to_be_checked()
    page.locator("#gallery input.contrast").check()
    expect(page.locator("#gallery .both-sides .tile")).to_have_count(2)
    assert site.assistant.asked[-1]["text"] == "First effusion?"


def test_arrows_move_among_the_tiles(page: Page) -> None:
    answered(page)
    page.focus("#gallery .tile[data-number='1'] .open")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#gallery .tile[data-number='2'] .open")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#evidence-dialog h2")).to_contain_text("[2]")


def test_stop_stops_the_work(page: Page, site: Site) -> None:
    ask(page, "slow")
    expect(page.locator("#current .text")).to_contain_text("Blunting")
    expect(page.locator("#gallery .tile")).to_have_count(4)
    page.click("#box .stop-button")
    expect(page.locator("#current .hint")).to_contain_text("Stopped by you")
    expect(page.locator("#current .text")).to_contain_text("Blunting")
    assert site.assistant.closed.wait(60)
    expect(page.locator("#box .submit-button")).to_be_visible()


def test_a_closed_tab_stops_the_work(browser: Browser, site: Site) -> None:
    tab = browser.new_page()
    tab.goto(site.address)
    tab.wait_for_selector(".examples", timeout=PATIENCE)
    ask(tab, "slow")
    tab.wait_for_selector("#current .text", timeout=PATIENCE)
    tab.close()
    assert site.assistant.closed.wait(60)


def test_another_domain_asks_again(page: Page, site: Site) -> None:
    answered(page)
    page.select_option("#current select", "ultrasound")
    expect(page.locator("#current .chip")).to_contain_text("ultrasound")
    page.wait_for_selector("#current .exchange.done")
    assert [asked["domain"] for asked in site.assistant.asked] == [None, "ultrasound"]
    expect(page.locator(".exchange")).to_have_count(1)
    expect(page.locator("#current select option")).to_have_count(len(DOMAINS) + 1)


def test_history_comes_back_also_after_reloading(page: Page) -> None:
    answered(page, "First question?")
    page.click(".history .new")
    page.wait_for_selector(".examples")
    answered(page, "Second question?")
    expect(page.locator(".history li")).to_have_count(2)
    page.click(".history li button:has-text('First')")
    expect(page.locator("#current .exchange .question")).to_contain_text("First question?")
    expect(page.locator("#gallery .asked")).to_contain_text("First question?")
    page.reload()
    page.wait_for_selector(".examples")
    expect(page.locator(".history li")).to_have_count(2)
    page.click(".history li button:has-text('Second')")
    expect(page.locator("#current .exchange .question")).to_contain_text("Second question?")


def test_browsers_do_not_see_each_others_history(page: Page, browser: Browser, site: Site) -> None:
    answered(page, "Mine?")
    other = browser.new_page()
    other.goto(site.address)
    other.wait_for_selector(".examples", timeout=PATIENCE)
    assert other.locator(".history li").count() == 0
    other.close()


def test_leaving_while_an_answer_streams_leaves_it_behind(page: Page, site: Site) -> None:
    ask(page, "slow")
    expect(page.locator("#current .text")).to_contain_text("Blunting")
    page.click(".history .new")
    page.wait_for_selector("#current .examples")
    assert site.assistant.closed.wait(60)
    expect(page.locator("#box .submit-button")).to_be_visible()
    expect(page.locator("#current .exchange")).to_have_count(0)


def test_evidence_of_an_earlier_answer_can_be_seen_again(page: Page) -> None:
    answered(page, "First question?")
    answered(page, "abstain")
    page.wait_for_selector("#past .exchange")
    expect(page.locator("#gallery .tile")).to_have_count(1)
    page.click("#past .cite[data-number='4']")
    expect(page.locator("#evidence-dialog h2")).to_contain_text("[4]")
    expect(page.locator("#gallery .asked")).to_contain_text("First question?")
    page.keyboard.press("Escape")
    answered(page, "outside")
    expect(page.locator("#gallery .tile")).to_have_count(0)


def test_an_example_can_be_clicked(page: Page) -> None:
    page.click(".examples button >> nth=0")
    page.wait_for_selector("#current .exchange.done")
    expect(page.locator("#current .uploads img")).to_have_count(1)


def test_corpora_restrict_the_search(page: Page, site: Site) -> None:
    page.uncheck("#corpora input >> nth=0")
    answered(page)
    assert site.assistant.asked[0]["corpora"] == ("primer",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("error", "does not answer; start it"), ("bug", "Something went wrong inside Curbside")],
)
def test_errors_are_one_sentence_and_nothing_is_lost(page: Page, text: str, sentence: str) -> None:
    ask(page, text)
    expect(page.locator("#current .problem")).to_contain_text(sentence)
    expect(page.locator("#current .exchange .question")).to_contain_text(text)
    expect(page.locator("#current").get_by_text("Ask again")).to_be_visible()


def test_answers_that_are_none(page: Page) -> None:
    answered(page, "outside")
    expect(page.locator("#current .chip")).to_have_text("outside every domain")
    expect(page.locator("#current .verdict")).to_have_text("No answer")
    expect(page.locator("#gallery")).to_contain_text("No evidence was used")


def test_light_and_dark(page: Page, browser: Browser, site: Site) -> None:
    ground = "getComputedStyle(document.querySelector('.gradio-container')).backgroundColor"
    light = page.evaluate(ground)
    page.click("[data-act=theme]")
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    page.wait_for_selector(".examples")
    page.wait_for_function(f"{ground} === '{dark}'")
    context = browser.new_context(color_scheme="dark")
    follows = context.new_page()
    follows.goto(site.address)
    follows.wait_for_selector(".examples", timeout=PATIENCE)
    follows.wait_for_function(f"{ground} === '{dark}'")
    context.close()


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (683, 384), (390, 844)])
def test_nothing_runs_off_the_side(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator(".strip .notice")).to_be_in_viewport()
    expect(page.locator("#box textarea")).to_be_in_viewport()


def test_the_clipboard_gets_answer_and_sources(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answered(page)
    # What the button says passes in a moment; a busy machine may look too late.
    page.evaluate("""() => {
      const button = document.querySelector("#current [data-act=copy]");
      window.said = [];
      new MutationObserver(() => window.said.push(button.textContent)).observe(button, { childList: true });
    }""")
    page.click("#current [data-act=copy]")
    page.wait_for_function("window.said.includes('Copied')")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "Yes. Blunting" in copied
    assert "teaching/case-001" in copied


def test_other_tabs_and_no_links_out(page: Page) -> None:
    page.get_by_role("tab", name="Corpora").click()
    expect(page.locator("#corpora-table")).to_contain_text("Illustrated primer")
    page.get_by_role("tab", name="About").click()
    expect(page.locator("#about")).to_contain_text("It does not diagnose")
    assert page.locator("a[href^=http]").count() == 0


def test_without_an_index_the_command_is_shown(browser: Browser) -> None:
    for site in serving(Scripted(index="")):
        page = browser.new_page()
        page.goto(site.address)
        page.wait_for_selector(".empty", timeout=PATIENCE)
        expect(page.locator(".empty pre")).to_contain_text("curbside index build")
        page.close()
