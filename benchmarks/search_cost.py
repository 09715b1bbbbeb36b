"""A search against its parts on 125,000 entries, beside a LangChain recipe on the same vectors."""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from PIL import Image
from pydantic import ConfigDict

from benchmarks.timing import paired_medians
from corpora.catalog import Catalog, Corpus
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from corpora.teaching import example
from corpora.teaching.writer import png
from indexing.encoders import open_encoder, towers
from indexing.jobs import build_index
from retrievers import Query, Retriever

RECORDS = 25_000  # each a picture, a text and three of its sentences: 125,000 entries
CALLERS = 64
EACH = 8  # questions of each caller, so that the first and the last of them weigh little
ROUNDS = 5
REPEATS = 40
WORDS = ("effusion", "pneumothorax", "consolidation", "fracture", "nodule", "mass", "edema", "normal", "opacity")


def run() -> None:
    """Print the ratios; builds a home in a temporary folder first, which takes minutes."""
    with tempfile.TemporaryDirectory(prefix="curbside-cost-") as folder:
        home = Home.create(Path(folder) / "home")
        _fill(home)
        _build(home)
        with Retriever.open(home) as retriever:
            entries = sum(len(side.ids) for side in retriever.index.sides.values())
            print(f"{entries:,} entries of {RECORDS:,} records")
            _measure(retriever)


def _fill(home: Home) -> None:
    """Records with pictures of noise, each another one, and reports of two sentences."""
    rng = np.random.default_rng(0)
    store = ImageStore(home.images)
    with Catalog.open(home.catalog_url) as catalog:
        catalog.put_corpus(Corpus("noise"))
        for start in range(0, RECORDS, 500):
            batch = []
            for number in range(start, start + 500):
                digest, wide, high = store.add(png(rng.integers(0, 256, (8, 8), dtype=np.uint8)))
                one, other = rng.choice(WORDS, 2)
                batch.append(
                    Record(
                        f"r{number}",
                        "noise",
                        "case",
                        "radiology",
                        report=f"There is {one} of the lung number {number}. No {other} is seen in it.",
                        pictures=(Picture(digest=digest, width=wide, height=high),),
                        labels=(str(one),),
                        patient=f"p{number // 2}",
                    )
                )
            catalog.add(batch)


def _build(home: Home) -> None:
    """Index with random vectors in place of the towers' features: how long embedding takes is not asked here."""
    image, text = towers.ImageTower.features, towers.TextTower.sentence_vectors
    rng = np.random.default_rng(1)
    towers.ImageTower.features = lambda self, batch, traced=False: _normal(rng, len(batch), towers.IMAGE_DIM)
    towers.TextTower.sentence_vectors = lambda self, texts: _normal(rng, len(texts), towers.TEXT_DIM)
    try:
        build_index(home)
    finally:
        towers.ImageTower.features, towers.TextTower.sentence_vectors = image, text


def _normal(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return rng.normal(size=(rows, width)).astype(np.float32)


class Recipe(BaseRetriever):
    """What people write themselves with LangChain and FAISS: a flat index over the pictures, documents in a list."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    encoder: Any
    index: Any
    documents: list[Document]

    def _get_relevant_documents(self, query: Any, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        _, found = self.index.search(self.encoder.encode_images([query]), 10)
        return [self.documents[row] for row in found[0]]

    @classmethod
    def of(cls, retriever: Retriever, encoder: Any) -> "Recipe":
        side = retriever.index.sides["radiology", "image"]
        index = faiss.IndexFlatIP(encoder.dim)
        index.add(np.asarray(side.vectors, np.float32))
        records = retriever.catalog.get(side.records.tolist())
        return cls(
            encoder=encoder,
            index=index,
            documents=[Document(page_content=records[uid].text) for uid in side.records.tolist()],
        )


def _measure(retriever: Retriever) -> None:
    joint, sentence = open_encoder("embedded:radiology"), open_encoder("embedded:sentence")
    sides = {side: retriever.index.sides["radiology", side].index for side in ("image", "text", "sentence")}
    recipe = Recipe.of(retriever, joint)
    base = np.asarray(example("chest_radiograph", "pleural effusion", 991).draw())
    rng = np.random.default_rng(0)

    def fresh() -> Image.Image:
        """Another picture every time, so that no remembered feature helps."""
        noise = rng.integers(-3, 4, base.shape)
        return Image.fromarray(np.clip(base.astype(np.int16) + noise, 0, 255).astype(np.uint8)).convert("RGB")

    def said() -> str:
        return f"effusion {rng.integers(1_000_000)}"

    pictures = iter([fresh() for _ in range(3 * (REPEATS + 1))])  # made before any clock runs

    def picture_parts() -> None:
        vector = joint.encode_images([next(pictures)])
        for side in ("image", "text"):
            sides[side].search(vector, 200)

    def words_parts() -> None:
        text = said()
        vector = joint.encode_texts([text])
        sides["image"].search(vector, 200)
        sides["sentence"].search(sentence.encode_texts([text]), 200)
        retriever.index.lexical["radiology"].search(text, 50)

    picture, parts, plain = paired_medians(
        lambda: retriever.search(Query(images=[next(pictures)], domain="radiology"), 10),
        picture_parts,
        lambda: recipe.invoke(next(pictures)),
        repeats=REPEATS,
    )
    words, word_parts = paired_medians(
        lambda: retriever.search(Query(text=said(), domain="radiology"), 10), words_parts, repeats=REPEATS
    )
    print(f"picture: search / (encoder forward + index searches) = {picture / parts:.2f}")
    print(f"  words: search / (encoder forward + index searches) = {words / word_parts:.2f}")
    print(f"picture: search / LangChain with a flat FAISS index  = {picture / plain:.2f}")
    print(f"picture: the recipe / the parts                      = {plain / parts:.2f}")
    _together(retriever, fresh, said)


def _together(retriever: Retriever, fresh: Callable[[], Image.Image], said: Callable[[], str]) -> None:
    """64 callers against one, half of them with pictures."""

    def questions(count: int) -> list[Query]:
        return [Query(text=said(), images=[fresh()] if n % 2 else [], domain="radiology") for n in range(count)]

    def timed(query: Query) -> float:
        started = time.perf_counter()
        retriever.search(query, 10)
        return time.perf_counter() - started

    alone, together, waits = list[float](), list[float](), list[float]()
    for _ in range(ROUNDS):  # in turn, as what slows the machine for a while should slow both
        asked = questions(CALLERS)
        alone.append(sum(map(timed, asked)) / len(asked))
        asked = questions(CALLERS * EACH)
        with ThreadPoolExecutor(CALLERS) as threads:
            started = time.perf_counter()
            waits += threads.map(timed, asked)
            together.append((time.perf_counter() - started) / len(asked))
    ratios = [one / other for one, other in zip(alone, together, strict=True)]
    p50, p99 = np.percentile(waits, (50, 99)) / statistics.median(alone)
    print(
        f"{CALLERS} callers: throughput / that of one caller = {statistics.median(ratios):.2f}, "
        f"from {min(ratios):.2f} to {max(ratios):.2f}"
    )
    print(f"{CALLERS} callers: p50, p99 of a search / one caller's mean = {p50:.0f}, {p99:.0f}")


if __name__ == "__main__":
    run()
