"""The retriever: opens a home, finds the domain, runs and fuses the lists, chooses the context."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from corpora.catalog import Catalog
from corpora.errors import CalibrationError, InputError
from corpora.home import Home
from corpora.images import ImageStore
from indexing.encoders import EncoderPlan
from indexing.encoders.heads import weights_folder
from indexing.opened import OpenedIndex
from indexing.shards import IndexFolder
from retrievers.calibration.storage import CalibrationFolder
from retrievers.calibration.values import Calibration
from retrievers.found import DomainFound, Found, Hit, Selection
from retrievers.fusion import Fusion
from retrievers.hits import fair, hits_of
from retrievers.query import Query
from retrievers.relevance import carried
from retrievers.router import Router, load_router
from retrievers.scope import Scope
from retrievers.search import Lists, RankedList
from retrievers.selection import Policy

__all__ = ["DEFAULT_QUOTA", "Retriever"]

DEFAULT_QUOTA = 1
"""Of the records that each target side finds, how many are among the hits whatever the others find."""

_MOST_K = 200
_MOST_CONTEXT = 12
_MOST_AT_ONCE = 32
_NONE = Calibration()

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Opened:
    """What one search answers from: an index version and the calibration that is in force with it.

    `router` is the calibrated one, None where the one that the retriever came with serves.
    """

    index: OpenedIndex
    calibration: Calibration
    router: Router | None
    policy: Policy
    fusion: Fusion


class Retriever:
    """Finds similar cases, their reports and textbook figures in the right domain.

    Every method may be called from any number of threads. Each search answers from the index version and the
    calibration that were in place when it began; newer ones are taken up by the next search. A calibration that is
    damaged or was fitted with other encoders is passed over, with a warning in the log.

    >>> with Retriever.open("home") as retriever:  # doctest: +SKIP
    ...     found = retriever.search(Query(text="pleural effusion"), k=5)
    """

    def __init__(
        self,
        home: Home,
        *,
        index: str = "default",
        plan: EncoderPlan = EncoderPlan(),
        device: str = "cpu",
        policy: Policy | None = None,
        fusion: Fusion | None = None,
        quota: int = DEFAULT_QUOTA,
        router: Router | None = None,
    ) -> None:
        self.home = home
        self.images = ImageStore(home.images)
        self._folder, self._stored = IndexFolder(home, index), CalibrationFolder(home, index)
        self._plan, self._device = plan, device
        self._policy, self._fusion, self._quota = policy, fusion, quota
        self._router = router or load_router(weights_folder(plan.licences) / "router.safetensors", device)
        self.catalog = Catalog.open(home.catalog_url)
        self._scope = Scope(self.catalog)
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._stamps: tuple[tuple[int, int] | None, tuple[int, int] | None] = (None, None)

    @classmethod
    def open(
        cls,
        home: str | Path | Home,
        *,
        index: str = "default",
        plan: EncoderPlan = EncoderPlan(),
        device: str = "cpu",
        policy: Policy | None = None,
        fusion: Fusion | None = None,
        quota: int = DEFAULT_QUOTA,
    ) -> Retriever:
        """A retriever on a home.

        Args:
            home: The folder of the home.
            index: Which of its indexes.
            plan: Which encoder serves which domain; must be those of the index.
            device: Where encoders and GPU indexes run.
            policy: How many hits become context; None takes the one that won in `curbside calibrate`, else a fixed k.
            fusion: How lists are fused; None takes the one that won, else that of reciprocal ranks.
            quota: How many of the best records of each target side are among the hits.

        Raises:
            SourceError: no home there.
            IndexMissingError: nothing is indexed yet.
            HomeVersionError: a newer Curbside wrote it.
        """
        retriever = cls(
            home if isinstance(home, Home) else Home.open(home),
            index=index,
            plan=plan,
            device=device,
            policy=policy,
            fusion=fusion,
            quota=quota,
        )
        with ExitStack() as undo:
            undo.callback(retriever.close)
            retriever.index  # noqa: B018 (opens it now, so that what is wrong with it is told here)
            undo.pop_all()
        return retriever

    def close(self) -> None:
        """Give back the catalogue's connections."""
        self.catalog.close()

    def __enter__(self) -> Retriever:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def index(self) -> OpenedIndex:
        """The published version, opened; a newer one replaces it as soon as it is published."""
        return self._now().index

    @property
    def calibration(self) -> Calibration:
        """What is in force of the home's calibration; an empty one where nothing is."""
        return self._now().calibration

    @property
    def router(self) -> Router:
        """The router, calibrated where the home says so."""
        return self._now().router or self._router

    @property
    def base_router(self) -> Router:
        """The router as it came, whatever the home's calibration says."""
        return self._router

    def search(self, query: Query, k: int = 10) -> Found:
        """The k best records for a question, with the domain and the reasons.

        Raises:
            InputError: k is not between 1 and 200.
            UnknownNameError: the question names a domain or corpus that is not here.
            EncoderMismatchError: the index was built with another encoder.
        """
        if not 1 <= k <= _MOST_K:
            raise InputError(f"k is {k}; it must lie between 1 and {_MOST_K}.")
        now = self._now()
        domain = (now.router or self._router).route(query, now.index.domains)
        label, encoders = now.index.manifest.label, now.index.manifest.fingerprints
        if domain.name is None:
            nothing = Selection(now.policy.name, 0, 0, "Nothing was searched: the question is out of every domain.")
            return Found((), domain, nothing, label, encoders, now.calibration.digest)
        ranked = self._run(query, domain.searched, now.index, now.calibration)
        hits = self._hits(ranked, domain, now, k, with_pictures=bool(query.pictures))
        selection = now.policy.select(carried(hits), min(k, _MOST_CONTEXT))
        return Found(tuple(hits), domain, selection, label, encoders, now.calibration.digest)

    def batch(self, queries: Sequence[Query], k: int = 10) -> list[Found]:
        """One result for each question, in order; encoders see those that are asked at once together."""
        with ThreadPoolExecutor(max(1, min(len(queries), _MOST_AT_ONCE)), "curbside-search") as threads:
            return list(threads.map(lambda query: self.search(query, k), queries))

    def route(self, query: Query) -> DomainFound:
        """Which domain a question belongs to, without searching."""
        now = self._now()
        return (now.router or self._router).route(query, now.index.domains)

    def lists(self, query: Query, domain: str, calibration: Calibration = _NONE) -> tuple[RankedList, ...]:
        """The ranked lists of one domain before they are fused, under that calibration instead of the home's."""
        return tuple(self._run(query, [domain], self.index, calibration))

    def fused(
        self,
        lists: Sequence[RankedList],
        domain: DomainFound,
        k: int,
        *,
        with_pictures: bool,
        calibration: Calibration = _NONE,
    ) -> list[Hit]:
        """The k best hits of such lists, as a search fuses them under that calibration."""
        now = replace(self._now(), calibration=calibration, fusion=calibration.chosen_fusion())
        return self._hits(lists, domain, now, k, with_pictures=with_pictures)

    def _now(self) -> _Opened:
        with self._lock:
            stamps = self._folder.stamp, self._stored.stamp
            if self._opened is None or self._stamps != stamps:
                same = self._opened is not None and self._stamps[0] == stamps[0]
                index = self._opened.index if same and self._opened else OpenedIndex.open(self._folder, self._device)
                self._opened, self._stamps = self._calibrated(index), stamps
            return self._opened

    def _calibrated(self, index: OpenedIndex) -> _Opened:
        try:
            stored = self._stored.load() or _NONE
            router = self._router.fingerprint if stored.router.fingerprint else ""
            mismatch = stored.mismatch(index.manifest.fingerprints, router)
        except CalibrationError as error:
            stored, mismatch = _NONE, str(error)
        if mismatch:
            _log.warning("The calibration of this home is not in force. %s", mismatch)
            stored = _NONE
        own, calibrated = stored.router, None
        if own.fingerprint:
            calibrated = self._router.calibrated(own.temperature, own.text_temperature, own.floor)
        chosen = stored.selection
        policy = chosen.winner() if self._policy is None else chosen.fitted(self._policy)
        fusion = stored.chosen_fusion() if self._fusion is None else stored.fitted(self._fusion)
        return _Opened(index, stored, calibrated, policy, fusion)

    def _run(
        self, query: Query, domains: Sequence[str], index: OpenedIndex, calibration: Calibration
    ) -> list[RankedList]:
        allow = self._scope.filter(query, index.records)
        lists = Lists(index, self._plan, self._device, self.home.path, calibration.domains)
        return [found for name in domains for found in lists.run(query, name, allow)]

    def _hits(
        self, lists: Sequence[RankedList], domain: DomainFound, now: _Opened, k: int, *, with_pictures: bool
    ) -> list[Hit]:
        asked = "picture" if with_pictures else "words"
        models = {name: one.relevance for name, one in now.calibration.domains.items()}
        return hits_of(
            fair(lists, domain, with_pictures),
            self.catalog,
            now.index,
            k,
            fusion=now.fusion,
            quota=self._quota,
            relevance={name: found[asked] for name, found in models.items() if asked in found},
        )
