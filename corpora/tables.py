"""The tables of the catalogue; `migrations/` brings a database to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Base", "CorpusRow", "PictureRow", "RecordRow", "StateRow"]


class Base(DeclarativeBase):
    """The common base of every table."""


class CorpusRow(Base):
    """A corpus: where it came from, under which licence, and who may see it (no groups: everybody)."""

    __tablename__ = "corpora"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    reader: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(Text)
    licence: Mapped[dict[str, str]] = mapped_column(JSON)
    groups: Mapped[list[str]] = mapped_column(JSON)
    added: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class RecordRow(Base):
    """A record: what searches filter by, and the whole value as JSON."""

    __tablename__ = "records"
    __table_args__ = (
        UniqueConstraint("corpus", "key", name="uq_records_corpus_key"),
        Index("ix_records_corpus_patient", "corpus", "patient"),
    )

    uid: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    corpus: Mapped[str] = mapped_column(ForeignKey("corpora.name", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(16))
    domain: Mapped[str] = mapped_column(String(64), index=True)
    modality: Mapped[str] = mapped_column(Text)
    patient: Mapped[str] = mapped_column(Text)
    day: Mapped[int | None] = mapped_column(BigInteger)
    content_hash: Mapped[str] = mapped_column(String(64))
    document: Mapped[str] = mapped_column(Text)


class PictureRow(Base):
    """Which stored picture belongs to which record, in order."""

    __tablename__ = "pictures"

    record_uid: Mapped[int] = mapped_column(BigInteger, ForeignKey("records.uid", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)


class StateRow(Base):
    """Counters of the home; `revision` grows with every change, so that readers notice."""

    __tablename__ = "state"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
