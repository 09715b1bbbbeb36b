"""The page's parts in Gradio and what connects them to the actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from ui.chat import rendering
from ui.chat.asks import Asks
from ui.chat.conversations import Conversations
from ui.chat.exchange import Marked
from ui.chat.handlers import Chat, View, Visitor

__all__ = ["MAX_FILE_SIZE", "build_page"]

MAX_FILE_SIZE = "64mb"
_CONCURRENT_QUESTIONS = 4
_DELETE_UPLOADS = (600, 3600)  # seconds: how often, and how old

_Update = dict[Any, Any]


def build_page(assistant: Asks, title: str, held: Conversations) -> gr.Blocks:
    """The Blocks of the chat over `assistant`, which keeps its conversations in `held`, to be mounted."""
    chat = Chat(assistant, Path(get_upload_folder()), held)
    page = gr.Blocks(title=title, analytics_enabled=False, fill_width=True, delete_cache=_DELETE_UPLOADS)
    with page:
        _Page(chat).connect(page)
    page.queue(default_concurrency_limit=None)
    return page


class _Page:
    """Every component once, so that the actions can name what they change."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        bridge = resources.files("ui.chat").joinpath("static", "bridge.js").read_text(encoding="utf-8")

        def html(name: str, value: str = "") -> gr.HTML:
            return gr.HTML(value, elem_id=name, js_on_load=bridge, apply_default_css=False)

        self.browser = gr.BrowserState("", storage_key="curbside-browser")
        self.key = gr.State("")
        self.marked = gr.State(None)
        self.header = html("head")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Ask", elem_id="ask-tab"), gr.Row(elem_id="columns"):
                with gr.Column(elem_id="left", min_width=0):
                    self.history = html("history")
                    self.corpora = gr.CheckboxGroup(label="Search in", elem_id="corpora", interactive=True)
                with gr.Column(elem_id="middle", min_width=0):
                    with gr.Column(elem_id="conversation", min_width=0):
                        self.past = html("past")
                        self.current = html("current")
                    self.part = html("part")
                    self.same = gr.Checkbox(True, label="about the same picture", visible=False, elem_id="same")
                    self.box = _box()
                with gr.Column(elem_id="right", min_width=0):
                    self.gallery = html("gallery")
            with gr.Tab("Corpora"):
                self.table = html("corpora-table")
            with gr.Tab("About"):
                self.about = html("about")
        gr.HTML(rendering.dialog(), js_on_load=None, apply_default_css=False)
        self.drawing = html("drawing", rendering.part_dialog())

    @property
    def shown(self) -> list[Any]:
        """The components that a view changes."""
        texts = [self.past, self.current, self.gallery, self.history, self.part]
        return [self.key, *texts, self.marked, self.box, self.same]

    def connect(self, page: gr.Blocks) -> None:
        """Tie each event to its action."""
        who = [self.browser, self.key]
        facts = [self.browser, self.header, self.corpora, self.table, self.about]
        page.load(self._arrive, self.browser, [*facts, *self.shown], api_visibility="private", show_progress="hidden")
        page.unload(self._leave)
        asking: dict[str, Any] = {"concurrency_limit": _CONCURRENT_QUESTIONS, "concurrency_id": "asking"}
        self._on(self.box.submit, self._ask, [self.box, self.same, self.marked, self.corpora, *who], **asking)
        self._on(self.drawing.mark, self._mark, [self.box, *who])
        self._on(self.part.unmark, self._unmark, [])
        self._on(self.box.stop, self._stop, who, shows=False)
        self._on(self.current.ask_example, self._example, [self.corpora, *who], **asking)
        self._on(self.current.override_domain, self._override, who, **asking)
        self._on(self.current.ask_again, self._again, who, **asking)
        self._on(self.history.open_conversation, self._open, who)
        self._on(self.history.new_conversation, self._new, who)

    def _on(
        self, listen: Callable[..., Any], action: Callable[..., Any], inputs: list[Any], shows: bool = True, **more: Any
    ) -> None:
        listen(
            action,
            inputs,
            self.shown if shows else None,
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="multiple",
            **more,
        )

    # Gradio reads the annotations of these methods at run time to know what to hand in.

    def _arrive(self, browser: str, request: gr.Request) -> _Update:
        browser = browser or self.chat.new_browser()
        shown = self._update(self.chat.open(Visitor(_page_of(request), browser, "")))
        overview = self.chat.overview()
        if isinstance(overview, str):
            return {**shown, self.browser: browser}
        names = [corpus.name for corpus in overview.corpora]
        return {
            **shown,
            self.browser: browser,
            self.header: rendering.header(overview),
            self.corpora: gr.CheckboxGroup(choices=names, value=names, visible=bool(names)),
            self.table: rendering.corpora_table(overview),
            self.about: rendering.about(overview),
        }

    def _leave(self, request: gr.Request) -> None:
        self.chat.leave(_page_of(request))

    def _ask(
        self,
        box: dict[str, Any] | None,
        same: bool,
        marked: Marked | None,
        corpora: list[str],
        browser: str,
        key: str,
        request: gr.Request,
    ) -> Iterator[_Update]:
        box = box or {}
        visitor = Visitor(_page_of(request), browser, key)
        views = self.chat.ask(visitor, box.get("text", ""), _pictures(box), corpora, same=same, marked=marked)
        yield from map(self._update, views)

    def _mark(
        self, box: dict[str, Any] | None, browser: str, key: str, request: gr.Request, event: gr.EventData
    ) -> _Update:
        visitor = Visitor(_page_of(request), browser, key)
        return self._update(self.chat.mark(visitor, _pictures(box or {}), str(event.value)))

    def _unmark(self) -> _Update:
        return self._update(self.chat.unmark())

    def _example(
        self, corpora: list[str], browser: str, key: str, request: gr.Request, event: gr.EventData
    ) -> Iterator[_Update]:
        visitor = Visitor(_page_of(request), browser, key)
        yield from map(self._update, self.chat.ask_example(visitor, int(event.value), corpora))

    def _override(self, browser: str, key: str, request: gr.Request, event: gr.EventData) -> Iterator[_Update]:
        visitor = Visitor(_page_of(request), browser, key)
        domain = None if event.value == "automatic" else str(event.value)
        yield from map(self._update, self.chat.ask_again(visitor, domain))

    def _again(self, browser: str, key: str, request: gr.Request) -> Iterator[_Update]:
        yield from map(self._update, self.chat.ask_again(Visitor(_page_of(request), browser, key)))

    def _stop(self, browser: str, key: str, request: gr.Request) -> None:
        self.chat.stop(Visitor(_page_of(request), browser, key))

    def _open(self, browser: str, key: str, request: gr.Request, event: gr.EventData) -> _Update:
        return self._update(self.chat.open(Visitor(_page_of(request), browser, str(event.value))))

    def _new(self, browser: str, key: str, request: gr.Request) -> _Update:
        return self._update(self.chat.open(Visitor(_page_of(request), browser, "")))

    def _update(self, view: View) -> _Update:
        """The view as Gradio wants it: components with their new values, the others left out."""
        parts = {name: getattr(view, name) for name in ("key", "past", "current", "gallery", "history", "part")}
        update = {getattr(self, name): value for name, value in parts.items() if value is not None}
        if view.part is not None:
            update[self.marked] = view.marked
        if view.pictured is not None:
            update[self.same] = gr.update(visible=view.pictured)
        box: dict[str, Any] = {}
        if view.busy is not None:
            box |= {"submit_btn": not view.busy and "Ask", "stop_btn": view.busy and "Stop"}
        if view.text is not None:
            box["value"] = {"text": view.text, "files": []}
        return {**update, self.box: gr.update(**box)} if box else update


def _box() -> gr.MultimodalTextbox:
    return gr.MultimodalTextbox(
        elem_id="box",
        label="Question",
        show_label=False,
        placeholder="Ask about a picture, a finding, a case…",
        file_count="multiple",
        file_types=["image"],
        max_lines=6,
        submit_btn="Ask",
        max_plain_text_length=20_000,
        autofocus=True,
        interactive=True,
    )


def _pictures(box: dict[str, Any]) -> list[Path]:
    """The pictures that wait in the box."""
    return [Path(name) for name in box.get("files", [])]


def _page_of(request: gr.Request) -> str:
    """The key of one open tab."""
    return str(request.session_hash)
