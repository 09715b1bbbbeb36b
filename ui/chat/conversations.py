"""The conversations of each browser, in memory.

Questions about patients do not belong into a browser's storage, which outlives the visit and can be read by
anybody at the same machine: the browser keeps only a random key, and what was said stays here until the
server ends or newer conversations need the room.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from threading import Lock

from ui.chat.exchange import Exchange

__all__ = ["Conversation", "Conversations"]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Exchanges in order; `browser` is the secret key of the browser they belong to."""

    browser: str
    key: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    exchanges: tuple[Exchange, ...] = ()

    @property
    def title(self) -> str:
        """The first question, for the list of conversations."""
        if not self.exchanges:
            return "New conversation"
        return self.exchanges[0].question or "Picture without words"

    @property
    def size(self) -> int:
        """How many bytes its pictures take."""
        return sum(exchange.size for exchange in self.exchanges)

    def with_last(self, exchange: Exchange) -> Conversation:
        """The last exchange replaced."""
        return replace(self, exchanges=(*self.exchanges[:-1], exchange))

    def with_next(self, exchange: Exchange) -> Conversation:
        """One exchange more."""
        return replace(self, exchanges=(*self.exchanges, exchange))


class Conversations:
    """Keeps conversations up to a number and a size in bytes; the longest untouched go first. Thread-safe."""

    def __init__(self, most: int = 500, most_bytes: int = 512 * 1024 * 1024) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._held: OrderedDict[str, Conversation] = OrderedDict()
        self._lock = Lock()

    def keep(self, conversation: Conversation) -> None:
        """Hold the conversation in its newest form."""
        with self._lock:
            self._held[conversation.key] = conversation
            self._held.move_to_end(conversation.key)
            size = sum(held.size for held in self._held.values())
            while len(self._held) > 1 and (len(self._held) > self._most or size > self._most_bytes):
                size -= self._held.popitem(last=False)[1].size

    def get(self, browser: str, key: str) -> Conversation:
        """The browser's conversation of that key, or a new one where it holds none."""
        with self._lock:
            held = self._held.get(key)
        return held if held is not None and held.browser == browser else Conversation(browser)

    def picture(self, key: str) -> bytes | None:
        """The picture that was given under that key, None once its conversation is gone."""
        with self._lock:
            exchanges = [exchange for held in self._held.values() for exchange in held.exchanges]
        uploads = (upload for exchange in exchanges for upload in exchange.uploads)
        return next((upload.data for upload in uploads if upload.key == key), None)

    def asked(self, key: str) -> tuple[Exchange, ...]:
        """The exchange of that key, last, and those before it in its conversation; none once that is gone."""
        with self._lock:
            conversations = [held.exchanges for held in self._held.values()]
        for exchanges in conversations:
            for number, exchange in enumerate(exchanges, 1):
                if exchange.key == key:
                    return exchanges[:number]
        return ()

    def of(self, browser: str) -> tuple[Conversation, ...]:
        """The browser's conversations, newest first."""
        with self._lock:
            return tuple(held for held in reversed(self._held.values()) if held.browser == browser)
