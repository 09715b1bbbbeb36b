"""Composed questions ("like this, but …"): how many of the first five meet the change, with and without re-ranking.

Asked are pictures of cases by their stored vectors, and changes that another patient's record of the domain carries:
a finding more, a finding less, another side. Whether a record meets the change is judged by its attributes and by the
findings of the lexicon that its labels name.
The ranking sees the 50 nearest or the 500 nearest; "there" is what a perfect order of these 500 would reach. In the
column "words alone" the ranking may read neither labels nor attributes, only the report: what it understands of texts.
"""

import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from corpora.catalog import Catalog
from corpora.home import Home
from corpora.language import packaged_lexicon
from corpora.records import Record
from indexing.opened import OpenedIndex
from indexing.shards import IndexFolder
from retrievers.composed import rank_composed
from retrievers.found import Hit
from retrievers.understanding import understand

_FIRST, _SHALLOW, _DEEP, _QUESTIONS = 5, 50, 500, 150
_SIDE_NAMES = ("side", "laterality", "effusion side", "pneumothorax side")
# What more than this share of a domain carries ("lung") is no change worth asking for.
_COMMON = 0.5

Question = tuple[Record, str, str, str]


def run(home: Path = Path("demo-home"), seed: int = 0) -> None:
    if not (home / "curbside.toml").is_file():
        print(f"skipped: there is no {home}; run 'make demo' first")
        return
    opened = Home.open(home)
    index = OpenedIndex.open(IndexFolder(opened, "default"))
    with Catalog.open(opened.catalog_url) as catalog:
        records = catalog.get(index.records.tolist())
    columns = ("nearest", "50 ranked", "500 ranked", "there", "words alone")
    print(f"{'domain':<14}{'change':<8}{'n':>5}", *(f"{column:>12}" for column in columns))
    for domain in index.domains:
        cases = [r for r in records.values() if r.domain == domain and r.kind == "case" and r.pictures]
        for kind, questions in _questions(cases, random.Random(seed)).items():
            rows = [row for question in questions if (row := _shares(question, cases, index, domain)) is not None]
            if rows:
                print(f"{domain:<14}{kind:<8}{len(rows):>5}", *(f"{value:>12.3f}" for value in np.mean(rows, axis=0)))


def _questions(cases: Sequence[Record], rng: random.Random) -> dict[str, list[Question]]:
    """(record asked with, question in words, what is looked at, its value) by kind of change."""
    found = defaultdict(list)
    usual = _usual(cases)
    for record in cases:
        for kind, text, what, value in _changes(record, usual, rng):
            if sum(_meets(other, what, value) for other in cases if other.patient_key != record.patient_key) >= _FIRST:
                found[kind].append((record, text, what, value))
    return {kind: rng.sample(items, min(_QUESTIONS, len(items))) for kind, items in found.items()}


def _changes(record: Record, labels: Sequence[str], rng: random.Random) -> Iterator[tuple[str, str, str, str]]:
    shown = _shown(record.labels)
    others = [label for label in labels if label not in shown]
    own = [label for label in labels if label in shown and not label.startswith("normal")]
    if others:
        label = rng.choice(others)
        yield "with", f"like this, but with {label}", "have", label
    if own and len(shown) > 1:
        label = rng.choice(own)
        yield "without", f"the same without {label}", "lack", label
    side = _side(record)
    if side in ("left", "right"):
        other = "right" if side == "left" else "left"
        yield "side", f"like this but on the {other}", "side", other


def _usual(cases: Sequence[Record]) -> list[str]:
    counts: dict[str, int] = defaultdict(int)
    for record in cases:
        for label in _shown(record.labels):
            counts[label] += 1
    return sorted(label for label, count in counts.items() if 10 <= count <= _COMMON * len(cases))


def _meets(record: Record, what: str, value: str) -> bool:
    if what == "side":
        return _side(record) == value
    return (value in _shown(record.labels)) == (what == "have")


@cache
def _shown(labels: tuple[str, ...]) -> frozenset[str]:
    find = packaged_lexicon().find
    return frozenset(term.name for label in labels for term in find(label, "findings"))


def _side(record: Record) -> str:
    return next((str(record.attributes[name]) for name in _SIDE_NAMES if record.attributes.get(name)), "")


def _shares(question: Question, cases: Sequence[Record], index: OpenedIndex, domain: str) -> tuple[float, ...] | None:
    record, text, what, value = question
    side = index.sides[domain, "image"]
    vector = side.vector(record.uid)
    if vector is None:
        return None
    scored = []
    for other in cases:
        theirs = side.vector(other.uid)
        if theirs is not None and other.patient_key != record.patient_key:
            scored.append((float(theirs @ vector), other))
    scored.sort(key=lambda item: (-item[0], item[1].uid))
    hits = [Hit(other, score, {}, {}) for score, other in scored[:_DEEP]]
    asked = understand(text)
    bare = [replace(hit, record=replace(hit.record, labels=(), absent=(), attributes={})) for hit in hits]
    whole = {hit.record.uid: hit.record for hit in hits}

    def share(ranked: Sequence[Hit]) -> float:
        return sum(_meets(whole[hit.record.uid], what, value) for hit in ranked[:_FIRST]) / _FIRST

    there = sum(_meets(hit.record, what, value) for hit in hits)
    return (
        share(hits),
        share(rank_composed(hits[:_SHALLOW], asked)),
        share(rank_composed(hits, asked)),
        min(_FIRST, there) / _FIRST,
        share(rank_composed(bare, asked)),
    )


if __name__ == "__main__":
    run(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo-home"))
