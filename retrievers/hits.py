"""Ranked lists into hits: fair shares, fusion, records, near-duplicates, and why each was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from corpora.catalog import Catalog
from corpora.domains import TEXTBOOK
from corpora.records import Record
from indexing.describe import sentence_parts
from indexing.opened import OpenedIndex
from retrievers.duplicates import Collapsing
from retrievers.found import DomainFound, Hit
from retrievers.fusion import Fused, Fusion, fused_by_shares, with_quotas
from retrievers.relevance import RelevanceModel, features_of
from retrievers.search import THE_SAME, RankedList

__all__ = ["fair", "hit_of", "hits_of"]

_TEXTBOOK_BESIDE_A_PICTURE = 0.75
_FALL = 2.0  # power of a domain's probability by which its places fall; 1 gave unlikely domains too many
_AHEAD = 6  # records fetched beyond those still wanted: some fold into others


def fair(lists: Sequence[RankedList], domain: DomainFound, with_pictures: bool) -> list[RankedList]:
    """The lists with weights that sum to 1 for each domain, since a domain with more lists is not more right, and with
    the domain's share of the places.

    A domain's share is the square of its probability beside the likeliest one's. The textbook's is 1; beside a picture
    its lists weigh three quarters, since cases that look alike come first.
    """
    likeliest = max((domain.posterior.get(name, 0.0) for name in domain.searched), default=0.0) or 1.0
    shares = {name: (domain.posterior.get(name, 0.0) / likeliest) ** _FALL for name in domain.searched}
    whole = dict.fromkeys(domain.searched, 1.0)
    shares[TEXTBOOK] = 1.0
    whole[TEXTBOOK] = _TEXTBOOK_BESIDE_A_PICTURE if with_pictures and domain.name != TEXTBOOK else 1.0
    total: dict[str, float] = {}
    for found in lists:
        total[found.domain] = total.get(found.domain, 0.0) + found.weight
    return [
        replace(
            found,
            weight=whole[found.domain] * found.weight / (total[found.domain] or 1.0),
            share=shares[found.domain],
        )
        for found in lists
    ]


def hits_of(
    lists: Sequence[RankedList],
    catalog: Catalog,
    index: OpenedIndex,
    k: int,
    *,
    fusion: Fusion,
    quota: int = 0,
    same_first: bool = False,
    relevance: Mapping[str, RelevanceModel] | None = None,
) -> list[Hit]:
    """The k best records of lists, fused, near-duplicates folded into the best of them.

    Args:
        lists: With fair weights.
        catalog: Where records are; those that are gone from it are no hits.
        index: Whose lists they are, for near-duplicates.
        k: How many.
        fusion: Of the lists.
        quota: How many of the best records of each target side are among the k.
        same_first: Whether records of the very picture that is asked about come first, whatever other lists say.
        relevance: Models of relevance by domain.
    """
    fused = fused_by_shares(fusion, lists)
    if same_first:
        fused = _same_first(fused, lists)
    if quota:
        fused = with_quotas(fused, lists, k, quota)
    places = [{record: place for place, record in enumerate(found.records)} for found in lists]
    collapsing, at = Collapsing(index), 0
    while at < len(fused) and len(collapsing.kept) < k:
        batch = fused[at : at + k - len(collapsing.kept) + _AHEAD]
        at += len(batch)
        records = catalog.get(uid for uid, _ in batch)
        for uid, score in batch:
            if uid in records and len(collapsing.kept) <= k:
                collapsing.add(records[uid], score)
    models = relevance or {}
    return [
        _hit(record, score, lists, places, twins, models.get(record.domain) if record.kind == "case" else None)
        for record, score, twins in collapsing.kept[:k]
    ]


def _same_first(fused: Fused, lists: Sequence[RankedList]) -> Fused:
    """The fused list with those first that hold the very picture asked for, whatever the other lists say."""
    same = {
        record
        for found in lists
        if found.name.endswith("image→image") and found.weight > 0
        for record, score in zip(found.records, found.scores, strict=True)
        if score >= THE_SAME
    }
    if not same:
        return fused
    return sorted(fused, key=lambda item: item[0] not in same)


def hit_of(record: Record, lists: Sequence[RankedList], fusion: Fusion) -> Hit:
    """How one record stands in lists with fair weights, be it folded into another one or in none of them."""
    places = [{uid: place for place, uid in enumerate(found.records)} for found in lists]
    return _hit(record, dict(fused_by_shares(fusion, lists)).get(record.uid, 0.0), lists, places, (), None)


def _hit(
    record: Record,
    score: float,
    lists: Sequence[RankedList],
    places: Sequence[Mapping[int, int]],
    twins: Sequence[Record],
    relevance: RelevanceModel | None,
) -> Hit:
    ranks: dict[str, int] = {}
    similarities: dict[str, float] = {}
    best_part, best_score = 0, -1.0
    pictures: dict[str, int] = {}
    for found, place_of in zip(lists, places, strict=True):
        place = place_of.get(record.uid)
        if place is None:
            continue
        ranks[found.name], similarities[found.name] = place + 1, found.scores[place]
        if found.name.endswith("text→text") and found.scores[place] > best_score:
            best_part, best_score = found.parts[place], found.scores[place]
        elif found.name.endswith("→image"):
            pictures[found.name.rpartition(" ")[2]] = found.parts[place]
    picture = pictures.get("image→image", pictures.get("text→image", 0))
    parts = sentence_parts(record)
    if not 0 < best_part < len(parts):
        best_part = min(1, len(parts) - 1)
    return Hit(
        record,
        score,
        ranks,
        similarities,
        parts[best_part],
        tuple(f"{twin.corpus}/{twin.id}" for twin in twins),
        None if relevance is None else relevance.probability(features_of(similarities, score)),
        min(picture, max(0, len(record.pictures) - 1)),
    )
