"""Alembic migrations of the catalogue: `upgrade` brings a database to the newest tables."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from corpora.errors import HomeVersionError

__all__ = ["HEAD", "upgrade"]

HEAD = "0001"

_LOCK = 7106021  # any number, the same in every Curbside
_one_at_a_time = threading.Lock()  # Alembic keeps the migration at work in module globals


def upgrade(engine: Engine) -> None:
    """Bring the database to `HEAD`, creating the tables where it is empty.

    Raises:
        HomeVersionError: the database was written by a newer Curbside.
    """
    with engine.connect() as connection:
        if _current(connection) == HEAD:
            return
    with _one_at_a_time, engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        current = _current(connection)  # again, now that no other process can be at the same work
        if current != HEAD:
            _migrate(connection, current)


def _migrate(connection: Connection, current: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise HomeVersionError(
            f"This home is of version {current}, newer than this Curbside knows ({HEAD}); update Curbside to open it."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
