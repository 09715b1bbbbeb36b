"""Makes the pictures of README and documents from the real page: `make screenshots` (needs Debian's chromium)."""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from playwright.sync_api import Page, sync_playwright

from app import Assistant
from corpora.teaching import example
from corpora.teaching.writer import png
from ui.chat import create_app

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The chat of a home on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Assistant.open(home) as assistant:
        assistant.warm()
        server = uvicorn.Server(uvicorn.Config(create_app(assistant), port=port, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join()


def ask(page: Page, question: str, picture: Path | None = None) -> None:
    """Ask as a person would, and wait for the answer's end."""
    if picture is not None:
        page.set_input_files("input[type=file]", str(picture))
        page.wait_for_timeout(1500)
    page.fill("textarea", question)
    page.keyboard.press("Enter")
    page.wait_for_selector(".exchange.done, .exchange[data-state=done]", timeout=90_000)
    page.wait_for_timeout(1200)


def main(home: Path) -> None:
    """Take every picture."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served(home) as address, sync_playwright() as playwright:
        picture = Path(folder) / "chest.png"
        picture.write_bytes(png(example("chest_radiograph", "pleural effusion", 21).draw()))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(address)
        page.wait_for_selector("textarea", timeout=60_000)
        page.wait_for_timeout(1500)
        page.screenshot(path=IMAGES / "empty.png")
        ask(page, "Is there a pleural effusion?", picture)
        page.screenshot(path=IMAGES / "chat.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo-home"))
