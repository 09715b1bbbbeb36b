"""What a home holds, counted, for the page's head, the About tab and `curbside doctor`."""

from __future__ import annotations

from dataclasses import dataclass

from corpora.records import Licence

__all__ = ["CorpusOverview", "Example", "HomeOverview"]


@dataclass(frozen=True, slots=True)
class CorpusOverview:
    """One corpus: how many records of each kind, under which licence; `drawn` where all are simulated."""

    name: str
    title: str
    cases: int
    figures: int
    passages: int
    licence: Licence
    drawn: bool


@dataclass(frozen=True, slots=True)
class HomeOverview:
    """One home: its corpora, the published index ("default v3", empty where none is), encoder and generator.

    `weights` is what is said of the licence of the encoders' weights, empty where it is open.
    """

    name: str
    corpora: tuple[CorpusOverview, ...]
    index: str
    generator: str
    profile: str
    domains: tuple[str, ...]
    weights: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A question to try: its text, a picture to ask it about (PNG bytes, or None), and a short title."""

    text: str
    image: bytes | None
    title: str
