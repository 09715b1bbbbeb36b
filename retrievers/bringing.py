"""Records that come along: the neighbours of hits, and a patient's earlier studies. They count against k."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from corpora.catalog import Catalog
from corpora.records import Record
from indexing.describe import sentence_parts
from indexing.opened import OpenedIndex
from retrievers.found import Hit
from retrievers.neighbours import neighbours_of
from retrievers.timeline import Timeline

__all__ = ["earlier_studies_first", "with_neighbours"]

Visible = Callable[[Sequence[int]], Collection[int]]


def with_neighbours(
    hits: Sequence[Hit], k: int, most: int, catalog: Catalog, index: OpenedIndex, visible: Visible
) -> list[Hit]:
    """The hits, each with the ids of its confusable twins, and followed by up to `most` of its neighbours; k in all.

    Args:
        hits: Best first.
        k: How many there may be.
        most: Neighbours that each hit may bring; 0 brings none.
        catalog: Where neighbours are.
        index: Whose confusable pairs are told.
        visible: Which of some records the question may see; nothing else is brought or named.
    """
    flagged = _flagged(hits, catalog, index, visible)
    if not most:
        return flagged
    present = {hit.record.uid for hit in flagged}
    result: list[Hit] = []
    for hit in flagged:
        found = neighbours_of(hit.record, catalog, index)
        seen = set(visible([one.record.uid for one in found]))
        brought = [one for one in found if one.record.uid in seen and one.record.uid not in present][:most]
        present |= {one.record.uid for one in brought}
        result.append(hit)
        result += [_brought(one.record, hit.score, one.relation, hit.record) for one in brought]
    return result[:k]


def earlier_studies_first(timeline: Timeline, hits: Sequence[Hit]) -> list[Hit]:
    """The records of the patient's prior study, then the hits: "the same patient, a year before"."""
    prior = timeline.prior.records if timeline.prior else ()
    known = {hit.record.uid: hit for hit in hits}
    best = max((hit.score for hit in hits), default=1.0)
    first = [known.get(record.uid) or _brought(record, best, "earlier study", record) for record in prior]
    own = {hit.record.uid for hit in first}
    return [*first, *(hit for hit in hits if hit.record.uid not in own)]


def _flagged(hits: Sequence[Hit], catalog: Catalog, index: OpenedIndex, visible: Visible) -> list[Hit]:
    twins = {hit.record.uid: index.confusable(hit.record.domain, hit.record.uid) for hit in hits}
    every = sorted({uid for others in twins.values() for uid in others})
    if not every:
        return list(hits)
    seen = set(visible(every))
    stored = {uid: record for uid, record in catalog.get(every).items() if uid in seen}
    return [
        _with(hit, tuple(f"{stored[uid].corpus}/{stored[uid].id}" for uid in twins[hit.record.uid] if uid in stored))
        for hit in hits
    ]


def _with(hit: Hit, confusable: tuple[str, ...]) -> Hit:
    return replace(hit, confusable=confusable) if confusable else hit


def _brought(record: Record, score: float, relation: str, of: Record) -> Hit:
    parts = sentence_parts(record)
    return Hit(
        record, score, {}, {}, parts[min(1, len(parts) - 1)], relation=relation, neighbour_of=f"{of.corpus}/{of.id}"
    )
