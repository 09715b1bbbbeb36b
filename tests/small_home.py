"""A home of a few drawn cases and two pages of a book, built once a process, for tests of the interfaces."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from corpora.catalog import Catalog, Corpus
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from corpora.teaching import example
from corpora.teaching.writer import png
from indexing.jobs import BuildOptions, build_index

# Renderer, finding, seed: two radiographs and one case of each of three other domains.
CASES = (
    ("chest_radiograph", "pleural effusion", 900),
    ("chest_radiograph", "cardiomegaly", 901),
    ("lung_ultrasound", None, 903),
    ("fundus", "drusen", 906),
    ("dermoscopy", "melanoma", 907),
)
PAGES = (
    "A pleural effusion blunts the costophrenic angle. Fluid rises to a meniscus.",
    "Drusen are deposits under the retina. They are yellow.",
)
ASKED = "Is there a pleural effusion?"


@cache
def small_home() -> Path:
    """The folder of the home; `chest.png` beside it shows a pleural effusion. Tests only read it."""
    folder = Path(tempfile.mkdtemp(prefix="curbside-small-"))
    atexit.register(shutil.rmtree, folder, True)
    home = Home.create(folder / "home")
    store = ImageStore(home.images)
    cases = [_case(store, *case) for case in CASES]
    pages = [Record(f"page/{n}", "book", "passage", "textbook", report=text) for n, text in enumerate(PAGES, 1)]
    with Catalog.open(home.catalog_url) as catalog:
        for corpus in ("drawn", "book"):
            catalog.put_corpus(Corpus(corpus))
        catalog.add([*cases, *pages])
    (folder / "chest.png").write_bytes(store.path(cases[0].pictures[0].digest).read_bytes())
    build_index(home, options=BuildOptions())
    return home.path


def chest() -> bytes:
    """The picture of the first case."""
    return (small_home().parent / "chest.png").read_bytes()


def _case(store: ImageStore, renderer: str, finding: str | None, seed: int) -> Record:
    case = example(renderer, finding, seed)
    data = png(case.draw())
    digest, width, height = store.add(data)
    return Record(
        id=case.id,
        corpus="drawn",
        kind="case",
        domain=case.domain,
        modality=case.modality,
        report=case.report,
        findings=case.findings,
        labels=case.labels,
        pictures=(Picture(source="/srv/pacs/export.png", digest=digest, width=width, height=height),),
        patient=case.patient,
        day=case.day,
        drawn=True,
    )
