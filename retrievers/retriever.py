"""The retriever: opens a home, finds the domain, runs and fuses the lists, chooses the context."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from corpora.catalog import Catalog
from corpora.domains import TEXTBOOK
from corpora.errors import InputError, UnknownNameError
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Record
from indexing.encoders import EncoderPlan
from indexing.encoders.heads import weights_folder
from indexing.opened import OpenedIndex
from indexing.vectors import IdFilter
from retrievers.arranging import Arranged, arranged
from retrievers.calibration.values import Calibration
from retrievers.contrast import Contrast, contrast_of
from retrievers.explain import Explanation, explain_hit
from retrievers.found import DomainFound, Found, Hit, Selection
from retrievers.hits import fair, hit_of, hits_of
from retrievers.published import DEFAULT_QUOTA, Published, Ranking, Serving
from retrievers.query import Query
from retrievers.router import Router, load_router
from retrievers.scope import Scope, View
from retrievers.search import THE_SAME, Lists, RankedList
from retrievers.selection import Policy
from retrievers.timeline import Timeline, timeline_of
from retrievers.understanding import Understood

__all__ = ["DEFAULT_QUOTA", "Ranking", "Retriever"]

_MOST_K = 200
_MOST_AT_ONCE = 32
_CANDIDATES = 50  # what re-rankings order anew
_COMPOSED = 300  # of a composed question: what must differ is rare among the nearest
_NONE = Calibration()


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
        ranking: Ranking = Ranking(),
        policy: Policy | None = None,
        router: Router | None = None,
    ) -> None:
        self.home = home
        self.images = ImageStore(home.images)
        self._plan, self._device = plan, device
        self._ranking = ranking if policy is None else replace(ranking, policy=policy)
        base = router or load_router(weights_folder(plan.licences) / "router.safetensors", device)
        self._published = Published(home, index, device, base, self._ranking)
        self.catalog = Catalog.open(home.catalog_url)
        self._scope = Scope(self.catalog)

    @classmethod
    def open(
        cls,
        home: str | Path | Home,
        *,
        index: str = "default",
        plan: EncoderPlan = EncoderPlan(),
        device: str = "cpu",
        ranking: Ranking = Ranking(),
        policy: Policy | None = None,
    ) -> Retriever:
        """A retriever on a home.

        Args:
            home: The folder of the home.
            index: Which of its indexes.
            plan: Which encoder serves which domain; must be those of the index.
            device: Where encoders and GPU indexes run.
            ranking: How lists become hits, and how many of these become context.
            policy: The same as `ranking.policy`, which it outweighs.

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
            ranking=ranking,
            policy=policy,
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
        return self._published.now().index

    @property
    def calibration(self) -> Calibration:
        """What is in force of the home's calibration; an empty one where nothing is."""
        return self._published.now().calibration

    @property
    def router(self) -> Router:
        """The router, calibrated where the home says so."""
        return self._published.now().router

    @property
    def base_router(self) -> Router:
        """The router as it came, whatever the home's calibration says."""
        return self._published.base_router

    def search(self, query: Query, k: int = 10) -> Found:
        """The k best records for a question, with the domain and the reasons.

        Raises:
            InputError: k is not between 1 and 200, or several corpora have the question's patient.
            UnknownNameError: the question names a domain or corpus that is not here.
            EncoderMismatchError: the index was built with another encoder.
        """
        if not 1 <= k <= _MOST_K:
            raise InputError(f"k is {k}; it must lie between 1 and {_MOST_K}.")
        now, view = self._published.now(), self._scope.view(query)
        asked = now.understood(query.text)
        timeline = self._timeline(query, view, asked.search_text) if query.patient else None
        domain = self._route(query, asked, now, view)
        manifest = now.index.manifest
        if domain.name is None:
            nothing = "Nothing was searched: the question is out of every domain."
            made = Arranged((), Selection(now.policy.name, 0, 0, nothing), False)
        else:
            changed = asked.composed is not None and bool(query.pictures)
            most = max(k, _COMPOSED if changed else _CANDIDATES if self._ranking.rerankers else k)
            allow = view.filter(now.index.records)
            lists = self._run(query, asked, domain.searched, now, allow, most if changed else None)
            made = arranged(
                query,
                asked,
                self._hits(lists, domain, now, most, bool(query.pictures), not _describes(query, asked)),
                k,
                now=now,
                timeline=timeline,
                rerankers=self._ranking.rerankers,
                catalog=self.catalog,
                view=view,
            )
        return Found(
            made.hits,
            domain,
            made.selection,
            manifest.label,
            manifest.fingerprints,
            now.calibration.digest,
            asked,
            timeline,
            made.reordered,
        )

    def batch(self, queries: Sequence[Query], k: int = 10) -> list[Found]:
        """One result for each question, in order; encoders see those that are asked at once together."""
        with ThreadPoolExecutor(max(1, min(len(queries), _MOST_AT_ONCE)), "curbside-search") as threads:
            return list(threads.map(lambda query: self.search(query, k), queries))

    def contrast(self, query: Query, finding: str = "") -> Contrast:
        """The nearest case that affirms a finding, and the nearest that denies it, side by side.

        Args:
            query: A picture, or words; its filters hold.
            finding: In any spelling that the lexicon knows; empty takes the first that the question's words name.

        Raises:
            InputError: no finding is named, or one that no lexicon knows.
        """
        now = self._published.now()
        asked = now.understood(query.text)
        named = next((wanted.name for wanted in (now.understood(finding) if finding else asked).findings), "")
        if not named:
            what = f"{finding!r} is no finding that is known here" if finding else "The question names no finding"
            raise InputError(f"{what}; say which one is to be contrasted.")
        view = self._scope.view(query)
        domain = self._route(query, asked, now, view)
        if domain.name is None:
            return Contrast(named, None, None, 0, domain.reason)
        allow = view.filter(now.index.records)
        lists = self._run(query, asked, [domain.name], now, allow, _MOST_K)
        side = "image→image" if query.pictures else "text→text"
        nearest = [one for one in lists if one.name.endswith(side)]
        return contrast_of(named, self._hits(nearest, domain, now, _MOST_K, bool(query.pictures)))

    def explain(self, query: Query, hit: Hit) -> Explanation:
        """Why a search for the question found this hit; takes a second or two for each picture.

        Raises:
            SourceError: the hit's picture cannot be read.
        """
        now = self._published.now()
        lists = Lists(now.index, self._plan, self._device, self.home.path)
        encoder, _ = lists.encoders(hit.record.domain)
        return explain_hit(query, now.understood(query.text).search_text, hit, encoder, self.images.open)

    def standing(self, query: Query, record: Record) -> Hit:
        """How a record stands with a question, among its hits or not: its place in each list that holds it, the
        sentence and the picture that match best. Nothing is ordered anew; `ranks` is empty where no list holds it.

        Raises:
            QueryError: the question has neither text nor picture.
        """
        now, view = self._published.now(), self._scope.view(query)
        asked = now.understood(query.text)
        domain = self._route(query, asked, now, view)
        lists = self._run(query, asked, domain.searched, now, view.filter(now.index.records))
        return hit_of(record, fair(lists, domain, bool(query.pictures)), now.fusion)

    def timeline(self, query: Query) -> Timeline:
        """The earlier studies of the question's patient, as far as the asking person may see them.

        The question needs neither words nor pictures; words choose what of the last report is told apart.

        Raises:
            InputError: the question names no patient, or one that several corpora have.
            UnknownNameError: there is no such patient here.
        """
        if not query.patient:
            raise InputError("The question names no patient.")
        text = self._published.now().understood(query.text).search_text
        found = self._timeline(query, self._scope.view(query), text)
        if not found.studies:
            raise UnknownNameError("patient", query.patient, ())
        return found

    def route(self, query: Query) -> DomainFound:
        """Which domain a question belongs to, without searching."""
        now = self._published.now()
        return self._route(query, now.understood(query.text), now, self._scope.view(query))

    def read_as(self, text: str) -> str:
        """A question in plain English where it was misspelt or in another language; empty where it is as it was.

        Abbreviations alone are no reason, and a composed question stays whole.
        """
        asked = self._published.now().understood(text)
        changed = bool(asked.corrections) or asked.language != "en"
        return asked.search_text if changed and asked.composed is None else ""

    def lists(self, query: Query, domain: str, calibration: Calibration = _NONE) -> tuple[RankedList, ...]:
        """The ranked lists of one domain before they are fused, under that calibration instead of the home's."""
        now = self._published.under(calibration)
        allow = self._scope.view(query).filter(now.index.records)
        return tuple(self._run(query, now.understood(query.text), [domain], now, allow))

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
        return self._hits(lists, domain, self._published.under(calibration), k, with_pictures)

    def _route(self, query: Query, asked: Understood, now: Serving, view: View) -> DomainFound:
        """Where the router sends it; a picture that this home holds belongs to its domain, however strange it looks."""
        found = now.router.route(query, now.index.domains, asked.search_text)
        if found.name is not None or not query.pictures:
            return found
        lists = Lists(now.index, self._plan, self._device, self.home.path)
        allow = view.filter(now.index.records)
        near = {name: lists.nearest_picture(query, name, allow) for name in now.index.domains}
        name = max(near, key=near.__getitem__, default="")
        if not name or near[name] < THE_SAME:
            return found
        searched = tuple(dict.fromkeys((name, *({TEXTBOOK} & set(now.index.domains)))))
        return DomainFound(name, 1.0, {name: 1.0}, searched, "this home holds the picture")

    def _run(
        self,
        query: Query,
        asked: Understood,
        domains: Sequence[str],
        now: Serving,
        allow: IdFilter | None,
        depth: int | None = None,
    ) -> list[RankedList]:
        lists = Lists(now.index, self._plan, self._device, self.home.path, now.calibration.domains)
        if query.question is None:
            query = query.asking(asked)
        return [found for name in domains for found in lists.run(query, asked.search_text, name, allow, depth)]

    def _hits(
        self,
        lists: Sequence[RankedList],
        domain: DomainFound,
        now: Serving,
        k: int,
        with_pictures: bool,
        same_first: bool = False,
    ) -> list[Hit]:
        asked = "picture" if with_pictures else "words"
        models = {name: one.relevance for name, one in now.calibration.domains.items()}
        return hits_of(
            fair(lists, domain, with_pictures),
            self.catalog,
            now.index,
            k,
            fusion=now.fusion,
            quota=self._ranking.quota,
            same_first=same_first,
            relevance={name: found[asked] for name, found in models.items() if asked in found},
        )

    def _timeline(self, query: Query, view: View, text: str) -> Timeline:
        corpora, patient = view.patient
        seen = {
            name: [record for record in self.catalog.studies(name, patient) if record.uid in view] for name in corpora
        }
        having = [name for name, records in seen.items() if records]
        if len(having) > 1:
            named = ", ".join(f"{name}/{patient}" for name in having)
            raise InputError(f"Several corpora have a patient {patient!r}, who need not be one; say which: {named}.")
        records = [record for name in having for record in seen[name]]
        return timeline_of(f"{having[0]}/{patient}" if having else query.patient, records, query.before, text)


def _describes(query: Query, asked: Understood) -> bool:
    """Whether words say what is wanted, and so may outweigh even the record that holds the very picture."""
    asks = query.question if query.question is not None else asked.asks or asked.composed is not None
    return bool(asked.search_text) and not asks
