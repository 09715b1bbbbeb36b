"""A private PostgreSQL server for the time of a test run: its own folder, a socket in it, no TCP port."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

OWNER = "postgres"


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, the newest of those installed, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    here = shutil.which("initdb")
    return Path(here).resolve().parent if here else None


class Cluster:
    """A running server; `database` makes an empty one and returns its SQLAlchemy URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def database(self) -> str:
        import psycopg

        name = f"curbside_{uuid4().hex[:12]}"
        with psycopg.connect(f"host={self._folder} user={OWNER} dbname=postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return f"postgresql+psycopg://{OWNER}@/{name}?host={self._folder}"


@contextmanager
def cluster(binaries: Path) -> Iterator[Cluster]:
    """Start a server and stop it at the end. `initdb` refuses root: root runs it as the user `postgres`."""
    folder = Path(tempfile.mkdtemp(prefix="curbside-pg-"))  # a short path: a socket's name has 107 bytes
    root = os.geteuid() == 0
    if root:
        owner = pwd.getpwnam(OWNER)
        os.chown(folder, owner.pw_uid, owner.pw_gid)

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(binaries / program), *arguments],
            cwd=folder,
            user=OWNER if root else None,
            group=OWNER if root else None,
            extra_groups=[] if root else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")

    data = str(folder / "data")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"
    try:
        run("initdb", "-D", data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield Cluster(folder)
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
