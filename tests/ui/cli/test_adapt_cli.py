"""`curbside adapt`."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpora.home import Home
from indexing.jobs import BuildOptions, build_index
from indexing.shards import IndexFolder
from tests.indexing import planted_encoder
from tests.indexing.planted_encoder import STRAIGHT, SWAPPED, plant
from tests.ui.cli.conftest import Run


@pytest.fixture
def planted(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """240 cases whose pictures have dimensions exchanged, and no picture."""
    planted_encoder.register(monkeypatch)
    plant(home, 240)
    build_index(home, options=BuildOptions(plan=SWAPPED))
    planted_encoder.hide_pictures(home)
    (home.path / "curbside.toml").write_text(f'encoder = "{SWAPPED.default}"\nsentence_encoder = "{SWAPPED.sentence}"')
    return home


def test_fit_show_and_back(run: Run, planted: Home) -> None:
    def adapt(*more: str) -> tuple[str, ...]:
        return ("--home", str(planted.path), "adapt", "--domain", "radiology", *more)

    ran = run(*adapt("--seed", "3"))
    assert ran.status == 0, ran.err
    assert ran.err == ""
    for part in ("default v2 is published", "kept", "R@10 image→text", "not a medical device"):
        assert part in ran.out
    of_home = f"curbside --home {planted.path}"
    assert f"back with: {of_home} adapt --domain radiology --undo\n" in ran.out
    assert f"no longer in force; run: {of_home} calibrate\n" in ran.out
    digest = IndexFolder(planted).manifest().adapters["radiology"]
    shown = run(*adapt("--show"))
    assert f"Adapter {digest} for planted:swapped/1, fitted on default v1 with seed 3" in shown.out
    assert shown.out.splitlines()[-3:] == ran.out.splitlines()[-3:]
    assert "default v2 is whole" in run("--home", planted.path, "index", "verify").out
    assert "up to date" in run("--home", planted.path, "index", "build").out
    again = run(*adapt("--seed", "3"))
    assert "default v2 stays as it is" in again.out
    assert "refused" in again.out
    back = run(*adapt("--undo"))
    assert "default v3 is published: radiology has the encoder's own vectors again" in back.out
    assert "default v3 is whole" in run("--home", planted.path, "index", "verify").out
    run(*adapt("--undo")).told("default v3 has no site adapter for radiology")
    run(*adapt("--show")).told(f"radiology has no site adapter; fit one with: {of_home} adapt --domain radiology")


def test_json(run: Run, planted: Home) -> None:
    fitted = run("--home", planted.path, "--json", "adapt", "--domain", "radiology", "--corpus", "planted").json
    assert (fitted["index"], fitted["part"]["kept"]) == ("default v2", True)
    shown = run("--home", planted.path, "--json", "adapt", "--domain", "radiology", "--show").json
    assert (shown["adapter"], shown["part"], shown["corpora"]) == (fitted["adapter"], fitted["part"], ["planted"])
    back = run("--home", planted.path, "--json", "adapt", "--domain", "radiology", "--undo").json
    assert back == {"index": "default v3", "adapter": None}


def test_a_home_with_too_few_patients(run: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    planted_encoder.register(monkeypatch)
    plant(home, 12)
    build_index(home, options=BuildOptions(plan=STRAIGHT))
    run("--home", home.path, "adapt", "--domain", "radiology").told(
        "A site adapter needs 20 patients to fit it", "at least 134 where 15% judge", "radiology has 12 with a picture"
    )
    assert IndexFolder(home).manifest().label == "default v1"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Missing option '--domain'"),
        (("--domain", "astrology"), "known: "),
        (("--domain", "astrology", "--show"), "known: "),
        (("--domain", "astrology", "--undo"), "known: "),
        (("--domain", "radiology", "--corpus", "nowhere"), "There is no corpus named 'nowhere'"),
        (("--domain", "radiology", "--show", "--undo"), "exclude each other"),
        (("--domain", "radiology", "--share", "1"), "share is 1"),
        (("--domain", "radiology", "--rank", "0"), "Invalid value for '--rank'"),
        (("--domain", "radiology", "--seed", "x"), "Invalid value for '--seed'"),
        (("--domain", "radiology", "--undo"), "no site adapter for radiology"),
    ],
)
def test_what_cannot_be_done(run: Run, drawn_home: Path, arguments: tuple[str, ...], told: str) -> None:
    run("--home", drawn_home, "adapt", *arguments).told(told)


def test_no_index_and_no_home(run: Run, home: Home, tmp_path: Path) -> None:
    run("--home", home.path, "adapt", "--domain", "radiology").told("no index 'default' yet")
    run("--home", tmp_path / "none", "adapt", "--domain", "radiology").told("no home")
