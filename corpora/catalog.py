"""The catalogue: which records there are, on SQLite or PostgreSQL."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, delete, event, func, make_url, select, update
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from corpora import migrations
from corpora.errors import CatalogError, InputError, MissingDependencyError, UnknownNameError
from corpora.records import Licence, Record, record_uid
from corpora.tables import CorpusRow, PictureRow, RecordRow, StateRow

__all__ = ["Added", "Catalog", "Corpus", "RecordKey"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_BATCH = 500
_CONNECTIONS = {"sqlite": 32}  # kept open; a server's are its own to count


@dataclass(frozen=True, slots=True)
class Corpus:
    """A named set of records from one source; no `groups` means that everybody may see it."""

    name: str
    title: str = ""
    reader: str = ""
    source: str = ""
    licence: Licence = Licence()
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InputError(
                f"{self.name!r} cannot name a corpus; use up to 64 lower-case letters, digits, '-', '_' and '.'."
            )

    def open_to(self, groups: Collection[str] | None) -> bool:
        """Whether somebody of these access groups may see it; None is the owner of the home, who sees everything."""
        return groups is None or not self.groups or not set(self.groups).isdisjoint(groups)


@dataclass(frozen=True, slots=True)
class RecordKey:
    """What filters look at, without the record's document."""

    uid: int
    corpus: str
    key: str
    kind: str
    domain: str
    modality: str
    patient: str
    day: int | None
    content_hash: str


