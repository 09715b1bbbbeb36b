"""`curbside eval robustness` and `curbside index map` on the drawn home."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.ui.cli.conftest import Run


@pytest.fixture
def own_home(drawn_home: Path, tmp_path: Path) -> Path:
    """A copy that a test may write runs to."""
    return Path(shutil.copytree(drawn_home, tmp_path / "home"))


ONE = ("eval", "robustness", "--domain", "ultrasound", "--family", "pixelate", "--most", "4")


class TestRobustness:
    """The command and what it leaves in the home."""

    def test_it_prints_a_table_and_writes_a_run(self, run: Run, own_home: Path) -> None:
        ran = run("--home", own_home, *ONE)
        assert ran.status == 0, ran.err
        for part in ("ΔRecall@10", "ΔP@5", "Δrouting", "clean (4 pictures)", "pixelate", "picture and words"):
            assert part in ran.out
        (folder,) = (own_home / "runs").glob("eval-robustness-*")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert (manifest["most"], manifest["families"], manifest["domains"]) == (4, ["pixelate"], ["ultrasound"])
        lines = [json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
        assert len(lines) == 4 * 6
        assert {line["family"] for line in lines} == {"clean", "pixelate"}
        with Image.open(folder / "robustness.png") as image:
            assert image.width > 1000

    def test_json_has_the_same_figures(self, run: Run, own_home: Path) -> None:
        found = run("--json", "--home", own_home, *ONE, "--no-plot", "--no-sides").json
        (result,) = found["results"]
        assert (result["domain"], result["pictures"], found["sides"]) == ("ultrasound", 4, [])
        (family,) = result["families"]
        assert sorted(family["severities"]) == ["1", "2", "3", "4", "5"]
        assert {"mean", "low", "high", "queries", "patients"} == set(family["mean"]["routing"])
        folder = Path(found["folder"])
        assert json.loads((folder / "results.json").read_text(encoding="utf-8"))["results"] == found["results"]
        assert not (folder / "robustness.png").exists()

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--family", "fog"), "no corruption named 'fog'; known: "),
            (("--domain", "astrology"), "no domain in this index named 'astrology'"),
            (("--most", "0"), "--most"),
        ],
    )
    def test_bad_wishes_are_told(self, run: Run, drawn_home: Path, arguments: tuple[str, ...], told: str) -> None:
        run("--home", drawn_home, "eval", "robustness", *arguments).told(told)

    def test_what_is_missing_is_told_before_the_work(
        self, run: Run, drawn_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        for command in (("eval", "robustness"), ("index", "map")):
            run("--home", drawn_home, *command).told("matplotlib", "curbside[plots]")


class TestMap:
    """The atlas from the command line."""

    def test_it_writes_a_page_and_a_picture(self, run: Run, drawn_home: Path, tmp_path: Path) -> None:
        out = tmp_path / "atlas"
        ran = run("--home", drawn_home, "index", "map", "--domain", "ultrasound", "--most", "10", "--out", out)
        assert ran.status == 0, ran.err
        assert f"{out / 'atlas.html'}" in ran.out
        assert sorted(path.name for path in out.iterdir()) == ["atlas.html", "atlas.png"]
        assert "not a medical device" in (out / "atlas.html").read_text(encoding="utf-8")

    def test_json_names_panels_and_files(self, run: Run, own_home: Path) -> None:
        whole = ("--domain", "ultrasound", "--domain", "radiology", "--most", "12", "--by", "modality", "--no-png")
        found = run("--json", "--home", own_home, "index", "map", *whole).json
        assert [panel["name"] for panel in found["panels"]] == ["all domains", "radiology", "ultrasound"]
        assert [panel["space"] for panel in found["panels"]][1:] == ["embedded:radiology", "embedded:ultrasound"]
        assert (found["points"], found["png"]) == (12, None)
        page = Path(found["page"])
        assert page.is_file()
        assert page.parent.parent == own_home / "runs"

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--corpus", "none"), "no corpus named 'none'; known: "),
            (("--domain", "astrology"), "no domain in this index named 'astrology'"),
            (("--side", "back"), "--side"),
            (("--name", "other"), "no index 'other' yet"),
        ],
    )
    def test_bad_wishes_are_told(self, run: Run, drawn_home: Path, arguments: tuple[str, ...], told: str) -> None:
        run("--home", drawn_home, "index", "map", *arguments).told(told)

    def test_a_folder_that_cannot_be_written(self, run: Run, drawn_home: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x", encoding="utf-8")
        ran = run(
            "--home", drawn_home, "index", "map", "--domain", "ultrasound", "--most", "6", "--out", tmp_path / "file"
        )
        ran.told("cannot be written")
