"""What every reader is, and how one is found by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from corpora.domains import DomainRegistry, packaged_domains
from corpora.errors import InputError, SourceError, UnknownNameError
from corpora.records import Licence, LicenceClass, Record, Skipped

__all__ = ["Reader", "ReaderOptions", "existing_folder", "get_reader", "licence_kind", "reader_names"]

_GROUP = "curbside.readers"


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """What a reader is told besides the source.

    `domain` and `modality` hold for records that do not say their own; `licence` likewise; `extra` are the options
    of one reader, as `--option key=value` gives them.
    """

    corpus: str
    domain: str = ""
    modality: str = ""
    licence: Licence = Licence()
    domains: DomainRegistry = field(default_factory=packaged_domains)
    extra: Mapping[str, str] = field(default_factory=dict)

    def only(self, *known: str) -> None:
        """Raise `InputError` where `extra` has an option that the reader does not know."""
        unknown = sorted(set(self.extra) - set(known))
        if unknown:
            raise InputError(f"This reader has no option {unknown[0]!r}; it knows: {', '.join(known) or 'none'}.")


class Reader(Protocol):
    """Turns a source into records, in a stable order; what cannot be read is yielded as `Skipped`."""

    def read(self, source: Path, options: ReaderOptions) -> Iterator[Record | Skipped]:
        """Every record of the source."""
        ...


def reader_names() -> list[str]:
    """The names of every installed reader."""
    return sorted({entry.name for entry in entry_points(group=_GROUP)})


def get_reader(name: str) -> Reader:
    """The reader of that name; raises `UnknownNameError` with the known ones."""
    for entry in entry_points(group=_GROUP):
        if entry.name == name:
            reader: Reader = entry.load()()
            return reader
    raise UnknownNameError("reader", name, reader_names())


def existing_folder(source: Path) -> Path:
    """The source itself; raises `SourceError` where it is no folder."""
    if not source.is_dir():
        raise SourceError(f"There is no folder {source}; check the path.")
    return source


def licence_kind(name: str) -> LicenceClass:
    """Which class a licence's name belongs to, cautiously: what is not known to be open is unclear.

    >>> licence_kind("CC BY-NC-SA 4.0"), licence_kind("CC BY 4.0"), licence_kind("ask us")
    ('non-commercial', 'open', 'unclear')
    """
    folded = name.casefold()
    if "-nc" in folded or " nc" in folded or "non-commercial" in folded or "noncommercial" in folded:
        return "non-commercial"
    if folded.startswith("unclear") or "research" in folded:
        return "unclear"
    return (
        "open"
        if folded.startswith(("cc by", "cc0", "cc-by", "mit", "apache", "bsd", "gpl", "public domain"))
        else "unclear"
    )
