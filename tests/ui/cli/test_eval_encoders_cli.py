"""`curbside eval encoders` on the drawn home."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.ui.cli.conftest import Run

ONE = ("eval", "encoders", "--drawn", "--domain", "ultrasound")


@pytest.fixture
def own_home(drawn_home: Path, tmp_path: Path) -> Path:
    """A copy that a test may write runs to, without its indexes: none is needed."""
    return Path(shutil.copytree(drawn_home, tmp_path / "home", ignore=shutil.ignore_patterns("indexes")))


class TestEncoders:
    """The command and what it leaves in the home."""

    def test_it_prints_a_table_a_direction_and_writes_a_run(self, run: Run, own_home: Path) -> None:
        ran = run("--home", own_home, *ONE)
        assert ran.status == 0, ran.err
        for part in ("image→text", "text→image", "image→image", "R@10", "success@10", "domain − general", "by labels"):
            assert part in ran.out
        (folder,) = (own_home / "runs").glob("eval-encoders-*")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert (manifest["drawn"], manifest["held_out"], manifest["domains"]) == (True, False, ["ultrasound"])
        assert {"ultrasound", "general"} <= set(manifest["weights"])
        lines = [json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
        assert {line["direction"] for line in lines} == {"image→text", "text→image", "image→image"}
        with Image.open(folder / "encoders.png") as image:
            assert image.width > 1000
        assert "not a medical device" in (folder / "worst.html").read_text(encoding="utf-8")

    def test_json_has_the_same_figures(self, run: Run, own_home: Path) -> None:
        found = run("--json", "--home", own_home, *ONE, "--no-plot", "--no-page").json
        assert [one["direction"] for one in found["results"]] == ["image→text", "text→image", "image→image"]
        across = found["results"][0]
        assert across["queries"] == found["manifest"]["pictures"]
        assert across["measures"]["domain head"]["R@10"]["mean"] > across["chance"]["R@10"]
        assert set(across["differences"]["general head"]["R@10"]) == {"mean", "low", "high", "queries", "patients"}
        folder = Path(found["folder"])
        assert json.loads((folder / "results.json").read_text(encoding="utf-8"))["results"] == found["results"]
        assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "queries.jsonl", "results.json"]

    @pytest.mark.usefixtures("tiny")
    def test_the_encoder_that_the_home_names_is_measured(self, run: Run, own_home: Path, tmp_path: Path) -> None:
        (own_home / "curbside.toml").write_text('[encoders]\nultrasound = "tiny:ultrasound"\n', encoding="utf-8")
        two = ("--drawn", "--domain", "ultrasound", "--domain", "dermatology")
        ran = run("--home", own_home, "eval", "encoders", *two)
        assert ran.status == 0, ran.err
        assert "This home's encoder, as curbside.toml names it: ultrasound by tiny:ultrasound." in ran.out
        (folder,) = (own_home / "runs").glob("eval-encoders-*")
        found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        assert list(found["manifest"]["encoders"]) == ["ultrasound"]
        serving = {one["domain"]: one["serving"] for one in found["results"]}
        assert serving == {"dermatology": "domain head", "ultrasound": "this home's encoder"}
        own = next(one for one in found["results"] if one["serving"] == "this home's encoder")
        assert {"domain head", "general head"} <= set(own["differences"])
        assert "this home&#39;s encoder" in (folder / "worst.html").read_text(encoding="utf-8")
        shutil.rmtree(folder)
        shipped = Path("indexing/encoders/weights").absolute()  # a named folder of heads is measured alone
        found = run("--json", "--home", own_home, *ONE, "--weights", shipped, "--no-plot", "--no-page").json
        assert {one["serving"] for one in found["results"]} == {"domain head"}
        assert found["manifest"]["encoders"] == {}

    def test_an_encoder_of_texts_alone_is_told(self, run: Run, own_home: Path) -> None:
        (own_home / "curbside.toml").write_text('[encoders]\nultrasound = "embedded:sentence"\n', encoding="utf-8")
        run("--home", own_home, *ONE).told("embedded:sentence takes texts only", "for ultrasound")

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ((), "Every picture of this home is drawn: --drawn takes simulated ones too"),
            (("--held-out",), "Every picture of this home is drawn: --drawn takes simulated ones too"),
            (("--domain", "ultrasound"), "Every picture of ultrasound in this home is drawn: --drawn takes"),
            (("--domain", "astrology"), "no domain with pictures in this home named 'astrology'; known: dermatology, "),
            (("--drawn", "--domain", "astrology"), "no domain with pictures in this home named 'astrology'; known: "),
            (("--drawn", "--weights", "nowhere"), "nowhere holds no set of heads: general.safetensors is missing"),
        ],
    )
    def test_bad_wishes_are_told(self, run: Run, drawn_home: Path, arguments: tuple[str, ...], told: str) -> None:
        run("--home", drawn_home, "eval", "encoders", *arguments).told(told)

    def test_a_home_that_is_none_and_a_missing_package(
        self, run: Run, drawn_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("--home", tmp_path / "none", *ONE).told("no home at")
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        run("--home", drawn_home, *ONE).told("matplotlib", "curbside[plots]")
