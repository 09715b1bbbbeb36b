"""What the page needs from whoever answers: a protocol that `app.assistant.Assistant` meets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from app.answers import Event, Turn
from app.overview import Example, HomeOverview
from app.why import Why
from corpora.records import Region
from retrievers.contrast import Contrast
from retrievers.query import ImageSource, Query

__all__ = ["Asks"]


class Asks(Protocol):
    """Answers questions and knows what its home holds. Every method may be called from several threads."""

    def stream(
        self,
        text: str = "",
        images: Sequence[ImageSource] = (),
        *,
        history: Sequence[Turn] = (),
        domain: str | None = None,
        corpora: Collection[str] | None = None,
        region: Region | None = None,
    ) -> Iterator[Event]:
        """The answer as events, `Done` last; closing the iterator stops the work behind it."""
        ...

    def overview(self) -> HomeOverview:
        """What the home holds, counted."""
        ...

    def examples(self) -> tuple[Example, ...]:
        """Up to three questions to try on this home."""
        ...

    def why(self, record: str, query: Query) -> Why:
        """Why the record `corpus/id` matches a question, with maps over both pictures."""
        ...

    def contrast(
        self,
        text: str = "",
        images: Sequence[ImageSource] = (),
        *,
        history: Sequence[Turn] = (),
        domain: str | None = None,
        corpora: Collection[str] | None = None,
        region: Region | None = None,
    ) -> Contrast:
        """The nearest case that affirms the question's finding, and the nearest that denies it."""
        ...

    def picture(self, digest: str, size: int, groups: Collection[str] | None = None) -> bytes:
        """A JPEG of a stored picture, its longer side at most `size` pixels; `SourceError` where unknown."""
        ...
