"""Records into vectors: which entries a record has, and how decoding, preparing and encoding overlap."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from corpora.errors import SourceError
from corpora.images import ImageStore
from corpora.records import Record, Skipped
from indexing.describe import joint_text, sentence_parts
from indexing.encoders.base import Encoder

__all__ = ["ShardVectors", "SideVectors", "embed_records", "entry_id"]

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]

_PREPARING = 2
_AHEAD = 4


@dataclass(frozen=True)
class SideVectors:
    """One side's entries: vectors (n, d), entry ids (n,), record numbers (n,), in the order of the record numbers."""

    side: str
    encoder: str
    vectors: NDArray[np.floating]
    ids: Ids
    records: Ids

    @property
    def folder(self) -> str:
        """The encoder's name as a folder."""
        return self.slug(self.encoder)

    @staticmethod
    def slug(spec: str) -> str:
        """A spec as a folder's name, short and unambiguous.

        >>> SideVectors.slug("embedded:radiology")
        'embedded-radiology'
        """
        plain = re.sub(r"[^a-z0-9_]+", "-", spec.casefold()).strip("-")
        return plain if len(plain) <= 40 else f"{plain[:32]}-{hashlib.sha256(spec.encode()).hexdigest()[:7]}"


@dataclass(frozen=True)
class ShardVectors:
    """All sides of a shard, what was rejected on the way, and how many pictures were encoded."""

    sides: tuple[SideVectors, ...]
    rejects: tuple[Skipped, ...] = ()
    pictures: int = 0

    @staticmethod
    def merged(*parts: ShardVectors) -> ShardVectors:
        """The parts as one, every side again in the order of the record numbers."""
        sides = []
        for key in dict.fromkeys((side.side, side.encoder) for part in parts for side in part.sides):
            same = [side for part in parts for side in part.sides if (side.side, side.encoder) == key]
            vectors = np.concatenate([np.asarray(side.vectors, np.float32) for side in same])
            ids, records = (np.concatenate([getattr(side, name) for side in same]) for name in ("ids", "records"))
            order = np.argsort(records, kind="stable")
            sides.append(SideVectors(*key, vectors[order], ids[order], records[order]))
        return ShardVectors(
            tuple(sides),
            tuple(reject for part in parts for reject in part.rejects),
            sum(part.pictures for part in parts),
        )


@dataclass
class _Rows:
    """Entries of one side while they are collected."""

    records: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def add(self, record: Record, side: str, part: int) -> None:
        self.records.append(record.uid)
        self.ids.append(entry_id(record, side, part))


def entry_id(record: Record, side: str, part: int) -> int:
    """The stable 63-bit id of one entry: a hash of corpus, record key, side and part."""
    name = f"{record.corpus}\x1f{record.id}\x1f{side}\x1f{part}"
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


def embed_records(
    records: Sequence[Record], joint: Encoder, sentence: Encoder, store: ImageStore, batch: int = 16
) -> ShardVectors:
    """Every entry of the records: pictures and texts in the joint space, sentences in the sentence encoder's.

    Pictures are decoded and prepared by threads while the texts, and then earlier pictures, are encoded.
    A picture that cannot be read is rejected with its reason; the record's texts are indexed all the same.
    """
    with ThreadPoolExecutor(_PREPARING, thread_name_prefix="prepare") as pool:
        prepared = _prepare_ahead(records, joint, store, pool, batch)
        text = _encode_texts("text", joint, [(record, [joint_text(record)]) for record in records])
        said = _encode_texts("sentence", sentence, [(record, sentence_parts(record)) for record in records])
        image, rejects = _encode_pictures(prepared, joint, batch)
    return ShardVectors((image, text, said), tuple(rejects), len(image.ids))


_Prepared = tuple[Record, int, "Vectors | SourceError"]


def _prepare_ahead(
    records: Sequence[Record], encoder: Encoder, store: ImageStore, pool: ThreadPoolExecutor, batch: int
) -> Iterator[_Prepared]:
    """Prepared pictures in order, a few batches ahead of who takes them; the first ones start at once."""

    def prepare(record: Record, part: int) -> Vectors | SourceError:
        try:
            return encoder.prepare(store.open(record.pictures[part].digest))
        except SourceError as error:
            return error

    jobs = ((record, part) for record in records for part in range(len(record.pictures)))
    waiting: deque[tuple[Record, int, Future[Vectors | SourceError]]] = deque()

    def top_up() -> None:
        while len(waiting) < _AHEAD * batch and (job := next(jobs, None)) is not None:
            waiting.append((*job, pool.submit(prepare, *job)))

    def taken() -> Iterator[_Prepared]:
        while waiting:
            record, part, future = waiting.popleft()
            yield record, part, future.result()
            top_up()

    top_up()
    return taken()


def _encode_pictures(prepared: Iterator[_Prepared], encoder: Encoder, batch: int) -> tuple[SideVectors, list[Skipped]]:
    rows, rejects = _Rows(), list[Skipped]()
    found: list[Vectors] = []
    held: list[Vectors] = []
    for record, part, picture in prepared:
        if isinstance(picture, SourceError):
            rejects.append(Skipped(f"{record.corpus}/{record.id} picture {part + 1}", str(picture)))
            continue
        rows.add(record, "image", part)
        held.append(picture)
        if len(held) == batch:
            found.append(encoder.encode_prepared(np.stack(held)))
            held.clear()
    if held:
        found.append(encoder.encode_prepared(np.stack(held)))
    return _side("image", encoder, found, rows), rejects


def _encode_texts(side: str, encoder: Encoder, texts: list[tuple[Record, list[str]]]) -> SideVectors:
    """The records' texts, each distinct one encoded once; what has no text has no entry."""
    rows, said = _Rows(), list[str]()
    for record, parts in texts:
        for part, text in enumerate(parts):
            if text.strip():
                rows.add(record, side, part)
                said.append(text)
    distinct = list(dict.fromkeys(said))
    number = {text: row for row, text in enumerate(distinct)}
    vectors = encoder.encode_texts(distinct)
    return _side(side, encoder, [vectors[[number[text] for text in said]]] if said else [], rows)


def _side(side: str, encoder: Encoder, found: list[Vectors], rows: _Rows) -> SideVectors:
    vectors = np.concatenate(found) if found else np.zeros((0, encoder.dim), np.float32)
    return SideVectors(side, encoder.spec, vectors, np.array(rows.ids, np.int64), np.array(rows.records, np.int64))
