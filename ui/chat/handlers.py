"""What the page does: each action takes what the person gave and returns what is to be shown.

Nothing here knows Gradio; `page.py` connects it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.overview import HomeOverview
from corpora.errors import CurbsideError, InputError
from corpora.images import read_image_bytes
from ui.chat import rendering
from ui.chat.asks import Asks
from ui.chat.conversations import Conversation, Conversations
from ui.chat.exchange import Exchange, Marked, after, failed, stopped
from ui.chat.marking import mark, name_in_box
from ui.chat.running import Run, Runs
from ui.chat.uploads import read_uploads, upload_of

__all__ = ["Chat", "View", "Visitor"]

log = logging.getLogger(__name__)

_BUG = "Something went wrong inside Curbside; the question is kept above. Try again, or see the log of the server."


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who acts: `page` is one open tab, `browser` the secret key of the browser, `key` its open conversation."""

    page: str
    browser: str
    key: str


@dataclass(frozen=True, slots=True)
class View:
    """What is to be shown; None leaves a part as it is.

    `text` is what stands in the box, `busy` whether there is something to stop, `pictured` whether the next
    question can be about the pictures of the last one. `part` shows what is `marked`, the part of a picture that the
    next question is about; the two change together.
    """

    key: str | None = None
    past: str | None = None
    current: str | None = None
    gallery: str | None = None
    history: str | None = None
    busy: bool | None = None
    text: str | None = None
    pictured: bool | None = None
    part: str | None = None
    marked: Marked | None = None


