"""The first tables: corpora, records, pictures, state."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "corpora",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("reader", sa.String(64), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("licence", sa.JSON, nullable=False),
        sa.Column("groups", sa.JSON, nullable=False),
        sa.Column("added", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "records",
        sa.Column("uid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("corpus", sa.String(64), sa.ForeignKey("corpora.name", ondelete="CASCADE"), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("modality", sa.Text, nullable=False),
        sa.Column("patient", sa.Text, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=True),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("corpus", "key", name="uq_records_corpus_key"),
    )
    op.create_index("ix_records_domain", "records", ["domain"])
    op.create_index("ix_records_corpus_patient", "records", ["corpus", "patient"])
    op.create_table(
        "pictures",
        sa.Column("record_uid", sa.BigInteger, sa.ForeignKey("records.uid", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_index("ix_pictures_digest", "pictures", ["digest"])
    op.create_table(
        "state",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(
        sa.table("state", sa.column("name", sa.String), sa.column("value", sa.BigInteger)),
        [{"name": "revision", "value": 0}],
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("pictures", "records", "corpora", "state"):
        op.drop_table(table)
