"""`curbside calibrate`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from corpora.home import Home
from retrievers.calibration import Calibration, CalibrationFolder, SelectionCalibration
from tests.ui.cli.conftest import Run


def with_ratio(value: float) -> Calibration:
    return Calibration(selection=SelectionCalibration("ratio", ratio=value))


@pytest.fixture
def own_home(drawn_home: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(drawn_home, tmp_path / "own"))


def test_fit_show_and_back(run: Run, own_home: Path) -> None:
    ran = run("--home", own_home, "calibrate", "--seed", "3", "--most", "2")  # too few for anything to win
    assert ran.status == 0, ran.err
    assert ran.err == ""  # the bar is drawn on a screen only
    assert "temperature, picture" in ran.out
    assert "too few patients" in ran.out
    assert "nothing won, so searches use the defaults" in ran.out
    assert "--share 1 asks them all" in ran.out
    shown = run("--home", own_home, "calibrate", "--show")
    assert shown.status == 0
    assert "seed 3, 15% of the patients" in shown.out
    assert ran.out.splitlines()[-1] == shown.out.splitlines()[-1]
    back = run("--home", own_home, "calibrate", "--undo")
    assert "has no calibration any more" in back.out
    assert not (own_home / "calibration" / "default.json").exists()


def test_json_is_what_python_gives(run: Run, own_home: Path) -> None:
    folder = CalibrationFolder(Home.open(own_home))
    fitted = run("--home", own_home, "--json", "calibrate", "--most", "2").json
    calibration = folder.load()
    assert calibration is not None
    assert fitted["digest"] == calibration.digest
    assert [part["name"] for part in fitted["calibration"]["parts"]] == [part.name for part in calibration.parts]
    shown = run("--home", own_home, "--json", "calibrate", "--show").json
    assert shown["calibration"] == fitted["calibration"]
    folder.save(with_ratio(1.5))
    assert run("--home", own_home, "--json", "calibrate", "--undo").json == {"calibration": ""}
    assert run("--home", own_home, "--json", "calibrate", "--undo").json == {"calibration": None}


def test_an_answer_names_the_calibration(run: Run, own_home: Path) -> None:
    plain = run("--home", own_home, "--json", "ask", "What is a pleural effusion?").json
    assert plain["manifest"]["calibration"] is None
    stored = with_ratio(1.5)
    CalibrationFolder(Home.open(own_home)).save(stored)
    asked = run("--home", own_home, "--json", "ask", "What is a pleural effusion?").json
    assert asked["manifest"]["calibration"] == stored.digest


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--show",), "has no calibration; make one with: curbside calibrate"),
        (("--undo",), "has no calibration; make one with: curbside calibrate"),
        (("--show", "--undo"), "exclude each other"),
        (("--share", "0"), "share is 0"),
        (("--share", "2"), "share is 2"),
        (("--most", "0"), "most is 0"),
        (("--seed", "x"), "Invalid value for '--seed'"),
        (("--seed", "-1"), "Invalid value for '--seed'"),
        (("--share", "nan"), "share is nan"),
    ],
)
def test_what_cannot_be_done(run: Run, drawn_home: Path, arguments: tuple[str, ...], told: str) -> None:
    run("--home", drawn_home, "calibrate", *arguments).told(told)


def test_a_damaged_calibration(run: Run, own_home: Path) -> None:
    folder = CalibrationFolder(Home.open(own_home))
    folder.save(with_ratio(1.5))
    folder.path.write_text("{", encoding="utf-8")
    run("--home", own_home, "calibrate", "--show").told("The calibration is damaged", "run: curbside calibrate")
    assert run("--home", own_home, "search", "effusion").status == 0
    assert run("--home", own_home, "calibrate", "--undo").status == 0


def test_no_home_and_no_index(run: Run, tmp_path: Path) -> None:
    run("--home", tmp_path / "none", "calibrate").told("There is no home at")
    home = Home.create(tmp_path / "home")
    run("--home", home.path, "calibrate").told("curbside index build")
