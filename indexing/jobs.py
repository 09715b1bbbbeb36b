"""Building an index: plan, run, resume, publish.

A shard is some hundred records of one domain in the order of their numbers. Its files and a marker with their digests
are written atomically, so a job that is killed at any moment continues at the first unfinished shard, and ends in the
same bytes as an undisturbed one. Records that did not change since the parent version are copied, not embedded again.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from corpora.catalog import Catalog, RecordKey
from corpora.errors import CatalogError, IndexDamagedError
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Record, Skipped
from indexing.confusables import write_confusables
from indexing.describe import REVISION, lexical_text
from indexing.embedding import ShardVectors, SideVectors, embed_records
from indexing.encoders import EncoderPlan
from indexing.encoders.adapted import ADAPTER, SiteAdapter, carried_adapters, side_vectors
from indexing.lexical import LexicalIndex
from indexing.planning import DomainEncoders, Shard, plan_digest, plan_shards
from indexing.reuse import ParentVersion
from indexing.shards import (
    IndexFolder,
    Manifest,
    SideManifest,
    file_digest,
    load_rows,
    write_array,
    write_atomic,
)
from indexing.tokens import tokenisation
from indexing.vectors.faiss_index import FaissIndex
from indexing.vectors.registry import chosen_kind, make_index
from indexing.verification import whole_manifest

__all__ = ["BuildOptions", "Built", "Progress", "build_index", "next_version", "only_builder"]


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build: encoders, kind of vector index, where the towers run, records a shard, pictures a batch."""

    plan: EncoderPlan = EncoderPlan()
    kind: str = "auto"
    device: str = "cpu"
    shard_records: int = 256
    batch: int = 16


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is."""

    done: int
    total: int
    stage: str


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did; `fresh` is False where nothing had changed and the published version stands."""

    index: str
    fresh: bool
    records: int
    embedded: int
    reused: int
    pictures: int
    rejects: int
    seconds: float
    digest: str
    bytes: int


