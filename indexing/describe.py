"""The texts under which a record is indexed."""

from __future__ import annotations

from corpora.language import sentences
from corpora.records import Record

__all__ = ["joint_text", "sentence_parts"]

_MOST_PARTS = 48
_SAID = ("site", "body_part", "laterality", "location", "plane")


def joint_text(record: Record) -> str:
    """What stands for the record beside pictures: caption and visible findings, else modality, labels and place."""
    if record.kind == "passage":
        return record.text
    said = " ".join(part for part in (record.caption, record.findings or record.report) if part)
    if said and record.labels and not _mentions(said, record.labels):
        said = f"{', '.join(record.labels)}. {said}"
    if said:
        return said
    place = [str(record.attributes[name]) for name in _SAID if record.attributes.get(name)]
    return f"{record.modality}: {', '.join((*record.labels, *place)) or record.title}".strip(": ")


def sentence_parts(record: Record) -> list[str]:
    """The whole text as part 0, then its sentences as parts 1, 2, …: the best of them explains a hit."""
    whole = record.text or joint_text(record)
    body = "\n".join((record.caption, record.report, *record.mentions))  # without the title, which explains nothing
    parts = [sentence for sentence in dict.fromkeys(sentences(body)) if len(sentence.split()) > 3][:_MOST_PARTS]
    return [whole, *parts] if parts and parts != [whole] else [whole]


def _mentions(text: str, labels: tuple[str, ...]) -> bool:
    folded = text.casefold()
    return any(label.casefold() in folded for label in labels)
