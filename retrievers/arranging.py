"""What becomes of hits once the lists are fused: order anew, what comes along, and how many are context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpora.catalog import Catalog
from corpora.language.times import TimeSaid
from corpora.records import Record
from indexing.describe import sentence_parts
from retrievers.composed import rank_composed
from retrievers.found import Hit, Selection
from retrievers.neighbours import Neighbour, neighbours_of
from retrievers.published import Serving
from retrievers.query import Query
from retrievers.relevance import carried
from retrievers.rerank import Reranker
from retrievers.scope import View
from retrievers.search import THE_SAME
from retrievers.selection import FixedK
from retrievers.timeline import Study, Timeline
from retrievers.understanding import Composed, Understood

__all__ = ["Arranged", "arranged"]

_MOST_CONTEXT = 12


@dataclass(frozen=True)
class Arranged:
    """The hits as they are given back; `reordered` says that their order is no longer that of their scores."""

    hits: tuple[Hit, ...]
    selection: Selection
    reordered: bool


def arranged(
    query: Query,
    asked: Understood,
    hits: Sequence[Hit],
    k: int,
    *,
    now: Serving,
    timeline: Timeline | None,
    rerankers: Sequence[Reranker],
    catalog: Catalog,
    view: View,
) -> Arranged:
    """The k hits of a search.

    Args:
        query: The question.
        asked: How it was understood.
        hits: As they were fused, more than k where something orders them anew.
        k: How many.
        now: What the search answers from.
        timeline: Of the question's patient.
        rerankers: One after the other.
        catalog: Where neighbours are.
        view: What the question may see; nothing else comes along or is named.
    """
    found = list(hits)
    composed = asked.composed if query.pictures else None
    if composed is not None:
        found = rank_composed(found, asked)
    for reranker in rerankers:
        found = reranker.rerank(query, found, now.index)
    studied = _wanted_study_first(timeline, asked.composed, query.before, found)
    found = found if studied is None else studied
    found = _with_neighbours(found, k, query.neighbours, catalog, now, view)
    found = _flagged(found, now, view)
    reordered = composed is not None or studied is not None or bool(rerankers)
    return Arranged(tuple(found), _selection(found, min(k, _MOST_CONTEXT), now, reordered), reordered)


def _selection(hits: Sequence[Hit], most: int, now: Serving, reordered: bool) -> Selection:
    """By the policy; a fixed number where its scores no longer say in which order the hits stand."""
    if now.policy.name == FixedK().name:
        return now.policy.select([hit.score for hit in hits], most)
    values = None if reordered else carried(hits)
    if values is None:
        fixed = FixedK().select([hit.score for hit in hits], most)
        why = "their order was asked for" if reordered else "not all have a calibrated relevance"
        return replace(fixed, reason=f"{fixed.reason} A fixed number, since {why}.")
    return now.policy.select(values, most)


def _with_neighbours(hits: Sequence[Hit], k: int, most: int, catalog: Catalog, now: Serving, view: View) -> list[Hit]:
    """The hits, each followed by up to `most` of its neighbours; one that was found itself moves up to its owner."""
    if not most:
        return list(hits[:k])
    later = {hit.record.uid: hit for hit in hits}
    folded = {name for hit in hits for name in hit.duplicates}
    result: dict[int, Hit] = {}
    for hit in hits:
        if len(result) >= k:
            break
        result.setdefault(hit.record.uid, hit)
        near = neighbours_of(hit.record, catalog, now.index, visible=view.visible)
        wanted = [one for one in near if one.record.uid not in result and _name(one.record) not in folded]
        for one in wanted[:most]:
            result[one.record.uid] = _beside(later.get(one.record.uid), one, hit)
    return list(result.values())[:k]


def _beside(found: Hit | None, neighbour: Neighbour, owner: Hit) -> Hit:
    if found is not None:
        return replace(found, relation=neighbour.relation, neighbour_of=_name(owner.record))
    return _brought(neighbour.record, owner.score, neighbour.relation, _name(owner.record))


def _wanted_study_first(
    timeline: Timeline | None, change: Composed | None, before: int | None, hits: Sequence[Hit]
) -> list[Hit] | None:
    """The records of the study that is asked for, then the hits: "the same patient, a year before". None where no other
    study is asked for, or there is none."""
    if timeline is None or change is None or not change.same_patient:
        return None
    time = change.time
    study = _study_at(timeline, _own_study(timeline, hits), time, before)
    if study is None:
        return None
    known = {hit.record.uid: hit for hit in hits}
    best = max((hit.score for hit in hits), default=1.0)
    later = time is not None and time.direction == "later"
    relation = "later study" if later else "earlier study"
    first = [known.get(record.uid) or _brought(record, best, relation, timeline.patient) for record in study.records]
    there = {hit.record.uid for hit in first}
    return [*first, *(hit for hit in hits if hit.record.uid not in there)]


def _own_study(timeline: Timeline, hits: Sequence[Hit]) -> Study | None:
    """The study that the question's picture belongs to, where the home holds it."""
    same = {hit.record.uid for hit in hits if (hit.similarity("image→image") or 0.0) >= THE_SAME}
    return next((one for one in timeline.studies if any(record.uid in same for record in one.records)), None)


def _study_at(timeline: Timeline, own: Study | None, time: TimeSaid | None, before: int | None) -> Study | None:
    """The study before, or after, the one that is asked about, nearest to the stated distance."""
    day = own.day if own is not None and own.day is not None else before
    dated = [(one.day, one) for one in timeline.studies if one.day is not None and one is not own]
    if time is not None and time.direction == "later":
        there = [(when, one) for when, one in dated if day is None or when > day]
        distance = time.days or 0
    else:
        there = [(when, one) for when, one in reversed(dated) if day is None or when < day]
        distance = -(time.days or 0) if time is not None else 0
    if not there:
        return None
    if day is None or not distance:
        return there[0][1]
    return min(there, key=lambda pair: abs(pair[0] - day - distance))[1]


def _flagged(hits: Sequence[Hit], now: Serving, view: View) -> list[Hit]:
    """The hits, each with the ids of its look-alikes."""
    twins = {hit.record.uid: now.index.confusable(hit.record.domain, hit.record.uid) for hit in hits}
    named = view.names({uid for others in twins.values() for uid in others})
    if not named:
        return list(hits)
    return [replace(hit, confusable=tuple(named[uid] for uid in twins[hit.record.uid] if uid in named)) for hit in hits]


def _brought(record: Record, score: float, relation: str, of: str) -> Hit:
    parts = sentence_parts(record)
    return Hit(record, score, {}, {}, parts[min(1, len(parts) - 1)], relation=relation, neighbour_of=of)


def _name(record: Record) -> str:
    return f"{record.corpus}/{record.id}"
