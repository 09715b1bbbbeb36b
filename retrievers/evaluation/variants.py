"""The whole retriever and what is left when one of its parts is taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from indexing.encoders import EncoderPlan
from retrievers.composed import rank_composed
from retrievers.evaluation.questions import SIDES
from retrievers.found import DomainFound, Found
from retrievers.fusion import Fusion, LearnedWeights, ReciprocalRank, StandardisedScores
from retrievers.hits import fair, hits_of
from retrievers.published import Ranking
from retrievers.query import Query
from retrievers.retriever import Retriever
from retrievers.scope import Scope
from retrievers.search import LIST_WEIGHTS, Lists, RankedList

__all__ = ["LEARNED", "VARIANTS", "WHOLE", "Heard", "Listening", "Variant"]

WHOLE = "whole"
LEARNED = "learned fusion"

_COMPOSED = 300  # as deep as a search that has to change something looks
_RERANKED = 50  # as many as a search orders anew
_DEPTH = 50  # of a list


@dataclass(frozen=True)
class Variant:
    """The retriever with one thing otherwise.

    `only` are the sides whose lists are kept (empty: all), `without` is the one that is left out; `domains` says which
    are searched: the router's ("routed"), the record's own ("own"), every one with equal shares ("all"), or every one
    with lists of the same sides made into one by their scores ("merged").
    `asked` are the sides of a question for which it is another thing than the whole.
    """

    name: str
    about: str
    only: tuple[str, ...] = ()
    without: str = ""
    domains: str = "routed"
    fusion: Fusion | None = None
    quotas: bool = True
    weighted: bool = True
    understood: bool = True
    reranked: bool = True
    asked: tuple[str, ...] = SIDES


_WORDED = tuple(sides for sides in SIDES if sides != "picture")
_PICTURED = tuple(sides for sides in SIDES if sides != "words")

VARIANTS = (
    Variant("dense text only", "only lists of texts: text→text, image→text", ("text→text", "image→text")),
    Variant("BM25 only", "only the list of words; a picture finds nothing", ("words",)),
    Variant("one index", "no domains: lists of the same sides made into one by their scores", domains="merged"),
    Variant("no router", "the lists of every domain, with equal shares", domains="all"),
    Variant("oracle router", "the record's own domain, told", domains="own"),
    Variant("no weights", "every list weighs 1, of every domain searched", weighted=False),
    Variant("no quotas", "no place promised to a side", quotas=False),
    Variant("no re-ranking", "hits in the order of the fusion", reranked=False),
    Variant("words as typed", "the question's words not understood first", understood=False, asked=_WORDED),
    Variant("reciprocal rank", "fusion of ranks", fusion=ReciprocalRank()),
    Variant("standardised fusion", "fusion of standardised scores", fusion=StandardisedScores()),
    Variant(LEARNED, "weights learned on the other half of the patients", fusion=LearnedWeights()),
    *(
        Variant(f"without {sides}", "that list left out", without=sides, asked=asked)
        for sides, asked in (
            ("image→image", _PICTURED),
            ("image→text", _PICTURED),
            ("text→text", _WORDED),
            ("text→image", _WORDED),
            ("words", _WORDED),
        )
    ),
)
"""What the whole is compared with."""


@dataclass(frozen=True)
class Heard:
    """What one question found: the whole search, and the lists of every domain, also for the words as they were typed.

    `typed` is None where understanding changed nothing.
    """

    query: Query
    found: Found
    lists: Mapping[str, tuple[RankedList, ...]]
    typed: Mapping[str, tuple[RankedList, ...]] | None


class Listening:
    """Asks every question once, and fuses what it found in any of the ways. For one thread.

    Args:
        retriever: The whole one.
        plan: Its encoders.
        device: Where they run.
        ranking: How it ranks.
        k: Hits of a search; places promised by quotas lie among them.
    """

    def __init__(
        self,
        retriever: Retriever,
        plan: EncoderPlan = EncoderPlan(),
        device: str = "cpu",
        ranking: Ranking = Ranking(),
        k: int = 10,
    ) -> None:
        self._retriever, self._ranking, self._k = retriever, ranking, k
        self._index, self._calibration = retriever.index, retriever.calibration
        self._lists = Lists(self._index, plan, device, retriever.home.path, self._calibration.domains)
        self._scope = Scope(retriever.catalog)
        self._fusion = self._calibration.chosen_fusion() if ranking.fusion is None else ranking.fusion

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Those of `VARIANTS` that are another thing than the whole of this home."""
        same = self._fusion.name
        return tuple(
            one
            for one in VARIANTS
            if not (one.fusion and one.fusion.name == same)
            and (one.reranked or self._ranking.rerankers)
            and (one.quotas or self._ranking.quota)
        )

    def hear(self, query: Query, variants: bool = True) -> Heard:
        """The whole search, and with `variants` the lists of all domains."""
        found = self._retriever.search(query, self._k)
        if not variants:
            return Heard(query, found, {}, None)
        text = query.text
        if found.asked is not None:
            text = found.asked.search_text
            query = query if query.question is not None else query.asking(found.asked)
        lists = self._run(query, text, self._index.domains, _changed(query, found))
        typed = None
        if text != query.text:
            typed = self._run(query, query.text, found.domain.searched, _changed(query, found))
        return Heard(query, found, lists, typed)

    def hits(self, heard: Heard, variant: Variant, own: str, fusion: Fusion | None = None) -> tuple[int, ...]:
        """The uids that a variant finds, best first.

        Args:
            heard: Of the question.
            variant: What is otherwise.
            own: The domain of the record that was asked.
            fusion: Instead of the variant's own one.
        """
        domain = self._domain(heard, variant, own)
        if domain.name is None:
            return ()
        source = heard.lists if variant.understood or heard.typed is None else heard.typed
        lists = [one for name in domain.searched for one in source[name] if _kept(variant, one)]
        if variant.domains == "merged":
            lists = _merged(lists, own)
        elif variant.weighted:
            lists = fair(lists, domain, bool(heard.query.pictures))
        else:
            lists = [replace(one, weight=1.0) for one in lists]
        changed = _changed(heard.query, heard.found)
        candidates = max(self._k, _RERANKED) if self._ranking.rerankers else self._k
        hits = hits_of(
            lists,
            self._retriever.catalog,
            self._index,
            _COMPOSED if changed else candidates,
            fusion=fusion or variant.fusion or self._fusion,
            quota=self._ranking.quota if variant.quotas else 0,
        )
        if changed and heard.found.asked is not None:
            hits = rank_composed(hits, heard.found.asked)
        for reranker in self._ranking.rerankers if variant.reranked else ():
            hits = reranker.rerank(heard.query, hits, self._index)
        return tuple(hit.record.uid for hit in hits[: self._k])

    def _domain(self, heard: Heard, variant: Variant, own: str) -> DomainFound:
        if variant.domains == "own":
            return DomainFound(own, 1.0, {own: 1.0}, (own,))
        if variant.domains != "routed":
            names = tuple(self._index.domains)
            return DomainFound(own, 1.0, dict.fromkeys(names, 1.0), names)
        return heard.found.domain

    def _run(self, query: Query, text: str, domains: Sequence[str], changed: bool) -> dict[str, tuple[RankedList, ...]]:
        allow = self._scope.filter(query, self._index.records)
        depth = _COMPOSED if changed else None
        return {name: tuple(self._lists.run(query, text, name, allow, depth)) for name in domains}


def _changed(query: Query, found: Found) -> bool:
    return bool(query.pictures) and found.asked is not None and found.asked.composed is not None


def _merged(lists: Sequence[RankedList], domain: str) -> list[RankedList]:
    """One list of each sides, by score, as of one index that knows no domains."""
    by_sides: dict[str, list[RankedList]] = {}
    for one in lists:
        by_sides.setdefault(one.name.removeprefix(f"{one.domain} "), []).append(one)
    merged = []
    for sides, parts in by_sides.items():
        found = sorted(
            (-score, record, part)
            for one in parts
            for record, score, part in zip(one.records, one.scores, one.parts, strict=True)
        )[: max(_DEPTH, *(len(one.records) for one in parts))]
        merged.append(
            RankedList(
                domain,
                f"{domain} {sides}",
                max(one.weight for one in parts),
                tuple(record for _, record, _ in found),
                tuple(-score for score, _, _ in found),
                tuple(part for _, _, part in found),
            )
        )
    return merged


def _kept(variant: Variant, one: RankedList) -> bool:
    sides = one.name.removeprefix(f"{one.domain} ")
    if sides not in LIST_WEIGHTS:
        return True
    return sides != variant.without and (not variant.only or sides in variant.only)
