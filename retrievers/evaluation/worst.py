"""The worst queries of each domain as one HTML page that loads nothing: what was asked, and what came instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from corpora.images import ImageStore
from indexing.describe import joint_text
from indexing.pages import write_page
from retrievers.evaluation.encoders import Direction, DomainResult, Judged
from retrievers.evaluation.spaces import DomainCases
from retrievers.evaluation.thumbnails import thumbnail

__all__ = ["worst_queries", "write_worst_page"]

_FILES = Path(__file__).parent / "page_files"
_DIRECTIONS = ("image→text", "image→image")
_WORST = 12
_ASKED, _FOUND = 160, 104  # pixels of the longer side
_PICTURES = 2  # of one text
_MOST_TEXT = 360

_Small = Callable[[str, int], str]


@dataclass(frozen=True)
class _Shown:
    """One answer or question: thumbnails, what it says, by which record; `others` more pictures bear the same text."""

    record: str
    text: str
    tags: tuple[str, ...]
    pictures: tuple[str, ...]
    others: int = 0
    right: bool = False


@dataclass(frozen=True)
class _Query:
    asked: _Shown
    place: str
    found: tuple[_Shown, ...]


@dataclass(frozen=True)
class _Section:
    """The worst queries of one direction, and the mean that they are the tail of."""

    direction: Direction
    headline: str
    queries: tuple[_Query, ...]


def worst_queries(direction: Direction, patients: Sequence[str], most: int = _WORST) -> list[int]:
    """Numbers of the worst queries of the serving encoder, the worst first, one a patient.

    The worst of image→text have the most wrong answers before the right one; the worst of image→image the fewest right
    ones among five, and of these the right one latest. A picture that nothing can answer is not counted.
    """
    answer: Judged = direction.answers[direction.serving]
    late = -answer.before
    order = np.lexsort((late, answer.values["P@5"])) if "P@5" in answer.values else np.argsort(late, kind="stable")
    chosen: dict[str, int] = {}
    for number in order.tolist():
        if np.isfinite(answer.before[number]) and answer.before[number] > 0:
            chosen.setdefault(patients[int(direction.asked[number])], number)
    return list(chosen.values())[:most]


def write_worst_page(results: Sequence[DomainResult], store: ImageStore, path: Path, held_out: bool) -> None:
    """Write the page. Texts of records are escaped, and its content policy forbids it to ask any host.

    Raises:
        SourceError: a picture cannot be read.
    """

    @cache
    def small(digest: str, side: int) -> str:
        return thumbnail(store.open(digest), side)

    shown = []
    for result in results:
        told = [one for one in result.directions if one.name in _DIRECTIONS]
        shown.append((result.cases.domain, [_section(result.cases, one, small) for one in told]))
    write_page(_FILES, "worst", path, domains=shown, held_out=held_out)


def _section(cases: DomainCases, direction: Direction, small: _Small) -> _Section:
    answer = direction.answers[direction.serving]
    of_texts = direction.name == "image→text"
    carriers: dict[str, list[int]] = {}
    for row, text in enumerate(cases.pairs.said):
        carriers.setdefault(text, []).append(row)
    queries = []
    for number in worst_queries(direction, cases.pairs.patients):
        found = []
        for row, right in zip(answer.found[number].tolist(), answer.hits[number].tolist(), strict=True):
            if row >= 0:
                rows = carriers[cases.pairs.said[row]] if of_texts else [row]
                found.append(_shown(cases, rows, _FOUND, small, right))
        asked = _shown(cases, [int(direction.asked[number])], _ASKED, small)
        queries.append(_Query(asked, _place(direction, answer, number), tuple(found)))
    *_, (measure, mean) = direction.means[direction.serving].items()
    return _Section(direction, f"{measure} {mean.mean:.3f}, chance {direction.chance[measure]:.3f}", tuple(queries))


def _place(direction: Direction, answer: Judged, number: int) -> str:
    place = f"{answer.before[number] + 1:.0f}"
    if direction.name == "image→text":
        return f"its text came at place {place} of {direction.gallery}"
    return f"{answer.hits[number].sum()} of five alike; the first at place {place}"


def _shown(cases: DomainCases, rows: Sequence[int], side: int, small: _Small, right: bool = False) -> _Shown:
    row = cases.rows[rows[0]]
    text = " ".join(joint_text(row.record).split())
    return _Shown(
        record=f"{row.record.corpus}/{row.record.id}",
        text=text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 1].rstrip()}…",
        tags=tuple(sorted(cases.tags[rows[0]])),
        pictures=tuple(small(cases.rows[one].digest, side) for one in rows[:_PICTURES]),
        others=max(0, len(rows) - _PICTURES),
        right=right,
    )
