"""Alembic migrations of the catalogue: `upgrade` brings a database to the newest tables."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

from corpora.errors import HomeVersionError

__all__ = ["HEAD", "upgrade"]

HEAD = "0001"


def upgrade(engine: Engine) -> None:
    """Bring the database to `HEAD`, creating the tables where it is empty.

    Raises:
        HomeVersionError: the database was written by a newer Curbside.
    """
    current = _current(engine)
    if current == HEAD:
        return
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
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)


def _current(engine: Engine) -> str | None:
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