@dataclass(frozen=True, slots=True)
class Added:
    """How many records were new, changed, and already there unchanged."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: Added) -> Added:
        return Added(self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged)


class Catalog:
    """The records of a home. Every method may be called from any thread; each is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Catalog:
        """Connect and bring the tables to the newest version.

        Raises:
            CatalogError: the database cannot be reached, or the URL is wrong.
            HomeVersionError: it was written by a newer Curbside.
        """
        try:
            name = make_url(url).get_backend_name()
            engine = create_engine(url, pool_size=_CONNECTIONS.get(name, 5))
        except (ArgumentError, NoSuchModuleError) as error:
            raise CatalogError(f"The catalogue URL is wrong: {error}.") from error
        except ModuleNotFoundError as error:
            raise MissingDependencyError(error.name or "psycopg", "postgres", "This catalogue URL") from error
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        with ExitStack() as undo:
            undo.callback(engine.dispose)
            try:
                migrations.upgrade(engine)
            except DBAPIError as error:
                raise CatalogError(f"The catalogue cannot be opened: {_first_line(error)}.") from error
            undo.pop_all()
        return cls(engine)

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def revision(self) -> int:
        """Grows with every change of corpora or records."""
        with self._engine.connect() as connection:
            return connection.execute(select(StateRow.value).where(StateRow.name == "revision")).scalar_one()

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """One transaction. Its first statement is the counter's row, at which writers wait for each other."""
        with Session(self._engine) as session, session.begin():
            session.execute(update(StateRow).where(StateRow.name == "revision").values(value=StateRow.value + 1))
            yield session

    def put_corpus(self, corpus: Corpus) -> None:
        """Add a corpus, or replace what is said of it; its records stay."""
        with self._writing() as session:
            row = session.get(CorpusRow, corpus.name) or CorpusRow(name=corpus.name, added=datetime.now(UTC))
            row.title, row.reader, row.source = corpus.title, corpus.reader, corpus.source
            row.licence, row.groups = asdict(corpus.licence), list(corpus.groups)
            session.add(row)

    def corpora(self) -> list[Corpus]:
        """Every corpus, by name."""
        with Session(self._engine) as session:
            return [_corpus(row) for row in session.scalars(select(CorpusRow).order_by(CorpusRow.name))]

    def corpus(self, name: str) -> Corpus:
        """The corpus of that name; raises `UnknownNameError` with the known ones."""
        with Session(self._engine) as session:
            row = session.get(CorpusRow, name)
            if row is None:
                raise UnknownNameError("corpus", name, session.scalars(select(CorpusRow.name)))
            return _corpus(row)

    def remove_corpus(self, name: str) -> int:
        """Remove a corpus with its records; returns how many there were. Pictures no record needs stay on disk."""
        self.corpus(name)
        with self._writing() as session:
            count = session.scalar(select(func.count()).where(RecordRow.corpus == name)) or 0
            session.execute(delete(CorpusRow).where(CorpusRow.name == name))
            return count

    def add(self, records: Sequence[Record]) -> Added:
        """Add records, or replace those of the same corpus and id whose content changed.

        Raises:
            CatalogError: a corpus is not there yet, or two records share a 63-bit number.
        """
        by_uid = {record.uid: record for record in records}
        with self._writing() as session:
            missing = {record.corpus for record in records} - set(session.scalars(select(CorpusRow.name)))
            if missing:
                raise CatalogError(f"The corpus {min(missing)!r} is not in the catalogue; add it first.")
            known = {
                row.uid: row
                for batch in _batches(list(by_uid))
                for row in session.scalars(select(RecordRow).where(RecordRow.uid.in_(batch)))
            }
            added = Added()
            for uid, record in by_uid.items():
                row = known.get(uid)
                if row is not None and (row.corpus, row.key) != (record.corpus, record.id):
                    raise CatalogError(f"The ids {row.key!r} and {record.id!r} collide; rename one of the two records.")
                if row is not None and row.content_hash == record.content_hash:
                    added += Added(unchanged=1)
                    continue
                added += Added(new=1) if row is None else Added(changed=1)
                session.merge(_row(record))
                session.execute(delete(PictureRow).where(PictureRow.record_uid == uid))
                session.flush()
                session.add_all(
                    PictureRow(record_uid=uid, position=position, digest=picture.digest)
                    for position, picture in enumerate(record.pictures)
                )
            if not added.new and not added.changed:
                session.rollback()
            return added

    def remove(self, corpus: str, key: str) -> None:
        """Remove one record; raises `UnknownNameError` where there is none."""
        with self._writing() as session:
            gone = session.execute(
                delete(RecordRow).where(RecordRow.corpus == corpus, RecordRow.key == key).returning(RecordRow.uid)
            ).first()
            if gone is None:
                raise UnknownNameError(f"record of corpus {corpus!r}", key, ())

    def get(self, uids: Iterable[int]) -> dict[int, Record]:
        """The records of these numbers that are still there."""
        found: dict[int, Record] = {}
        with self._engine.connect() as connection:
            for batch in _batches(list(uids)):
                statement = select(RecordRow.uid, RecordRow.document).where(RecordRow.uid.in_(batch))
                found.update((uid, Record.from_json(document)) for uid, document in connection.execute(statement).all())
        return found

    def shows(self, digest: str, groups: Collection[str] | None = None) -> bool:
        """Whether a record that these access groups may see has the picture of that digest."""
        statement = (
            select(CorpusRow)
            .join(RecordRow, RecordRow.corpus == CorpusRow.name)
            .join(PictureRow, PictureRow.record_uid == RecordRow.uid)
            .where(PictureRow.digest == digest)
            .distinct()
        )
        with Session(self._engine) as session:
            return any(_corpus(row).open_to(groups) for row in session.scalars(statement))

    def find(self, corpus: str, key: str) -> Record:
        """One record by corpus and id; raises `UnknownNameError` where there is none."""
        with Session(self._engine) as session:
            document = session.scalar(
                select(RecordRow.document).where(RecordRow.corpus == corpus, RecordRow.key == key)
            )
        if document is None:
            raise UnknownNameError(f"record of corpus {corpus!r}", key, ())
        return Record.from_json(document)

    def of_keys(self, corpus: str, keys: Iterable[str]) -> list[Record]:
        """The records of a corpus by these ids, in that order; those that are not there are left out."""
        wanted = [record_uid(corpus, key) for key in keys]
        found = self.get(wanted)
        return [found[uid] for uid in wanted if uid in found]

    def naming(self, corpus: str, attribute: str, value: str) -> list[Record]:
        """The records of a corpus whose attribute is this text, or a list that holds it, by their number."""
        quoted = json.dumps(value, ensure_ascii=False)
        statement = (
            select(RecordRow.document)
            .where(RecordRow.corpus == corpus, RecordRow.document.contains(quoted, autoescape=True))
            .order_by(RecordRow.uid)
        )
        with Session(self._engine) as session:
            records = [Record.from_json(document) for document in session.scalars(statement)]
        return [record for record in records if _holds(record.attributes.get(attribute), value)]

    def records(self, corpora: Iterable[str] | None = None, domain: str | None = None) -> Iterator[Record]:
        """Every record in the order of its number, read in batches; memory does not grow with the corpus."""
        last = -1
        while True:
            statement = select(RecordRow.uid, RecordRow.document).where(RecordRow.uid > last)
            if corpora is not None:
                statement = statement.where(RecordRow.corpus.in_(list(corpora)))
            if domain is not None:
                statement = statement.where(RecordRow.domain == domain)
            with Session(self._engine) as session:
                rows = session.execute(statement.order_by(RecordRow.uid).limit(_BATCH)).all()
            if not rows:
                return
            for _, document in rows:
                yield Record.from_json(document)
            last = rows[-1][0]

    def keys(self) -> Iterator[RecordKey]:
        """What filters need of every record, in the order of its number."""
        columns = (
            RecordRow.uid, RecordRow.corpus, RecordRow.key, RecordRow.kind, RecordRow.domain,
            RecordRow.modality, RecordRow.patient, RecordRow.day, RecordRow.content_hash,
        )  # fmt: skip
        with Session(self._engine) as session:
            rows = session.execute(select(*columns).order_by(RecordRow.uid).execution_options(yield_per=5000))
            for row in rows:
                yield RecordKey(*row)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many records of each kind each corpus holds."""
        statement = select(RecordRow.corpus, RecordRow.kind, func.count()).group_by(RecordRow.corpus, RecordRow.kind)
        found: dict[str, dict[str, int]] = {}
        with Session(self._engine) as session:
            for corpus, kind, count in session.execute(statement):
                found.setdefault(corpus, {})[kind] = count
        return found

    def studies(self, corpus: str, patient: str) -> list[Record]:
        """Every record of a patient, earliest first."""
        statement = select(RecordRow.document).where(RecordRow.corpus == corpus, RecordRow.patient == patient)
        with Session(self._engine) as session:
            records = [Record.from_json(document) for document in session.scalars(statement)]
        return sorted(records, key=lambda record: (record.day is None, record.day or 0, record.id))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Python's own transactions would begin at the first write, and leave the tables' creation outside of any.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', 'DEFERRED')}")


def _corpus(row: CorpusRow) -> Corpus:
    licence: dict[str, Any] = dict(row.licence)
    return Corpus(row.name, row.title, row.reader, row.source, Licence(**licence), tuple(row.groups))


def _row(record: Record) -> RecordRow:
    return RecordRow(
        uid=record.uid,
        corpus=record.corpus,
        key=record.id,
        kind=record.kind,
        domain=record.domain,
        modality=record.modality,
        patient=record.patient,
        day=record.day,
        content_hash=record.content_hash,
        document=record.to_json(),
    )


def _batches(uids: list[int]) -> Iterator[list[int]]:
    return (uids[start : start + _BATCH] for start in range(0, len(uids), _BATCH))


def _holds(found: object, value: str) -> bool:
    return found == value or (isinstance(found, (list, tuple)) and value in found)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0].rstrip(".")
