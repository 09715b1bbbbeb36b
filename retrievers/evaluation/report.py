"""The page of a run of `eval retrieval`: tables, plot, and the worst questions as pictures with what came instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from corpora.images import ImageStore
from corpora.records import Record
from indexing.pages import write_page
from retrievers.evaluation.questions import SIDES, words_of
from retrievers.evaluation.tables import TextTable
from retrievers.evaluation.thumbnails import data_uri, thumbnail
from retrievers.evaluation.variants import WHOLE
from retrievers.evaluation.whole import Row

__all__ = ["worst_rows", "write_report"]

_FILES = Path(__file__).parent / "page_files"
_WORST, _SHOWN = 4, 5
_ASKED, _FOUND = 160, 104  # pixels of the longer side
_MOST_TEXT = 300


@dataclass(frozen=True)
class _Shown:
    """A record on the page; `grade` says what it is worth as an answer."""

    record: str
    text: str
    tags: tuple[str, ...]
    picture: str
    grade: int = 0


@dataclass(frozen=True)
class _Question:
    asked: _Shown
    words: str
    place: str
    found: tuple[_Shown, ...]


def worst_rows(rows: Sequence[Row], domain: str, sides: str, most: int = _WORST) -> list[Row]:
    """The questions of a domain and side that the whole answered worst, the worst first.

    Where all that the page shows is right there is nothing to see, whatever the order.
    """
    mine = [row for row in rows if (row.variant, row.domain, row.sides) == (WHOLE, domain, sides)]
    mine = [row for row in mine if _fell_short(row)]
    return sorted(mine, key=lambda row: (row.measures["nDCG@10"], row.measures["P@5"], row.subject.record.uid))[:most]


def _fell_short(row: Row) -> bool:
    right = {uid for uid, grade in row.subject.grades.items() if grade}
    return len(right.intersection(row.found[:_SHOWN])) < min(_SHOWN, len(right))


def write_report(
    path: Path,
    tables: Sequence[TextTable],
    rows: Sequence[Row],
    records: Mapping[int, Record],
    store: ImageStore,
    manifest: Mapping[str, Any],
    plot: bytes | None = None,
) -> None:
    """Write the page. Texts of records are escaped, and its content policy forbids it to ask any host.

    Args:
        path: The HTML file.
        tables: As text.
        rows: Of the evaluation.
        records: By uid.
        store: Their pictures.
        manifest: What the run depends on.
        plot: A PNG.

    Raises:
        SourceError: a picture cannot be read.
    """

    @cache
    def small(digest: str, side: int) -> str:
        return thumbnail(store.open(digest), side)

    def shown(record: Record, side: int, grade: int = 0) -> _Shown:
        picture = small(record.pictures[0].digest, side) if record.pictures else ""
        text = _short(words_of(record) or record.text)
        return _Shown(f"{record.corpus}/{record.id}", text, record.labels, picture, grade)

    domains = []
    for domain in sorted({row.domain for row in rows}):
        sections = [
            (sides, [_question(row, records, shown) for row in found])
            for sides in SIDES
            if (found := worst_rows(rows, domain, sides))
        ]
        domains.append((domain, sections))
    image = data_uri(plot, "image/png") if plot else ""
    write_page(_FILES, "retrieval", path, tables=tables, domains=domains, manifest=manifest, plot=image)


def _question(row: Row, records: Mapping[int, Record], shown: Any) -> _Question:
    subject = row.subject
    grades = [subject.grades.get(uid, 0) for uid in row.found]
    first = next((place for place, grade in enumerate(grades, 1) if grade), None)
    place = f"the first right one at place {first}" if first else f"none right among {len(grades)}"
    if row.searched != row.domain:
        place += f"; sent to {row.searched}" if row.searched else "; turned away as out of every domain"
    found = tuple(
        shown(records[uid], _FOUND, grade) for uid, grade in zip(row.found[:_SHOWN], grades[:_SHOWN], strict=True)
    )
    words = {"picture + question": subject.question, "picture": ""}.get(row.sides, words_of(subject.record))
    return _Question(shown(subject.record, _ASKED), _short(words), place, found)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 1].rstrip()}…"
