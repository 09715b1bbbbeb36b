"""Homes of the retrievers' tests: a small one with the tiny encoder, and one of drawn cases with the embedded one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from corpora.catalog import Catalog, Corpus
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from corpora.teaching import DrawnCase, example
from corpora.teaching.writer import png
from indexing.jobs import BuildOptions, build_index
from retrievers.router import Router, RouterWeights

# Two drawn cases of each field: renderer, finding, domain.
DRAWN = [
    ("chest_radiograph", "pleural effusion", "radiology"),
    ("chest_radiograph", "cardiomegaly", "radiology"),
    ("head_ct", None, "radiology"),
    ("lung_ultrasound", None, "ultrasound"),
    ("breast_ultrasound", None, "ultrasound"),
    ("fundus", "glaucoma", "ophthalmology"),
    ("fundus", "drusen", "ophthalmology"),
    ("dermoscopy", "melanoma", "dermatology"),
    ("dermoscopy", "melanocytic nevus", "dermatology"),
    ("histology", None, "pathology"),
    ("blood_smear", None, "pathology"),
]


@dataclass(frozen=True)
class Drawn:
    """A drawn case with its PNG."""

    case: DrawnCase
    domain: str
    data: bytes


@pytest.fixture(scope="session")
def drawn() -> list[Drawn]:
    """Cases that are in no corpus, each drawn once."""
    cases = [
        (example(renderer, finding, 900 + number), domain) for number, (renderer, finding, domain) in enumerate(DRAWN)
    ]
    return [Drawn(case, domain, png(case.draw())) for case, domain in cases]


@pytest.fixture(scope="session")
def drawn_home(drawn: list[Drawn], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The drawn cases and two pages of a textbook, indexed with the embedded encoders. Not to be changed by a test."""
    home = Home.create(tmp_path_factory.mktemp("drawn"))
    store = ImageStore(home.images)
    records = [record(one, store) for one in drawn]
    pages = [
        Record("page-1", "book", "passage", "textbook", report="A pleural effusion blunts the costophrenic angle."),
        Record(
            "page-2", "book", "passage", "textbook", report="Drusen are deposits under the retina. They are yellow."
        ),
    ]
    with Catalog.open(home.catalog_url) as catalog:
        catalog.put_corpus(Corpus("drawn"))
        catalog.put_corpus(Corpus("book"))
        catalog.add([*records, *pages])
    build_index(home, options=BuildOptions())
    return home


def record(one: Drawn, store: ImageStore, **changes: str) -> Record:
    digest, width, height = store.add(one.data)
    case = one.case
    return Record(
        id=changes.get("id", case.id),
        corpus=changes.get("corpus", "drawn"),
        kind="case",
        domain=case.domain,
        modality=case.modality,
        report=case.report,
        findings=case.findings,
        labels=case.labels,
        pictures=(Picture(digest=digest, width=width, height=height),),
        patient=changes.get("patient", case.patient),
        day=case.day,
        drawn=True,
    )


@pytest.fixture
def no_router() -> Router:
    """A router for questions that name their domain themselves."""
    one = np.ones((1, 1), np.float32)
    weights = RouterWeights(("radiology",), one[0], one[0], one, one, one[0], one, 1.0, 0.0)
    return Router(weights, weights)
