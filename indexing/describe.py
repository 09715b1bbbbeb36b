"""The texts under which a record is indexed."""

from __future__ import annotations

from corpora.language import sentences
from corpora.records import Record

__all__ = ["REVISION", "joint_text", "lexical_text", "place_of", "sentence_parts"]

REVISION = 2
"""Grows when these texts change, so that indexes made from the earlier ones are built again."""

_MOST_PARTS = 48
_PLACE = ("site", "body_part", "laterality", "location_category", "location", "plane")
_REGION = ("location_category", "location", "plane")


def joint_text(record: Record) -> str:
    """What stands for the record beside pictures: modality and place, caption and visible findings, else labels.

    Reports seldom say what everybody sees ("CT of the head, sagittal"), and a picture shows just that first.
    """
    if record.kind == "passage":
        return record.text
    said = " ".join(part for part in (record.caption, record.findings or record.report) if part)
    if said and record.labels and not _mentions(said, record.labels):
        said = f"{', '.join(record.labels)}. {said}"
    if said:
        region = place_of(record, _REGION)
        return f"{', '.join((record.modality, *region))}. {said}" if region and record.kind == "case" else said
    return f"{record.modality}: {', '.join((*record.labels, *place_of(record))) or record.title}".strip(": ")


def lexical_text(record: Record) -> str:
    """The words under which the record is found: its text, and what only its labels and attributes say.

    Many pictures come without a report; their labels, modality and place are all the words they have.
    """
    if record.kind == "passage":
        return record.text
    known = (record.modality, *record.labels, *place_of(record))
    said = [*dict.fromkeys(word for word in known if word and not _mentions(record.text, (word,)))]
    denied = [f"no {name}" for name in record.absent if not _mentions(record.text, (name,))]
    return "\n".join(filter(None, (record.text, ". ".join((*said, *denied)))))


def place_of(record: Record, names: tuple[str, ...] = _PLACE) -> tuple[str, ...]:
    """Where and how the picture was taken, as far as the record's attributes say it: site, side, region, plane."""
    return tuple(dict.fromkeys(str(record.attributes[name]) for name in names if record.attributes.get(name)))


def sentence_parts(record: Record) -> list[str]:
    """The whole text as part 0, then its sentences as parts 1, 2, …: the best of them explains a hit."""
    whole = record.text or joint_text(record)
    body = "\n".join((record.caption, record.report, *record.mentions))  # without the title, which explains nothing
    parts = [sentence for sentence in dict.fromkeys(sentences(body)) if len(sentence.split()) > 3][:_MOST_PARTS]
    return [whole, *parts] if parts and parts != [whole] else [whole]


def _mentions(text: str, labels: tuple[str, ...]) -> bool:
    folded = text.casefold()
    return any(label.casefold() in folded for label in labels)
