"""What tests of several rooms share: a home, small pictures and records, a tiny encoder, a PostgreSQL server."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# Before anything reads them, as a command says it before it loads a model: no test asks the network, no library draws
# bars of its own; and towers share two cores with each other.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from corpora.catalog import Catalog, Corpus
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from indexing.encoders import EncoderPlan, registry
from tests.corpora import postgres_cluster
from tests.indexing import tiny_encoder

FINDINGS = ("pleural effusion", "pneumothorax", "consolidation", "cardiomegaly", "normal")


def picture(seed: int, size: tuple[int, int] = (24, 20)) -> Image.Image:
    """A coarse pattern in colour, another one for each seed."""
    cells = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize(size, Image.Resampling.NEAREST)


def png_bytes(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> EncoderPlan:
    """The plan that serves every domain with the tiny encoder."""
    monkeypatch.setitem(registry._FACTORIES, "tiny", f"{tiny_encoder.__name__}:open_tiny")
    return tiny_encoder.PLAN


CaseMaker = Callable[..., Record]


@pytest.fixture
def make_case() -> CaseMaker:
    """Makes a record of a numbered case; with a home its picture is stored there."""
    return case


def case(number: int, home: Home | None = None, corpus: str = "small", domain: str = "radiology") -> Record:
    finding = FINDINGS[number % len(FINDINGS)]
    pictures: tuple[Picture, ...] = ()
    if home is not None and domain != "textbook":
        digest, width, height = ImageStore(home.images).add(png_bytes(picture(number)))
        pictures = (Picture(digest=digest, width=width, height=height),)
    report = f"There is {finding}, grade {number}. Seen in patient {number // 2}."
    return Record(
        id=f"case-{number}",
        corpus=corpus,
        kind="passage" if domain == "textbook" else "case",
        domain=domain,
        report=report,
        findings=report,
        pictures=pictures,
        labels=(finding,),
        patient=f"p{number // 2}",
        day=number,
    )


def fill(home: Home, count: int, corpus: str = "small", domain: str = "radiology", first: int = 0) -> list[Record]:
    """Put numbered cases into the home's catalogue."""
    records = [case(number, home, corpus, domain) for number in range(first, first + count)]
    with Catalog.open(home.catalog_url) as catalog:
        if corpus not in {known.name for known in catalog.corpora()}:
            catalog.put_corpus(Corpus(corpus))
        catalog.add(records)
    return records


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_cluster.Cluster]:
    """A private PostgreSQL server; skipped where PostgreSQL is not installed."""
    binaries = postgres_cluster.programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: no initdb under /usr/lib/postgresql or in PATH")
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'curbside[postgres]'")
    with postgres_cluster.cluster(binaries) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.db'}"
    server: postgres_cluster.Cluster = request.getfixturevalue("postgres")
    return server.database()
