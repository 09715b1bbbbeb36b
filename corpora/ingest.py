"""Adding a source to a home: read, decode and store pictures, write the catalogue, write down what was skipped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TextIO, TypeVar

from corpora.catalog import Added, Catalog, Corpus
from corpora.errors import SourceError
from corpora.home import Home
from corpora.images import ImageStore, read_image_bytes
from corpora.readers.base import ReaderOptions, get_reader
from corpora.records import Record, Skipped

__all__ = ["Ingested", "add_corpus"]

_BATCH = 64
_WORKERS = 4

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Ingested:
    """What adding a source did: records by fate, pictures, seconds; `rejects` is the file that names the skipped."""

    corpus: str
    new: int
    changed: int
    unchanged: int
    skipped: int
    pictures: int
    seconds: float
    rejects: str = ""


def add_corpus(
    home: Home,
    corpus: Corpus,
    options: ReaderOptions,
    progress: Callable[[int], None] = lambda done: None,
) -> Ingested:
    """Read `corpus.source` with `corpus.reader` into the home.

    Records already there with the same content are left alone, so an interrupted run is simply run again. What cannot
    be read is counted and written to `runs/add-<corpus>/rejects.jsonl`; nothing already stored is lost.

    Args:
        home: Where to.
        corpus: The corpus to add or to bring up to date.
        options: What the reader is told.
        progress: Called with the number of records seen so far.

    Raises:
        SourceError: the source cannot be read at all.
        InputError: an unknown reader, domain or option.
    """
    started = time.monotonic()
    records = get_reader(corpus.reader).read(Path(corpus.source), options)
    store = ImageStore(home.images)
    total, pictures, seen = Added(), 0, 0
    with ExitStack() as stack:
        first = list(islice(records, 1))  # a source that cannot be read fails here, before anything is written
        catalog = stack.enter_context(Catalog.open(home.catalog_url))
        pool = stack.enter_context(ThreadPoolExecutor(_WORKERS, thread_name_prefix="decode"))
        rejects = stack.enter_context(_Rejects(home.runs / f"add-{corpus.name}"))
        catalog.put_corpus(corpus)
        for batch in _batched(_first_of_each(_chain(first, records)), _BATCH):
            futures: list[Future[Record | Skipped]] = [pool.submit(_store, item, store) for item in batch]
            stored = []
            for future in futures:
                item = future.result()
                if isinstance(item, Skipped):
                    rejects.write(item)
                else:
                    stored.append(item)
            total += catalog.add(stored)
            pictures += sum(len(record.pictures) for record in stored)
            seen += len(batch)
            progress(seen)
    return Ingested(
        corpus.name,
        total.new,
        total.changed,
        total.unchanged,
        rejects.count,
        pictures,
        round(time.monotonic() - started, 2),
        str(rejects.path) if rejects.count else "",
    )


class _Rejects:
    """The file of skipped sources, made with the first one."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "rejects.jsonl"
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> _Rejects:
        self.path.unlink(missing_ok=True)
        return self

    def write(self, skipped: Skipped) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", errors="backslashreplace")
        self._file.write(json.dumps(asdict(skipped), ensure_ascii=False) + "\n")
        self.count += 1

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _store(item: Record | Skipped, store: ImageStore) -> Record | Skipped:
    if isinstance(item, Skipped):
        return item
    pictures = []
    for picture in item.pictures:
        path = Path(picture.source)
        try:
            digest, width, height = store.add(read_image_bytes(path, store.limits), path.name)
        except SourceError as error:
            return Skipped(f"{item.corpus}/{item.id}", str(error))
        pictures.append(replace(picture, digest=digest, width=width, height=height))
    if not pictures and not item.text:
        return Skipped(f"{item.corpus}/{item.id}", "the record has neither a picture nor a text")
    return item.with_pictures(tuple(pictures))


def _chain(first: list[Record | Skipped], rest: Iterator[Record | Skipped]) -> Iterator[Record | Skipped]:
    yield from first
    yield from rest


def _first_of_each(items: Iterator[Record | Skipped]) -> Iterator[Record | Skipped]:
    """The items, a record of an id that came before skipped: two would replace each other at every run."""
    seen: set[int] = set()
    for item in items:
        if isinstance(item, Record) and item.uid in seen:
            yield Skipped(f"{item.corpus}/{item.id}", "a record of this id came before; ids must be unique")
            continue
        if isinstance(item, Record):
            seen.add(item.uid)
        yield item


def _batched(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while batch := list(islice(items, size)):
        yield batch
