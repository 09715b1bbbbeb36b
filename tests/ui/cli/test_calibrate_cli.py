"""`curbside calibrate`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from corpora.home import Home
from indexing.shards import Manifest
from retrievers.calibration import Calibration, CalibrationFolder, Part, SelectionCalibration
from tests.ui.cli.conftest import Run, Screen
from ui.cli.calibrate import _advice


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
    assert f"back with: curbside --home {own_home} calibrate --undo\n" in shown.out
    back = run("--home", own_home, "calibrate", "--undo")
    assert "has no calibration any more" in back.out
    assert not (own_home / "calibration" / "default.json").exists()


def test_the_table_keeps_words_and_intervals_whole_on_a_narrow_screen(run: Run, own_home: Path, screen: Screen) -> None:
    figures = (0.487, 0.479, -0.008, -0.029, 0.014)
    value, notes = "text→text 0.50, text→image 0.10, words 0.40", {"ECE before": 0.0196}
    parts = (
        Part("list weights, words", "dermatology", "nDCG@10", False, "no gain", value, *figures, notes=notes),
        Part("list weights, words", "ophthalmology", "nDCG@10", False, "too few patients: 15 to fit and 20 to judge"),
        Part("floor, picture", "all", "balanced accuracy", True, "the interval lies above zero", "", *figures),
    )
    CalibrationFolder(Home.open(own_home)).save(Calibration(parts=parts))
    screen(80)
    lines = run("--home", own_home, "calibrate", "--show").out.splitlines()
    assert [line.strip() for line in lines[-9:]] == [
        "list weights, words  nDCG@10",
        "dermatology        0.487 → 0.479, gain -0.008 (-0.029 to +0.014)",
        "refused: no gain",
        "fitted text→text 0.50, text→image 0.10, words 0.40; ECE",
        "before 0.0196",
        "ophthalmology      refused: too few patients: 15 to fit and 20 to judge",
        "floor, picture       balanced accuracy",
        "all                0.487 → 0.479, gain -0.008 (-0.029 to +0.014)",
        "kept: the interval lies above zero",
    ]


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
    ("encoder", "adapters", "told"),
    [
        ("embedded:radiology", {}, "--share 1 asks them all"),
        ("open_clip:local-dir:models/x", {}, "--share 1 asks them all"),
        ("embedded:local-dir:models/x", {}, "own patients: embedded:local-dir:models/x. Where these are this home's"),
        ("embedded:radiology", {"radiology": "0a"}, "own patients: the site adapter of radiology."),
    ],
)
def test_all_patients_are_advised_where_nothing_was_fitted_on_them(
    encoder: str, adapters: dict[str, str], told: str
) -> None:
    manifest = Manifest("default", 1, "", {encoder: "f"}, {}, (), {}, adapters=adapters)
    assert told in _advice(manifest)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--show",), "has no calibration; make one with: curbside --home "),
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
