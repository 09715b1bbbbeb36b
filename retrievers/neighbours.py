"""What belongs to a record: a figure's paragraphs, a paragraph's figures, a patient's other studies, its twin."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
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
    visible: Callable[[Sequence[int]], Collection[int]] | None = None,
) -> tuple[Neighbour, ...]:
    """The neighbours of a record, at most five of each relation, each record once.

    Args:
        record: A case, figure or passage.
        catalog: Where its neighbours are.
        index: Whose confusable pairs are told; None leaves them out.
        relations: Which ones.
        visible: Which of some records may be seen; None shows all.
    """
    found: dict[int, Neighbour] = {}
    for relation, others in _by_relation(record, catalog, index):
        if relation in relations:
            every = [other for other in others if other.uid != record.uid]
            seen = None if visible is None else visible([other.uid for other in every])
            for other in [one for one in every if seen is None or one.uid in seen][:_MOST_EACH]:
                found.setdefault(other.uid, Neighbour(relation, other))
    return tuple(sorted(found.values(), key=lambda one: RELATIONS.index(one.relation)))


def _by_relation(record: Record, catalog: Catalog, index: OpenedIndex | None) -> Iterator[tuple[str, Iterable[Record]]]:
    if record.kind == "figure":
        yield "explains", catalog.naming(record.corpus, "figures", record.id)
    if record.kind == "passage":
        yield "illustrates", catalog.of_keys(record.corpus, _texts(record, "figures"))
    if record.kind in ("figure", "passage") and _texts(record, "section"):
        yield "same section", _same_section(record, catalog)
    if record.patient:
        studies = [other for other in catalog.studies(record.corpus, record.patient) if other.uid != record.uid]
        yield from _studies(record, studies)
    if index is not None:
        known = index.confusable(record.domain, record.uid)
        stored = catalog.get(known)
        yield "confusable", (stored[uid] for uid in known if uid in stored)


def _same_section(record: Record, catalog: Catalog) -> Iterator[Record]:
    section = _texts(record, "section")
    for other in catalog.naming(record.corpus, "section", section[-1]):
        if _texts(other, "section") == section:
            yield other


def _texts(record: Record, attribute: str) -> tuple[str, ...]:
    """The texts of an attribute, which a site may fill as it likes: one, several, or none."""
    value = record.attributes.get(attribute)
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, (list, tuple)) else ()


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
