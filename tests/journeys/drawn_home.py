"""A small teaching home, drawn and indexed once for all tests of a session that ask it."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path

from app.settings import load_settings
from app.wiring import build_options
from corpora.catalog import Corpus
from corpora.home import Home
from corpora.ingest import add_corpus
from corpora.readers.base import ReaderOptions
from corpora.records import Licence
from corpora.teaching import PRIMER, TEACHING, DrawnCase
from corpora.teaching import primer as book
from corpora.teaching.writer import _record, png
from indexing.jobs import build_index

CASES = {
    "chest_radiograph": 26,
    "head_ct": 14,
    "lung_ultrasound": 14,
    "breast_ultrasound": 12,
    "fundus": 14,
    "dermoscopy": 14,
    "histology": 14,
    "blood_smear": 14,
}
"""How many of each renderer's cases are drawn: chest radiographs are slow to draw, and asked about most."""

LICENCE = Licence("CC0 1.0", "open")


def some_cases(renderer: str, most: int) -> list[DrawnCase]:
    """Cases spread over all that the renderer plans; of radiographs, effusions and normal ones first."""
    cases: list[DrawnCase] = list(import_module(f"corpora.teaching.{renderer}").cases())
    first = [
        case for case in cases if renderer == "chest_radiograph" and {"pleural effusion", "normal"} & {*case.labels}
    ]
    rest = [case for case in cases if case not in first]
    step = max(1, len(rest) // max(1, most - len(first)))
    return [*first, *rest[::step]][:most]


def draw(folder: Path) -> None:
    """Write the reduced corpus and the whole primer, as `corpus teach` writes them."""
    images = folder / TEACHING / "images"
    images.mkdir(parents=True)
    chosen = [case for renderer, most in CASES.items() for case in some_cases(renderer, most)]
    for case in chosen:
        (images / f"{case.id}.png").write_bytes(png(case.draw()))
    lines = "".join(json.dumps(_record(case)) + "\n" for case in chosen)
    (folder / TEACHING / "records.jsonl").write_text(lines, encoding="utf-8")
    book.write(folder / PRIMER)


def add(home: Home, drawn: Path) -> None:
    """Add both corpora to a home."""
    for name, title, reader, extra in (
        (TEACHING, "Teaching cases (drawn)", "jsonl", {}),
        (PRIMER, "Illustrated primer (drawn)", "openstax", {"drawn": "true"}),
    ):
        corpus = Corpus(name, title, reader, str(drawn / name), LICENCE)
        done = add_corpus(home, corpus, ReaderOptions(name, licence=LICENCE, domains=home.domains, extra=extra))
        assert done.skipped == 0, done


@cache
def built_home() -> Path:
    """The home; drawn, added and indexed with the first call, removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="curbside-journeys-"))
    atexit.register(shutil.rmtree, folder, True)
    home = Home.create(folder / "home")
    draw(home.path / "drawn")
    add(home, home.path / "drawn")
    build_index(home, "default", build_options(load_settings(home.path)[0]))
    return home.path