@dataclass(frozen=True, slots=True)
class _Marker:
    """What a finished shard says of itself: the plan's digest, its files, what was done."""

    digest: str
    files: tuple[str, ...]
    embedded: int
    reused: int
    pictures: int
    rejects: tuple[Skipped, ...]

    def write(self, path: Path) -> None:
        write_atomic(path, json.dumps(asdict(self), ensure_ascii=False).encode())

    @classmethod
    def read(cls, path: Path) -> _Marker | None:
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            values["rejects"] = tuple(Skipped(**skipped) for skipped in values["rejects"])
            return cls(**values | {"files": tuple(values["files"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None


def build_index(
    home: Home,
    name: str = "default",
    options: BuildOptions = BuildOptions(),
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Built:
    """Bring the index of that name up to date with the catalogue and publish it.

    Raises:
        CatalogError: nothing to index, or another build of the same index is at work.
        ModelError: an encoder cannot be opened.
    """
    started = time.monotonic()
    folder = IndexFolder(home, name)
    with only_builder(folder), Catalog.open(home.catalog_url) as catalog:
        number = next_version(folder)
        encoders = DomainEncoders(home, options.plan, options.device)
        plan = _plan(shard.digest for shard in plan_shards(catalog, encoders, options.shard_records))
        total = sum(sum(kinds.values()) for kinds in catalog.counts().values())
        if not total:
            raise CatalogError("The home has no records yet; add a corpus first: curbside corpus add.")
        published = whole_manifest(folder)
        if published is not None and published.plan == plan:
            return _report(published, folder, started, None)
        builder = _Builder(home, folder, number, catalog, options, encoders, published)
        done, digests = 0, []
        for shard in plan_shards(catalog, encoders, options.shard_records):
            progress(Progress(done, total, shard.domain))
            builder.shard(shard)
            digests.append(shard.digest)
            done += len(shard.keys)
            progress(Progress(done, total, shard.domain))
        progress(Progress(total, total, "publishing"))
        manifest = builder.publish(_plan(digests))  # records may have come since the first look
        return _report(manifest, folder, started, builder.markers)


class _Builder:
    """One job: writes shards into the partial folder, then what spans shards, then the manifest."""

    def __init__(
        self,
        home: Home,
        folder: IndexFolder,
        number: int,
        catalog: Catalog,
        options: BuildOptions,
        encoders: DomainEncoders,
        parent: Manifest | None,
    ) -> None:
        self._folder, self._number, self._catalog, self._options = folder, number, catalog, options
        self._path = folder.partial(number)
        self._path.mkdir(parents=True, exist_ok=True)
        self._store = ImageStore(home.images)
        self._encoders = encoders
        self._parent = ParentVersion(folder, parent)
        self.markers: dict[Path, _Marker] = {}

    def shard(self, shard: Shard) -> None:
        """Make the shard's files, unless a finished marker of the same content stands already."""
        path = self._path / "done" / f"{shard.domain}-{shard.number:05d}.json"
        marker = _Marker.read(path)
        if marker is None or marker.digest != shard.digest:
            encoders = self._encoders(shard.domain)
            copied, missing = self._parent.split(shard.domain, shard.keys, encoders)
            fresh = embed_records(self._records(missing), *encoders, self._store, self._options.batch)
            files = self._write(shard, ShardVectors.merged(copied, fresh))
            reused = len(shard.keys) - len(missing)
            marker = _Marker(shard.digest, files, len(missing), reused, fresh.pictures, fresh.rejects)
            marker.write(path)
        self.markers[path] = marker

    def publish(self, plan: str) -> Manifest:
        """Drop what no planned shard owns, build lexical and vector indexes, write the manifest, publish."""
        self._sweep()
        domains = sorted({path.name.rsplit("-", 1)[0] for path in self.markers})
        rejects = [skipped for marker in self.markers.values() for skipped in marker.rejects]
        records = {domain: len(load_rows(self._path / domain / "content", "uids")) for domain in domains}
        adapters = carried_adapters(self._folder, {domain: self._encoders(domain)[0] for domain in domains})
        for domain, adapter in adapters.items():
            write_atomic(self._path / domain / ADAPTER, adapter.to_bytes())
        sides = tuple(side for domain in domains for side in self._sides(domain, adapters.get(domain)))
        for domain in domains:
            self._lexical(domain)
        lines = [json.dumps(asdict(skipped), ensure_ascii=False) + "\n" for skipped in rejects]
        write_atomic(self._path / "rejects.jsonl", "".join(lines).encode())
        manifest = Manifest(
            name=self._folder.name,
            version=self._number,
            plan=plan,
            encoders={e.spec: e.fingerprint for domain in domains for e in self._encoders(domain)},
            records=records,
            sides=sides,
            files={
                path.relative_to(self._path).as_posix(): file_digest(path)
                for path in sorted(self._path.rglob("*"))
                if path.is_file() and path.parent != self._path / "done" and not path.name.startswith(".")
            },
            rejects=len(rejects),
            parent=self._parent.number,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            parameters={"kind": self._options.kind, "plan": asdict(self._options.plan), "texts": REVISION},
            adapters={domain: adapter.digest for domain, adapter in adapters.items()},
        )
        self._folder.publish(manifest)
        # Not before: a job that is killed while it reads all files again keeps what it has done.
        shutil.rmtree(self._folder.version(self._number) / "done", ignore_errors=True)
        self._folder.prune()
        return manifest

    def _records(self, keys: list[RecordKey]) -> list[Record]:
        found = self._catalog.get(key.uid for key in keys)
        return [found[key.uid] for key in keys if key.uid in found]

    def _write(self, shard: Shard, vectors: ShardVectors) -> tuple[str, ...]:
        stem = f"{shard.number:05d}.npy"
        arrays: dict[str, NDArray[Any]] = {
            f"{shard.domain}/content/uids-{stem}": np.array([key.uid for key in shard.keys], np.int64),
            f"{shard.domain}/content/hashes-{stem}": np.array(
                [list(bytes.fromhex(key.content_hash)) for key in shard.keys], np.uint8
            ),
        }
        for side in vectors.sides:
            where = f"{shard.domain}/{side.side}/{side.folder}"
            arrays[f"{where}/vectors-{stem}"] = side.vectors.astype(np.float16)
            arrays[f"{where}/ids-{stem}"] = side.ids
            arrays[f"{where}/records-{stem}"] = side.records
        for path, array in arrays.items():
            write_array(self._path / path, array)
        return tuple(sorted(arrays))

    def _sweep(self) -> None:
        """Remove markers and files of earlier attempts that the catalogue no longer calls for."""
        wanted = {self._path / path for marker in self.markers.values() for path in marker.files}
        for path in [*self._path.rglob("*")]:
            if path.is_file() and path not in wanted and path not in self.markers:
                path.unlink()

    def _sides(self, domain: str, adapter: SiteAdapter | None) -> Iterator[SideManifest]:
        for encoder in dict.fromkeys(self._encoders(domain)):  # one may serve as both
            for side in ("image", "text", "sentence"):
                where = self._path / domain / side / SideVectors.slug(encoder.spec)
                ids = [*where.glob("ids-*.npy")]
                if not ids:
                    continue
                count = len(load_rows(where, "ids"))
                kind = chosen_kind(self._options.kind, count)
                vectors, built = side_vectors(where, side, adapter), None
                if count and kind in ("hnsw", "ivf"):
                    built = FaissIndex.build(vectors, load_rows(where, "ids"), kind)
                    built.save(where / "index.faiss")
                if count and side == "image":
                    searched = built or make_index(vectors, load_rows(where, "ids"), "exact")
                    write_confusables(where, searched, vectors, self._catalog)
                relative = where.relative_to(self._path).as_posix()
                yield SideManifest(domain, side, encoder.spec, encoder.dim, count, kind, relative)

    def _lexical(self, domain: str) -> None:
        target = self._path / "lexical" / domain
        shutil.rmtree(target, ignore_errors=True)
        uids = load_rows(self._path / domain / "content", "uids").tolist()
        texts: list[str] = []
        for start in range(0, len(uids), 500):
            found = self._catalog.get(uids[start : start + 500])
            texts.extend(lexical_text(found[uid]) if uid in found else "" for uid in uids[start : start + 500])
        LexicalIndex.build(texts, uids).save(target)


def _plan(shards: Iterable[str]) -> str:
    """The digest of a whole build: of its shards, and of how words are read, which changes no vector."""
    return plan_digest([tokenisation(), *shards])


def next_version(folder: IndexFolder) -> int:
    """One past the newest complete version; a version that was renamed but not yet pointed to is adopted first."""
    complete = folder.versions()
    try:
        current = folder.current or 0
    except IndexDamagedError:
        current = 0
    if complete and complete[-1] > current:
        folder.point_to(complete[-1])
    number = (complete[-1] if complete else 0) + 1
    for stale in (folder.path / "partial").glob("*"):
        if stale.name != str(number):
            shutil.rmtree(stale, ignore_errors=True)
    return number


@contextmanager
def only_builder(folder: IndexFolder) -> Iterator[None]:
    """Nobody else publishes in the folder meanwhile; raises `CatalogError` where somebody is at it already."""
    folder.path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.path / ".build.lock", timeout=0)
    try:
        with lock:
            yield
    except Timeout:
        raise CatalogError(f"Another build of index {folder.name!r} is at work; wait for it to end.") from None


def _report(manifest: Manifest, folder: IndexFolder, started: float, markers: Mapping[Path, _Marker] | None) -> Built:
    done = list((markers or {}).values())
    size = sum(path.stat().st_size for path in folder.version(manifest.version).rglob("*") if path.is_file())
    return Built(
        index=manifest.label,
        fresh=markers is not None,
        records=sum(manifest.records.values()),
        embedded=sum(marker.embedded for marker in done),
        reused=sum(marker.reused for marker in done) if done else sum(manifest.records.values()),
        pictures=sum(marker.pictures for marker in done),
        rejects=manifest.rejects,
        seconds=round(time.monotonic() - started, 2),
        digest=manifest.digest,
        bytes=size,
    )
