"""Debian's Chromium for tests: how it starts, what it is shown, and what is cleared away after it."""

from __future__ import annotations

import asyncio
import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import sleep
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from ui.chat.serving import listen

_PATH = shutil.which("chromium")
_SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

BROWSER_MARKS = [
    pytest.mark.skipif(_PATH is None, reason="there is no chromium on the PATH"),
    # Gradio's queue and uvicorn's sockets are torn down with the thread that they ran in.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    # Gradio counts its events with pandas calls that pandas has deprecated.
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_PATH, args=_SWITCHES)
        yield browser
        browser.close()
    _let_go()


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of an ASGI application, served by a thread."""
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            sleep(0.05)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(30)
    _let_go()


def _let_go() -> None:
    """Playwright leaves its event loop set, and the server its sockets in cycles: collected here, where their warnings
    are expected, and not in whichever test happens to come next."""
    asyncio.set_event_loop(None)
    gc.collect()
