"""`curbside eval retrieval` of the whole, and `curbside eval compare`, on the drawn home."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.ui.cli.conftest import Run

FEW = ("eval", "retrieval", "--domain", "ultrasound", "--most", "2")


@pytest.fixture(scope="module")
def own_home(drawn_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that tests write runs to."""
    return Path(shutil.copytree(drawn_home, tmp_path_factory.mktemp("measured") / "home"))


class TestRetrieval:
    """The command and what it leaves in the home."""

    def test_a_run_holds_everything(self, run: Run, own_home: Path) -> None:
        found = run("--json", "--home", own_home, *FEW, "--ablation").json
        folder = Path(found["folder"])
        assert folder.parent == own_home / "runs"
        assert sorted(path.name for path in folder.iterdir()) == [
            "manifest.json",
            "queries.jsonl",
            "report.html",
            "retrieval.png",
            "table.json",
            "table.md",
        ]
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert manifest == found["manifest"]
        assert manifest["index"].startswith("default v")
        assert {"digest", "encoders", "calibration", "router", "code", "data", "seed", "settings"} <= set(manifest)
        assert "catalog_url" not in manifest["settings"]
        lines = [json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
        assert {line["variant"] for line in lines if "variant" in line} >= {"whole", "random", "BM25 only", "one index"}
        assert {line["direction"] for line in lines if "direction" in line} >= {"image→text", "image→image"}
        assert {line["domain"] for line in lines} == {"ultrasound"}
        assert not sum(line.get("duplicates", 0) + line.get("same patient", 0) for line in lines)
        assert json.loads((folder / "table.json").read_text(encoding="utf-8"))["whole"] == found["whole"]
        with Image.open(folder / "retrieval.png") as image:
            assert image.width > 1000

    def test_tables_are_printed(self, run: Run, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "200")
        ran = run("--home", own_home, *FEW, "--no-plot", "--no-page")
        assert ran.status == 0, ran.err
        for part in ("Directions of stored vectors", "Asked by picture", "whole", "best possible", "Routing"):
            assert part in ran.out
        assert "report.html" not in ran.out
        assert "not a medical device" in ran.out

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--domain", "astrology"), "no domain in this index named 'astrology'"),
            (("--most", "-1"), "--most"),
            (("--seed", "-1"), "--seed"),
        ],
    )
    def test_bad_wishes_are_told(self, run: Run, drawn_home: Path, arguments: tuple[str, ...], told: str) -> None:
        run("--home", drawn_home, "eval", "retrieval", *arguments).told(told)

    def test_what_is_missing_is_told_before_the_work(
        self, run: Run, drawn_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        run("--home", drawn_home, "eval", "retrieval").told("matplotlib", "curbside[plots]")


class TestCompare:
    """Two runs beside each other."""

    def test_two_runs_by_their_names(self, run: Run, own_home: Path) -> None:
        names = []
        for seed in ("0", "1"):
            found = run("--json", "--home", own_home, *FEW, "--seed", seed, "--no-plot", "--no-page").json
            names.append(Path(found["folder"]).name)
        compared = run("--json", "--home", own_home, "eval", "compare", *names).json
        assert compared["differ"] == ["seed: 0 | 1"]
        ways = {way["way"]: way for way in compared["ways"]}
        assert ways["image→image"]["difference"]["mean"] == 0
        assert ways["image→image"]["difference"]["p"] == 1
        told = run("--home", own_home, "eval", "compare", names[0], own_home / "runs" / names[0], "--measure", "RR")
        assert told.status == 0
        assert "Otherwise in the two: nothing" in told.out
        assert "picture · whole" in told.out

    def test_bad_wishes_are_told(self, run: Run, drawn_home: Path) -> None:
        run("--home", drawn_home, "eval", "compare", "a", "b", "--seed", "-1").told(
            "--seed", "greater than or equal to 0"
        )

    def test_what_is_no_run_is_told(self, run: Run, own_home: Path) -> None:
        run("--home", own_home, "eval", "compare", "nothing", "nothing").told("is not the folder of a run")
        run("--home", own_home, "eval", "compare", own_home, own_home).told("is not the folder of a run")
