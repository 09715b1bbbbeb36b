"""A build that dies at any moment: the published version stays, and the next run ends as an undisturbed one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corpora.catalog import Catalog
from corpora.home import Home
from corpora.records import Record
from indexing import jobs, shards
from indexing.embedding import ShardVectors, embed_records
from indexing.encoders import EncoderPlan
from indexing.jobs import BuildOptions, build_index
from indexing.opened import OpenedIndex
from indexing.shards import IndexFolder
from indexing.verification import verify_index
from tests.conftest import fill

BUILD = """
import sys
from corpora.home import Home
from indexing.jobs import BuildOptions, build_index
from tests.indexing import tiny_encoder
tiny_encoder.register()
print("ready", flush=True)
options = BuildOptions(plan=tiny_encoder.PLAN, shard_records=4, batch=4)
build_index(Home.open(sys.argv[1]), options=options, progress=lambda done: print("on", flush=True))
"""
KILLS = 20


class Crash(BaseException):
    """Stands for the end of the process: nothing catches it."""


def prepare(home: Home, options: BuildOptions, count: int) -> None:
    """A published version, then new, changed and removed records that wait for the next one."""
    records = fill(home, count)
    fill(home, 4, "book", "textbook")
    build_index(home, options=options)
    fill(home, 2 * count, first=count)
    with Catalog.open(home.catalog_url) as catalog:
        catalog.add([replace(record, report="Changed.", findings="Changed.") for record in records[::4]])
        catalog.remove("small", "case-1")


def is_whole(home: Home) -> str:
    """Proves that the published version can be read, and names it."""
    opened = OpenedIndex.open(IndexFolder(home))
    assert len(opened.records) == sum(opened.manifest.records.values())
    with Catalog.open(home.catalog_url) as catalog:
        return verify_index(home, "default", catalog).index


def files(home: Home) -> dict[str, str]:
    found = IndexFolder(home).manifest()
    assert verify_digest(home) == found.digest
    return dict(found.files)


def verify_digest(home: Home) -> str:
    with Catalog.open(home.catalog_url) as catalog:
        report = verify_index(home, "default", catalog)
    assert (report.removed, report.waiting) == (0, 0)
    return report.digest


@pytest.fixture
def options(tiny: EncoderPlan) -> BuildOptions:
    return BuildOptions(plan=tiny, shard_records=4, batch=4)


def test_killed_twenty_times(home: Home, options: BuildOptions, tmp_path: Path) -> None:
    prepare(home, options, 32)
    undisturbed = Home.open(shutil.copytree(home.path, tmp_path / "undisturbed"))
    build_index(undisturbed, options=options)
    slow = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "TINY_DELAY": "0.02"}
    command = [sys.executable, "-c", BUILD, str(home.path)]
    chance = random.Random(7)
    within = 0
    for _ in range(KILLS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=slow) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            for _ in range(chance.randrange(7)):  # steps, not seconds: on a busy machine work begins late
                process.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.05))
            process.send_signal(signal.SIGKILL)
        assert is_whole(home) in ("default v1", "default v2")
        within += any(IndexFolder(home).partial(2).rglob("*.npy"))
    assert within > KILLS // 4  # the kills fell within the work
    build_index(home, options=options)
    assert is_whole(home) == "default v2"
    assert files(home) == files(undisturbed)


def test_crashed_at_every_single_step_of_writing(
    home: Home, options: BuildOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(options, shard_records=12)
    prepare(home, options, 4)
    undisturbed = Home.open(shutil.copytree(home.path, tmp_path / "undisturbed"))
    build_index(undisturbed, options=options)
    wanted = files(undisturbed)
    crashed = 0
    for step in range(1000):
        left = step

        def counted(real: object, /, *arguments: object, **options: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash
            return real(*arguments, **options)  # type: ignore[operator]

        attempt = Home.open(shutil.copytree(home.path, tmp_path / f"attempt{step}"))
        with monkeypatch.context() as patched:
            for module, name in [(os, "replace"), (shutil, "rmtree"), (jobs, "file_digest")]:
                real = getattr(module, name)
                patched.setattr(module, name, lambda *a, _real=real, **k: counted(_real, *a, **k))
            try:
                build_index(attempt, options=options)
                break
            except Crash:
                crashed += 1
        assert is_whole(attempt) in ("default v1", "default v2")
        build_index(attempt, options=options)
        assert files(attempt) == wanted
        shutil.rmtree(attempt.path)
    assert crashed > 40
    assert shards.index_names(home.indexes) == ["default"]


def test_what_was_done_before_a_crash_is_not_done_again(home: Home, options: BuildOptions) -> None:
    fill(home, 12)
    seen = []

    def die(progress: jobs.Progress) -> None:
        seen.append(progress)
        if progress.done == 8:
            raise Crash

    with pytest.raises(Crash):
        build_index(home, options=options, progress=die)
    with pytest.MonkeyPatch.context() as patched:
        embedded: list[Record] = []

        def counted(records: Sequence[Record], *rest: Any) -> ShardVectors:
            embedded.extend(records)
            return embed_records(records, *rest)

        patched.setattr(jobs, "embed_records", counted)
        build_index(home, options=options)
    assert len(embedded) == 4


def test_files_are_the_same_under_any_hash_seed(home: Home, options: BuildOptions, tmp_path: Path) -> None:
    """Sets of words come in another order in every process; what is written must not."""
    fill(home, 20)
    found = []
    for seed in ("1", "2"):
        copy = shutil.copytree(home.path, tmp_path / seed)
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", BUILD, str(copy)], env=environment, check=True, stdout=subprocess.DEVNULL)
        found.append(files(Home.open(copy)))
    assert any(path.startswith("lexical/") for path in found[0])
    assert found[0] == found[1]
