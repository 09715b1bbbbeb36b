"""What a retriever answers from: the published index version with the calibration in force, taken up as they change."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from functools import cached_property

from corpora.errors import CalibrationError
from corpora.home import Home
from indexing.opened import OpenedIndex
from indexing.shards import IndexFolder
from retrievers.calibration.storage import CalibrationFolder
from retrievers.calibration.values import Calibration
from retrievers.fusion import Fusion
from retrievers.rerank import Reranker
from retrievers.router import Router
from retrievers.selection import Policy
from retrievers.understanding import Understood, understand

__all__ = ["DEFAULT_QUOTA", "Published", "Ranking", "Serving"]

DEFAULT_QUOTA = 0
"""Of the records that each target side finds, how many are among the hits whatever the others find. A place for every
side costs a little (docs/measuring.md), and makes the first hits depend on how many are asked for."""

_NONE = Calibration()
_log = logging.getLogger(__name__)

_Stamps = tuple[tuple[int, int] | None, tuple[int, int] | None]
"""Of the published version and of the calibration."""


@dataclass(frozen=True)
class Ranking:
    """How lists become hits.

    Args:
        fusion: Of the lists; None takes the one that won in `curbside calibrate`, else that of reciprocal ranks.
        quota: How many of the best records of each target side are among the hits, before anything orders them anew.
        rerankers: What orders the hits anew, one after the other.
        policy: How many hits become context; None takes the one that won, else a fixed number.
    """

    fusion: Fusion | None = None
    quota: int = DEFAULT_QUOTA
    rerankers: tuple[Reranker, ...] = ()
    policy: Policy | None = None


@dataclass(frozen=True)
class Serving:
    """What one search answers from."""

    index: OpenedIndex
    calibration: Calibration
    router: Router
    policy: Policy
    fusion: Fusion

    def understood(self, text: str) -> Understood:
        """The question; words of the records are never taken for misspelt ones."""
        return understand(text, known=self._words)

    @cached_property
    def _words(self) -> _Words:
        return _Words(tuple(lexical.vocabulary for lexical in self.index.lexical.values()))


@dataclass(frozen=True)
class _Words:
    """Every word of every domain, without copying them."""

    vocabularies: tuple[frozenset[str], ...]

    def __contains__(self, word: object) -> bool:
        return any(word in vocabulary for vocabulary in self.vocabularies)


@dataclass
class Published:
    """Opens what is published, and opens it again when something newer is. Safe from several threads."""

    home: Home
    name: str
    device: str
    base_router: Router
    ranking: Ranking
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _held: tuple[_Stamps, Serving] | None = None

    def __post_init__(self) -> None:
        self._folder, self._stored = IndexFolder(self.home, self.name), CalibrationFolder(self.home, self.name)

    def now(self) -> Serving:
        """The newest version with its calibration.

        Raises:
            IndexMissingError: nothing is published.
        """
        held, stamps = self._held, self._stamps()
        if held is not None and held[0] == stamps:
            return held[1]
        with self._lock:
            held, stamps = self._held, self._stamps()  # another thread may have opened it meanwhile
            if held is None or held[0] != stamps:
                same = held is not None and held[0][0] == stamps[0]
                index = held[1].index if held and same else OpenedIndex.open(self._folder, self.device)
                held = self._held = stamps, self._serving(index)
            return held[1]

    def _stamps(self) -> _Stamps:
        return self._folder.stamp, self._stored.stamp

    def under(self, calibration: Calibration) -> Serving:
        """The newest version with another calibration than that of the home; its router stays as it came."""
        return self._with(self.now().index, calibration, self.base_router)

    def _serving(self, index: OpenedIndex) -> Serving:
        try:
            stored = self._stored.load() or _NONE
            router = self.base_router.fingerprint if stored.router.fingerprint else ""
            mismatch = stored.mismatch(index.manifest.fingerprints, router)
        except CalibrationError as error:
            stored, mismatch = _NONE, str(error)
        if mismatch:
            _log.warning("The calibration of this home is not in force. %s", mismatch)
            stored = _NONE
        own, calibrated = stored.router, self.base_router
        if own.fingerprint:
            calibrated = self.base_router.calibrated(own.temperature, own.text_temperature, own.floor)
        return self._with(index, stored, calibrated)

    def _with(self, index: OpenedIndex, calibration: Calibration, router: Router) -> Serving:
        chosen, ranking = calibration.selection, self.ranking
        return Serving(
            index,
            calibration,
            router,
            chosen.winner() if ranking.policy is None else chosen.fitted(ranking.policy),
            calibration.chosen_fusion() if ranking.fusion is None else calibration.fitted(ranking.fusion),
        )
