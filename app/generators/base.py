"""What every generator is: something that turns a prompt into a stream of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from PIL import Image

from app.answers import Evidence, Turn
from corpora.domains import Domain
from retrievers.found import DomainFound

__all__ = ["Capabilities", "Generator", "Piece", "Prompt"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question with its context, rendered for a model and kept in parts for the generator that needs none.

    `system` is the role and the rules; `text` the numbered evidence and the question as one message;
    `images` the asked pictures (upright RGB). `digest` is the SHA-256 of everything a model would see.
    """

    question: str
    domain: Domain | None
    found: DomainFound
    evidence: tuple[Evidence, ...]
    images: tuple[Image.Image, ...] = ()
    history: tuple[Turn, ...] = ()
    system: str = ""
    text: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a generator can do: read `images`, give a `yes_no` probability; `max_tokens` of one answer."""

    images: bool
    yes_no: bool
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of streamed text; a generator that knows says the verdict and its confidence with the last one."""

    text: str
    verdict: str | None = None
    confidence: float | None = None
    stances: dict[int, str] = field(default_factory=dict)


@runtime_checkable
class Generator(Protocol):
    """Streams an answer. Closing the iterator stops the work behind it."""

    spec: str
    revision: str
    capabilities: Capabilities

    def stream(self, prompt: Prompt) -> Iterator[Piece]:
        """The answer in pieces, in order."""
        ...