class Chat:
    """The actions of the page over one assistant. Every method may be called from several threads."""

    def __init__(self, assistant: Asks, upload_folder: Path, held: Conversations | None = None) -> None:
        self._assistant = assistant
        self._upload_folder = upload_folder
        self._held = held or Conversations()
        self._runs = Runs()

    def overview(self) -> HomeOverview | str:
        """What the home holds, or the sentence that says why it cannot be read."""
        try:
            return self._assistant.overview()
        except CurbsideError as error:
            return str(error)
        except Exception:  # the page handler's border
            log.exception("The overview failed")
            return "The home cannot be read; see the log of the server."

    def new_browser(self) -> str:
        """A key for a browser that has none yet."""
        return secrets.token_urlsafe(18)

    def open(self, visitor: Visitor) -> View:
        """Show a conversation, or the beginning of a new one; what the page was doing is stopped."""
        self._runs.stop(visitor.page, abandon=True)
        return self._whole(self._held.get(visitor.browser, visitor.key), busy=False)

    def stop(self, visitor: Visitor) -> None:
        """Stop what the page is asking."""
        self._runs.stop(visitor.page)

    def leave(self, page: str) -> None:
        """The tab was closed: nobody waits for its answer."""
        self._runs.stop(page, abandon=True)

    def mark(self, visitor: Visitor, pictures: Sequence[Path], drawn: str) -> View:
        """Remember the part of the first of `pictures`, without any of the last question's, that is to be asked about.

        `drawn` is the box as `marking.mark` takes it.
        """
        last = self._held.get(visitor.browser, visitor.key).exchanges[-1:]
        try:
            if pictures:
                marked = mark(read_image_bytes(pictures[0]), name_in_box(pictures[0]), drawn)
            elif last and last[0].uploads:
                marked = mark(last[0].uploads[0].data, last[0].uploads[0].key, drawn)
            else:
                raise InputError("There is no picture of which a part could be asked about; add one.")
        except CurbsideError as error:
            return View(part=rendering.part(None, str(error)))
        return View(part=rendering.part(marked), marked=marked)

    def unmark(self) -> View:
        """The next question is about the whole picture again."""
        return View(part=rendering.part(None))

    def ask(
        self,
        visitor: Visitor,
        text: str,
        pictures: Sequence[Path],
        corpora: Sequence[str],
        *,
        same: bool = False,
        marked: Marked | None = None,
    ) -> Iterator[View]:
        """Ask a new question in the open conversation; `same` means about the last question's pictures.

        Of a picture that is not the first one of the question, what is `marked` means nothing.
        """
        conversation = self._held.get(visitor.browser, visitor.key)
        text = text.strip()
        # A second question while one is being answered stays in the box.
        if self._runs.busy(visitor.page) or not (text or pictures or (same and marked)):
            return
        try:
            asked = self._asked(conversation, text, pictures, same, marked)
            asked = replace(asked, corpora=self._restriction(corpora))
        except CurbsideError as error:
            yield self._refuse(conversation, Exchange(text), error)
            return
        yield from self._answer(visitor, conversation.with_next(asked))

    def ask_example(self, visitor: Visitor, number: int, corpora: Sequence[str]) -> Iterator[View]:
        """Ask one of the examples in a conversation of its own."""
        conversation = self._held.get(visitor.browser, visitor.key)
        example = self._assistant.examples()[number]
        uploads = (upload_of(example.image),) if example.image else ()
        try:
            asked = Exchange(example.text, uploads, corpora=self._restriction(corpora))
        except CurbsideError as error:
            yield self._refuse(conversation, Exchange(example.text, uploads), error)
            return
        yield from self._answer(visitor, conversation.with_next(asked))

    def ask_again(self, visitor: Visitor, domain: str | None = None) -> Iterator[View]:
        """Ask the last question once more, in `domain` where one is given."""
        conversation = self._held.get(visitor.browser, visitor.key)
        if conversation.exchanges:
            yield from self._answer(visitor, conversation.with_last(conversation.exchanges[-1].again(domain)))

    def _asked(
        self, conversation: Conversation, text: str, pictures: Sequence[Path], same: bool, marked: Marked | None
    ) -> Exchange:
        """The question with its pictures: new ones, or those of the last question."""
        of = name_in_box(pictures[0]) if pictures else ""
        uploads = read_uploads(pictures, self._upload_folder)
        carried = same and not uploads and bool(conversation.exchanges)
        if carried:
            last = conversation.exchanges[-1]
            uploads = last.uploads
            of = uploads[0].key if uploads else ""
            # The assistant finds them in the turn that words continue; without words or turn they are given anew.
            carried = bool(text and last.answer)
        part = replace(marked, of=uploads[0].key) if marked and uploads and marked.of == of else None
        return Exchange(text, uploads, carried, marked=part)

    def _refuse(self, conversation: Conversation, exchange: Exchange, error: CurbsideError) -> View:
        """A question that cannot even be asked; its words go back into the box."""
        kept = self._keep(conversation.with_next(failed(exchange, str(error))))
        return self._whole(kept, text=exchange.question)

    def _restriction(self, corpora: Sequence[str]) -> tuple[str, ...] | None:
        overview = self.overview()
        known = [] if isinstance(overview, str) else [corpus.name for corpus in overview.corpora]
        chosen = tuple(name for name in known if name in corpora)
        if known and not chosen:
            raise InputError("No corpus is ticked; tick at least one at the left.")
        return None if len(chosen) == len(known) else chosen

    def _answer(self, visitor: Visitor, conversation: Conversation) -> Iterator[View]:
        """Answer the last exchange of the conversation, showing each step."""
        if self._runs.busy(visitor.page):
            return
        *earlier, exchange = self._keep(conversation).exchanges
        yield self._whole(conversation, busy=True, text="")
        stream = self._assistant.stream(
            exchange.question,
            exchange.pictures,
            history=exchange.history(earlier),
            domain=exchange.domain_asked,
            corpora=exchange.corpora,
            region=exchange.region,
        )
        run = self._runs.start(visitor.page, stream)
        try:
            for latest in self._steps(exchange, run):
                exchange = latest
                conversation = conversation.with_last(exchange)
                if not run.abandoned:
                    yield self._step(conversation)
        finally:
            self._runs.finish(visitor.page, run)
            if exchange.state == "asking":
                conversation = conversation.with_last(stopped(exchange))
            self._keep(conversation)
        if not run.abandoned:
            # A part that was marked meanwhile is of the next question.
            yield replace(self._whole(conversation, busy=False), part=None)

    def _steps(self, exchange: Exchange, run: Run) -> Iterator[Exchange]:
        """The exchange after each batch of events, and at the end, however it comes."""
        try:
            for batch in run.batches():
                for event in batch:
                    exchange = after(exchange, event)
                if exchange.state == "asking":
                    yield exchange
            if exchange.state == "asking":
                exchange = stopped(exchange) if run.stopped else failed(exchange, _BUG)
        except CurbsideError as error:
            exchange = failed(exchange, str(error))
        except Exception:  # the page handler's border
            log.exception("A question failed")
            exchange = failed(exchange, _BUG)
        yield exchange

    def _keep(self, conversation: Conversation) -> Conversation:
        self._held.keep(conversation)
        return conversation

    def _step(self, conversation: Conversation) -> View:
        exchange = conversation.exchanges[-1]
        number = len(conversation.exchanges)
        return View(current=rendering.exchange_html(exchange, number), gallery=rendering.gallery(exchange))

    def _whole(self, conversation: Conversation, *, busy: bool | None = None, text: str | None = None) -> View:
        """Everything that a conversation shows."""
        history = rendering.history(self._held.of(conversation.browser), conversation.key)
        overview = self.overview()
        if not conversation.exchanges:
            empty = self._empty(overview)
            return View(
                conversation.key, "", empty, rendering.gallery(None), history, busy, text, False, rendering.part(None)
            )
        *earlier, last = conversation.exchanges
        domains = () if isinstance(overview, str) else overview.domains
        return View(
            key=conversation.key,
            past=rendering.past_html(earlier),
            current=rendering.exchange_html(last, len(conversation.exchanges), domains=domains),
            gallery=rendering.gallery(last),
            history=history,
            busy=busy,
            text=text,
            pictured=bool(last.uploads),
            part=rendering.part(last.marked),
            marked=last.marked,
        )

    def _empty(self, overview: HomeOverview | str) -> str:
        if isinstance(overview, str):
            return rendering.empty(None, problem=overview)
        try:
            return rendering.empty(overview, self._assistant.examples() if overview.index else ())
        except CurbsideError as error:
            return rendering.empty(None, problem=str(error))
