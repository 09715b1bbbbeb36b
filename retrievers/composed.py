"""Composed questions ("like this, but bilateral"): picture neighbours ordered by whether they meet the change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from corpora.language import Assertion, Lexicon, Polarity, assertions, packaged_lexicon
from corpora.reading import what_it_says
from corpora.records import Record
from retrievers.found import Hit
from retrievers.understanding import Composed, Understood

__all__ = ["rank_composed"]

_OPPOSITE = {"left": "right", "right": "left"}
_SIDE_NAMES = ("side", "laterality", "eye")
_SIZE_NAMES = ("size", "severity")
# How many of the nearest tell on which side the question's picture shows what it shows.
_WITNESSES = 5
# What a condition is worth: met, met by what a sentence says, likely met, not spoken of; None is contradicted. Labels
# are surer than sentences, which speak of history and of other pictures too.
_MET, _SAID, _LIKELY, _SILENT = 1.0, 0.75, 0.5, 0.0


def rank_composed(hits: Sequence[Hit], asked: Understood) -> list[Hit]:
    """The hits with those first that meet what must change, and those last that contradict it.

    A record speaks by its labels, what its reader found absent, the assertions of its text with their negation, sides
    and sizes, its attributes and its modality. Among equals the order stays; without a composed question all stays.
    What labels say goes before what sentences say; records that meet some of several conditions and contradict none
    stand between those that meet all and the silent.
    Times are not looked at: which study is the patient's earlier one is not for a ranking to say.
    """
    change = asked.composed
    if change is None:
        return list(hits)
    lexicon = packaged_lexicon()
    side = _side_wanted(hits, change, lexicon)
    return [hit for _, hit in sorted(((_standing(hit.record, change, side, lexicon), hit) for hit in hits), key=_first)]


def _first(item: tuple[tuple[bool, float], Hit]) -> tuple[bool, float]:
    return item[0]


def _standing(record: Record, change: Composed, side: str, lexicon: Lexicon) -> tuple[bool, float]:
    """Whether the record contradicts the change, and how much of it it meets, negated so that more comes first."""
    worth = list(_conditions(record, change, side, lexicon))
    return None in worth, -sum(value or 0.0 for value in worth)


def _conditions(record: Record, change: Composed, side: str, lexicon: Lexicon) -> Iterator[float | None]:
    for finding in change.have:
        said = _says(record, finding)
        affirmed = _MET if _has(record, finding, lexicon) else _SAID
        yield {"affirmed": affirmed, "uncertain": _LIKELY, "denied": None}[said] if said else _SILENT
    for finding in change.lack:
        said = _says(record, finding)
        # A record that names other findings, and not this one, most likely lacks it.
        silent = _LIKELY if _named(record, lexicon) else _SILENT
        yield {"affirmed": None, "uncertain": _SILENT, "denied": _MET}[said] if said else silent
    if side:
        yield _side_worth(_side_of(record, change.have, lexicon), side)
    if change.severity:
        sizes = _sizes_of(record, change.have, lexicon)
        yield _SILENT if not sizes else _MET if change.severity in sizes else None
    if change.modality:
        made = lexicon.first(record.modality, "modalities") or record.modality
        yield _SILENT if not made else _MET if _is_a(made, change.modality) else None


def _says(record: Record, finding: str) -> Polarity | None:
    said = what_it_says(record, finding)
    return said.polarity if said else None


def _side_wanted(hits: Sequence[Hit], change: Composed, lexicon: Lexicon) -> str:
    """The side asked for; where just the other one is, that opposite to what most of the nearest show."""
    if change.side != "other":
        return change.side
    seen = [_side_of(hit.record, change.have, lexicon) for hit in hits[:_WITNESSES]]
    told = [side for side in seen if side in _OPPOSITE]
    return _OPPOSITE[max(told, key=told.count)] if told else ""  # of as many, the nearest's


def _side_worth(found: str, wanted: str) -> float | None:
    if not found:
        return _SILENT
    if wanted == "unilateral":
        return None if found == "bilateral" else _MET
    if found == "bilateral" and wanted in _OPPOSITE:
        return _LIKELY
    return _MET if found == wanted else None


def _side_of(record: Record, findings: Sequence[str], lexicon: Lexicon) -> str:
    """Left, right, bilateral, or "": of these findings, else of whatever the record affirms."""
    sides = {
        side for value in _attributes(record, _SIDE_NAMES, findings) if (side := lexicon.first(value, "sides"))
    } or {told.side for told in _affirmed(record, findings, lexicon) if told.side}
    return "bilateral" if len(sides) > 1 else next(iter(sides), "")


def _sizes_of(record: Record, findings: Sequence[str], lexicon: Lexicon) -> set[str]:
    values = _attributes(record, _SIZE_NAMES, findings)
    stated = {size for value in values if (size := lexicon.first(value, "severities"))}
    return stated or {told.severity for told in _affirmed(record, findings, lexicon) if told.severity}


def _attributes(record: Record, endings: tuple[str, ...], findings: Sequence[str]) -> Iterator[str]:
    """Values of attributes like "laterality" and "effusion side"; of another finding's where it is not asked for."""
    for name, value in record.attributes.items():
        owner, _, ending = name.casefold().rpartition(" ")
        ours = not owner or not findings or any(owner in finding for finding in findings)
        if ending in endings and ours and value:
            yield str(value)


def _affirmed(record: Record, findings: Sequence[str], lexicon: Lexicon) -> Iterator[Assertion]:
    for told in _told(record, lexicon):
        about = not findings or any(_is_a(told.finding, finding) for finding in findings)
        if told.polarity == "affirmed" and about:
            yield told


def _named(record: Record, lexicon: Lexicon) -> frozenset[str]:
    """The findings that the record's labels name."""
    return frozenset(name for label in record.labels for name in _of_label(label, lexicon))


def _has(record: Record, finding: str, lexicon: Lexicon) -> bool:
    return any(_is_a(name, finding) for name in _named(record, lexicon))


def _is_a(name: str, asked: str) -> bool:
    """Whether a name is what is asked for or a kind of it, by its last words: a pulmonary nodule is a nodule."""
    return name == asked or name.endswith(f" {asked}")


def _told(record: Record, lexicon: Lexicon) -> tuple[Assertion, ...]:
    return _assertions("\n".join(filter(None, (record.findings or record.report, record.caption))), lexicon)


@lru_cache(maxsize=4096)
def _of_label(label: str, lexicon: Lexicon) -> frozenset[str]:
    return frozenset([lexicon.canonical(label), *(term.name for term in lexicon.find(label, "findings"))])


@lru_cache(maxsize=2048)
def _assertions(text: str, lexicon: Lexicon) -> tuple[Assertion, ...]:
    return tuple(assertions(text, lexicon))
