"""An assistant that writes for ever, and notes that it was stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event as Flag
from typing import Any, cast

from app.answers import DomainSeen, Event, EvidenceChosen, Stage, TextPiece
from app.assistant import Assistant
from corpora.errors import ModelError
from retrievers.found import DomainFound, Selection

CHOSEN = EvidenceChosen((), Selection("fixed", 0, 0, "none"))


class Endless:
    """`stopped` is set when its stream was closed; with `fails` it breaks off instead of going on."""

    def __init__(self, *, fails: bool = False) -> None:
        self.started, self.stopped, self._fails = Flag(), Flag(), fails

    def stream(self, text: str = "", images: Any = (), **options: Any) -> Iterator[Event]:
        try:
            yield Stage("searching")
            yield DomainSeen(DomainFound("radiology", 1.0))
            yield CHOSEN
            if self._fails:
                raise ModelError("The model is out of reach.")
            while True:
                self.started.set()
                yield TextPiece("more ")
                time.sleep(0.01)
        finally:
            self.stopped.set()

    def picture(self, digest: str, size: int) -> bytes:
        return b""

    @property
    def assistant(self) -> Assistant:
        return cast("Assistant", self)
