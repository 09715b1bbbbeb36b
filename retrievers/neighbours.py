"""What belongs to a record: a figure's paragraphs, a paragraph's figures, a patient's other studies, its twin."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from corpora.catalog import Catalog
from corpora.records import Record
from indexing.opened import OpenedIndex

__all__ = ["RELATIONS", "Neighbour", "neighbours_of"]

RELATIONS = ("explains", "illustrates", "same section", "earlier study", "later study", "same study", "confusable")
"""How a neighbour stands to its record, in the order in which neighbours come."""

_MOST_EACH = 5


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A record beside another one: it *explains* a figure, *illustrates* a passage, is an *earlier study* …"""

    relation: str
    record: Record


def neighbours_of(
    record: Record,
    catalog: Catalog,
    index: OpenedIndex | None = None,
    relations: Collection[str] = RELATIONS,
) -> tuple[Neighbour, ...]:
    """The neighbours of a record, at most five of each relation, each record once; nothing is filtered by access.

    Args:
        record: A case, figure or passage.
        catalog: Where its neighbours are.
        index: Whose confusable pairs are told; None leaves them out.
        relations: Which ones.
    """
    found: dict[int, Neighbour] = {}
    for relation, others in _by_relation(record, catalog, index):
        if relation in relations:
            for other in list(others)[:_MOST_EACH]:
                if other.uid != record.uid:
                    found.setdefault(other.uid, Neighbour(relation, other))
    return tuple(sorted(found.values(), key=lambda one: RELATIONS.index(one.relation)))


def _by_relation(record: Record, catalog: Catalog, index: OpenedIndex | None) -> Iterator[tuple[str, Iterable[Record]]]:
    if record.kind == "figure":
        yield "explains", catalog.naming(record.corpus, "figures", record.id)
    if record.kind == "passage":
        yield "illustrates", catalog.of_keys(record.corpus, record.attributes.get("figures") or ())
    if record.kind in ("figure", "passage") and record.attributes.get("section"):
        yield "same section", _same_section(record, catalog)
    if record.patient:
        studies = [other for other in catalog.studies(record.corpus, record.patient) if other.uid != record.uid]
        yield from _studies(record, studies)
    if index is not None:
        known = index.confusable(record.domain, record.uid)
        stored = catalog.get(known)
        yield "confusable", (stored[uid] for uid in known if uid in stored)


def _same_section(record: Record, catalog: Catalog) -> Iterator[Record]:
    section = record.attributes["section"]
    for other in catalog.naming(record.corpus, "section", str(section[-1])):
        if other.attributes.get("section") == section:
            yield other


def _studies(record: Record, others: list[Record]) -> Iterator[tuple[str, Iterable[Record]]]:
    """The patient's other studies, those nearest in time first."""
    if record.day is None:
        yield "same study", [other for other in others if other.study and other.study == record.study]
        return
    day = record.day
    dated = [(other.day, other) for other in others if other.day is not None]
    yield "earlier study", [other for when, other in reversed(dated) if when < day]
    yield "later study", [other for when, other in dated if when > day]
    yield "same study", [other for when, other in dated if when == day]
