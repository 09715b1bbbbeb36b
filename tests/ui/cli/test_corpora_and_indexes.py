"""`curbside corpus` and `curbside index` on a small source, from adding to dropping."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpora.home import Home
from corpora.teaching import writer
from indexing.encoders import EncoderPlan
from tests.conftest import fill
from tests.ui.cli.conftest import Run


def test_a_source_is_added_indexed_verified_and_removed(run: Run, source: Path, tmp_path: Path) -> None:
    home = ("--home", tmp_path / "home")
    add = ("corpus", "add", source, "--name", "site", "--domain", "radiology", "--licence", "CC BY 4.0")
    added = run(*home, *add)
    assert added.status == 0
    assert added.out.startswith("site: 2 new, 0 changed, 0 unchanged, 5 skipped (2 pictures, ")
    rejects = [json.loads(line) for line in (tmp_path / "home/runs/add-site/rejects.jsonl").read_text().splitlines()]
    told = " ".join(f"{one['where']}: {one['reason']}" for one in rejects)
    for part in ("records.jsonl:3: not a JSON object", "'astrology'", "cut.png is damaged", "no.png is not a picture"):
        assert part in told
    assert "gone.png" in told
    again = run("--json", *home, *add)
    assert (again.json["new"], again.json["unchanged"], again.json["skipped"]) == (0, 2, 5)

    listed = run("--json", *home, "corpus", "list").json
    assert [(one["name"], one["case"], one["licence"]["name"]) for one in listed] == [("site", 2, "CC BY 4.0")]
    assert "site" in run(*home, "corpus", "list").out
    shown = run("--json", *home, "corpus", "show", "site").json
    assert (shown["corpus"]["reader"], shown["counts"]) == ("jsonl", {"case": 2})
    record = run("--json", *home, "corpus", "show", "site", "one").json
    assert record["labels"] == ["pleural effusion"]
    assert "Left pleural effusion." in run(*home, "corpus", "show", "site", "one").out

    built = run("--json", *home, "index", "build").json
    assert (built["records"], built["embedded"], built["rejects"]) == (2, 2, 0)
    assert "up to date" in run(*home, "index", "build").out
    assert [one["name"] for one in run("--json", *home, "index", "list").json] == ["default"]
    assert "default v1" in run(*home, "index", "list").out
    assert run("--json", *home, "index", "verify").json["records"] == 2
    assert "is whole" in run(*home, "index", "verify").out

    removed = run("--json", *home, "corpus", "remove", "site").json
    assert removed == {"removed": "site", "records": 2}
    assert "no longer in the catalogue" in run(*home, "index", "verify").out
    assert run("--json", *home, "corpus", "list").json == []
    assert run(*home, "index", "drop", "default").status == 0
    run(*home, "index", "drop", "default").told("default")


def test_one_is_told_as_one(run: Run, home: Home, tiny: EncoderPlan) -> None:
    (home.path / "curbside.toml").write_text(f'encoder = "{tiny.default}"\nsentence_encoder = "{tiny.sentence}"\n')
    fill(home, 1)
    command = ("--home", home.path)
    built = run(*command, "index", "build")
    assert built.out.startswith("default v1: 1 record (1 embedded, 0 unchanged), 1 picture, 0 rejected, "), built.err
    assert "up to date: 1 record." in run(*command, "index", "build").out
    assert ", 1 record, 5 entries." in run(*command, "index", "verify").out
    drawn = run(*command, "index", "map", "--no-png")
    assert drawn.out.startswith("1 of 1 image vector of default v1: "), drawn.err
    assert run(*command, "corpus", "remove", "small").out.startswith("Removed small with 1 record: ")
    assert "not found: 1." in run(*command, "index", "verify").out


def test_a_folder_of_pictures(run: Run, source: Path, tmp_path: Path) -> None:
    ran = run(
        *("--json", "--home", tmp_path / "home", "corpus", "add", source, "-n", "scans"),
        *("--reader", "folder", "--domain", "radiology"),
    )
    assert ran.status == 0
    assert ran.json["new"] == 2


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A teaching corpus of two renderers and a primer without pictures: drawn in a second."""
    whole = writer._renderer

    class Few:
        def __init__(self, name: str) -> None:
            self.name = name

        def cases(self) -> tuple[object, ...]:
            return tuple(whole(self.name).cases()[:2])

    monkeypatch.setattr(writer, "_MODALITIES", ("lung_ultrasound", "head_ct"))
    monkeypatch.setattr(writer, "_renderer", Few)
    monkeypatch.setattr("corpora.teaching.primer.DRAWINGS", {})
    monkeypatch.setattr("corpora.teaching.primer_diagrams.DIAGRAMS", {})


@pytest.mark.usefixtures("few")
def test_the_teaching_corpus_is_drawn_once(run: Run, tmp_path: Path) -> None:
    home = ("--json", "--home", tmp_path / "home")
    first = run(*home, "corpus", "teach")
    assert first.status == 0
    teaching, primer = first.json
    assert (teaching["corpus"], teaching["new"], teaching["pictures"]) == ("teaching", 4, 4)
    assert (primer["corpus"], primer["new"] > 10) == ("primer", True)
    again = run(*home, "corpus", "teach").json
    assert [one["new"] for one in again] == [0, 0]


@pytest.mark.usefixtures("few")
def test_the_time_of_drawing_is_told(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    draw = writer._draw

    def slow(task: tuple[str, str, Path]) -> None:
        now[0] += 30
        draw(task)

    monkeypatch.setattr(writer, "_draw", slow)
    monkeypatch.setattr("ui.cli.corpus.monotonic", lambda: now[0])
    told = run("--home", tmp_path / "home", "corpus", "teach").out.splitlines()
    assert told[0].startswith("teaching: 4 new, 0 changed, 0 unchanged, 0 skipped (4 pictures, added in ")
    assert told[-1] == "Drawn and added in 120 s."


@pytest.mark.usefixtures("few")
def test_the_demo_home_is_made_once(run: Run, tmp_path: Path) -> None:
    home = ("--home", tmp_path / "home")
    first = run(*home, "demo", "--no-serve")
    assert first.status == 0
    assert "1/2 drawing" in first.out
    assert "2/2 embedding" in first.out
    second = run(*home, "demo", "--no-serve")
    assert second.status == 0
    assert "drawing" not in second.out
    assert run("--json", *home, "index", "list").json[0]["version"] == 1
