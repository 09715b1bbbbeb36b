"""Adding a source to a home: what is new, what is skipped, and what a killed run leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corpora.catalog import Catalog, Corpus
from corpora.errors import CatalogError, SourceError, UnknownNameError
from corpora.home import Home
from corpora.images import ImageStore
from corpora.ingest import add_corpus
from corpora.readers.base import ReaderOptions
from tests.conftest import picture, png_bytes

OPTIONS = ReaderOptions("small", domain="radiology")


def write(folder: Path, count: int, **changes: dict[str, object]) -> Corpus:
    """A `jsonl` corpus of `count` records with a picture each; `changes` are fields by record id."""
    folder.mkdir(exist_ok=True)
    lines = []
    for number in range(count):
        (folder / f"{number}.png").write_bytes(png_bytes(picture(number)))
        line: dict[str, object] = {"id": f"r{number}", "image": f"{number}.png", "report": f"Report {number}."}
        lines.append(json.dumps(line | changes.get(f"r{number}", {})))
    (folder / "records.jsonl").write_text("\n".join(lines) + "\n")
    return Corpus("small", reader="jsonl", source=str(folder))


def contents(home: Home) -> dict[str, str]:
    with Catalog.open(home.catalog_url) as catalog:
        return {record.id: record.content_hash for record in catalog.records()}


def test_adding_and_adding_again(home: Home, tmp_path: Path) -> None:
    corpus = write(tmp_path / "source", 150)
    seen: list[int] = []
    first = add_corpus(home, corpus, OPTIONS, seen.append)
    assert (first.new, first.changed, first.unchanged, first.skipped, first.pictures) == (150, 0, 0, 0, 150)
    assert seen == sorted(seen)
    assert seen[-1] == 150
    assert first.rejects == ""
    before = contents(home)
    again = add_corpus(home, corpus, OPTIONS)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 150)
    assert contents(home) == before
    assert len(set(ImageStore(home.images).digests())) == 150
    with Catalog.open(home.catalog_url) as catalog:
        record = catalog.find("small", "r3")
    assert (record.pictures[0].width, record.pictures[0].height) == (24, 20)
    assert ImageStore(home.images).open(record.pictures[0].digest).size == (24, 20)


def test_a_changed_record_is_replaced(home: Home, tmp_path: Path) -> None:
    add_corpus(home, write(tmp_path / "source", 5), OPTIONS)
    before = contents(home)
    changed = add_corpus(home, write(tmp_path / "source", 5, r2={"report": "Other."}), OPTIONS)
    assert (changed.new, changed.changed, changed.unchanged) == (0, 1, 4)
    after = contents(home)
    assert {key for key in after if after[key] != before[key]} == {"r2"}


def test_moving_the_source_changes_nothing(home: Home, tmp_path: Path) -> None:
    add_corpus(home, write(tmp_path / "source", 5), OPTIONS)
    (tmp_path / "source").rename(tmp_path / "moved")
    again = add_corpus(home, Corpus("small", reader="jsonl", source=str(tmp_path / "moved")), OPTIONS)
    assert again.unchanged == 5


def test_what_was_skipped_is_written_down_and_the_rest_is_there(home: Home, tmp_path: Path) -> None:
    corpus = write(
        tmp_path / "source",
        8,
        r1={"image": "missing.png"},
        r2={"image": "broken.png"},
        r3={"domain": "astrology"},
        r4={"image": None, "report": ""},
        r5={"id": "r0"},
    )
    (tmp_path / "source" / "broken.png").write_bytes(b"no picture")
    done = add_corpus(home, corpus, OPTIONS)
    assert (done.new, done.skipped) == (3, 5)
    lines = [json.loads(line) for line in Path(done.rejects).read_text().splitlines()]
    assert [line["where"] for line in lines] == [
        "small/r1", "small/r2", "records.jsonl:4 (r3)", "small/r4", "small/r0"
    ]  # fmt: skip
    for line, said in zip(lines, ["cannot be read", "not a picture", "no domain", "neither", "before"], strict=True):
        assert said in line["reason"]
    assert sorted(contents(home)) == ["r0", "r6", "r7"]
    healed = add_corpus(home, write(tmp_path / "source", 8), OPTIONS)
    assert (healed.new, healed.unchanged, healed.skipped, healed.rejects) == (5, 3, 0, "")
    assert not Path(done.rejects).exists()


def test_a_record_given_twice_is_added_once_and_again_unchanged(home: Home, tmp_path: Path) -> None:
    corpus = write(tmp_path / "source", 150, r140={"id": "r0", "report": "The second of that name."})
    assert add_corpus(home, corpus, OPTIONS).new == 149
    again = add_corpus(home, corpus, OPTIONS)
    assert (again.new, again.changed, again.unchanged, again.skipped) == (0, 0, 149, 1)


def test_what_cannot_be_read_at_all_writes_nothing(home: Home, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        add_corpus(home, Corpus("small", reader="jsonl", source=str(tmp_path / "none")), OPTIONS)
    with pytest.raises(UnknownNameError):
        add_corpus(home, Corpus("small", reader="pdff", source=str(tmp_path)), OPTIONS)
    assert sorted(path.name for path in home.path.iterdir()) == ["curbside.toml"]


def test_the_catalogue_out_of_reach(home: Home, tmp_path: Path) -> None:
    away = Home(home.path, "sqlite:////no/such/folder/catalog.db")
    with pytest.raises(CatalogError):
        add_corpus(away, write(tmp_path / "source", 2), OPTIONS)


ADD = """
import sys
from corpora.catalog import Corpus
from corpora.home import Home
from corpora.ingest import add_corpus
from corpora.readers.base import ReaderOptions
print("ready", flush=True)
corpus = Corpus("small", reader="jsonl", source=sys.argv[2])
print(add_corpus(Home.create(sys.argv[1]), corpus, ReaderOptions("small", domain="radiology")).new, flush=True)
"""


@pytest.mark.parametrize("share", [0.15, 0.5, 0.8])
def test_killed_anywhere_and_run_again_is_as_undisturbed(tmp_path: Path, share: float) -> None:
    corpus = write(tmp_path / "source", 300)

    def start(home: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", ADD, str(home), corpus.source]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    whole, begun = tmp_path / "whole", time.monotonic()
    assert start(whole).communicate()[0] == "300\n"
    seconds = time.monotonic() - begun
    killed = tmp_path / "killed"
    process = start(killed)
    time.sleep(seconds * share)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert start(killed).communicate()[0].strip().isdigit()
    assert contents(Home.open(killed)) == contents(Home.open(whole))
    stores = [ImageStore(Home.open(path).images) for path in (killed, whole)]
    assert sorted(stores[0].digests()) == sorted(stores[1].digests())
    for digest in stores[0].digests():
        assert stores[0].path(digest).read_bytes() == stores[1].path(digest).read_bytes()
