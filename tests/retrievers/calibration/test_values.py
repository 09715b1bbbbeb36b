"""Calibrations as values and as files."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from corpora.errors import CalibrationError, InputError
from corpora.home import Home
from retrievers.calibration import (
    Calibration,
    CalibrationFolder,
    DomainCalibration,
    Part,
    RouterCalibration,
    SelectionCalibration,
)
from retrievers.fusion import LearnedWeights, ReciprocalRank, StandardisedScores
from retrievers.relevance import FEATURES, RelevanceModel
from retrievers.selection import FixedK, Gap, Mass, RiskControlled, TopRatio

MODEL = RelevanceModel((0.5,) * len(FEATURES), -1.0, (0.0,) * len(FEATURES), (1.0,) * len(FEATURES))

WHOLE = Calibration(
    version="default v3",
    encoders={"tiny:radiology": "tiny:radiology/1"},
    router=RouterCalibration(1.5, None, 0.2, "abc"),
    selection=SelectionCalibration("ratio", gap=0.2, ratio=1.3, k=4, alpha=0.2, delta=0.05, questions=120),
    fusion="learned",
    domains={
        "radiology": DomainCalibration(
            0.4, (0.5, -0.25), {"image→image": 1.2, "image→text": 0.3}, {"words": 0.7}, {"picture": MODEL}
        )
    },
    parts=(Part("gap", "radiology", "Recall@10", True, "it won", "λ = 0.4", 0.1, 0.2, 0.1, 0.05, 0.15, 30, 20),),
    seed=4,
    share=0.15,
    created="2026-01-01T00:00:00+00:00",
)


def with_ratio(value: float) -> Calibration:
    return Calibration(selection=SelectionCalibration("ratio", ratio=value))


def test_json_gives_the_same_value() -> None:
    assert Calibration.from_json(WHOLE.to_json()) == WHOLE
    assert Calibration.from_json(Calibration().to_json()) == Calibration()


def test_the_digest_names_what_is_in_force_and_nothing_else() -> None:
    changed = json.loads(WHOLE.to_json())
    changed |= {"created": "later", "parts": [], "seed": 9}
    assert Calibration.from_json(json.dumps(changed)).digest == WHOLE.digest
    others = [
        Calibration(selection=SelectionCalibration("ratio", ratio=1.3)),
        Calibration(selection=SelectionCalibration("ratio", ratio=1.4)),
        Calibration(selection=SelectionCalibration(k=3, alpha=0.2)),
        Calibration(fusion="standardised"),
        Calibration(domains={"radiology": DomainCalibration(relevance={"words": MODEL})}),
        Calibration(domains={"radiology": DomainCalibration(learned={"words": 2.0})}),
        Calibration(router=RouterCalibration(temperature=1.3)),
        Calibration(router=RouterCalibration(text_temperature=1.3)),
        Calibration(domains={"radiology": DomainCalibration(weights={"words": 0.0})}),
        Calibration(domains={"radiology": DomainCalibration(0.1, (1.0,))}),
    ]
    assert len({one.digest for one in others}) == len(others)
    nothing = Calibration(version="default v1", domains={"radiology": DomainCalibration()})
    assert nothing.digest == ""


def test_policies_and_fusions_take_what_was_fitted_for_them() -> None:
    chosen = WHOLE.selection
    assert chosen.winner() == TopRatio(1.3)
    assert chosen.fitted(Gap()) == Gap(0.2)
    assert chosen.fitted(Mass(0.7)) == Mass(0.7)
    assert chosen.fitted(RiskControlled()) == RiskControlled(4, 0.2, 0.05, 120)
    assert SelectionCalibration(gap=0.2).winner() == FixedK()
    assert WHOLE.chosen_fusion() == LearnedWeights({"radiology": {"words": 0.7}})
    assert WHOLE.fitted(StandardisedScores()) == StandardisedScores()
    assert Calibration().chosen_fusion() == ReciprocalRank()


def domain(**model: object) -> dict[str, object]:
    """A domain's calibration in JSON, with something else in its model of relevance."""
    return asdict(DomainCalibration(relevance={"picture": replace(MODEL, **model)}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"selection": {"ratio": 1.4}}, "not those that were stored"),
        ({"selection": {"ratio": -1}}, "wrong sign"),
        ({"selection": {"ratio": "many"}}, "damaged"),
        ({"selection": {"policy": "magic"}}, "no selection policy"),
        ({"fusion": "magic"}, "no fusion"),
        ({"domains": {"radiology": domain(weights=(1.0,))}}, "wrong length"),
        ({"domains": {"radiology": domain(scale=(0.0,) * len(FEATURES))}}, "wrong sign"),
        ({"router": {"temperature": 0}}, "wrong sign"),
        ({"router": {"heat": 1}}, "heat"),
        ({"router": {"temperature": 2.0}}, "does not name its router"),
        ({"domains": {"radiology": {}}}, "relevance"),
        ({"domains": {"radiology": asdict(DomainCalibration(float("nan")))}}, "not finite"),
        ({"domains": 3}, "damaged"),
        ({"format": 1}, "earlier Curbside"),
        ({"format": 3}, "newer Curbside"),
        ({"format": "x"}, "damaged"),
    ],
)
def test_a_damaged_calibration(change: dict[str, object], told: str) -> None:
    text = json.dumps(json.loads(WHOLE.to_json()) | change)
    with pytest.raises(CalibrationError, match=told):
        Calibration.from_json(text)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", WHOLE.to_json()[:300]])
def test_no_calibration_at_all(text: str) -> None:
    with pytest.raises(CalibrationError, match="run: curbside calibrate"):
        Calibration.from_json(text)


def test_other_encoders_and_routers_are_told() -> None:
    fits = {"tiny:radiology": "tiny:radiology/1", "tiny:more": "tiny:more/1"}
    assert WHOLE.mismatch(fits, "abc") == ""
    assert "tiny:radiology/2" in WHOLE.mismatch({"tiny:radiology": "tiny:radiology/2"}, "abc")
    assert "none of that name" in WHOLE.mismatch({}, "abc")
    assert "another router" in WHOLE.mismatch(fits, "other")
    assert Calibration().mismatch({}, "other") == ""


def test_only_the_question_moves_and_stays_a_unit_vector() -> None:
    moved = DomainCalibration(0.5, (1.0, 0.0))
    rows = np.array([[0.6, 0.8]], np.float32)
    assert moved.towards_texts(rows)[0] == pytest.approx(np.array([0.1, 0.8]) / np.hypot(0.1, 0.8))
    assert moved.towards_images(rows)[0] == pytest.approx(np.array([1.1, 0.8]) / np.hypot(1.1, 0.8))
    assert DomainCalibration(0.0, (1.0, 0.0)).towards_texts(rows) is rows


def test_the_order_is_that_of_both_sides_moved_by_half() -> None:
    rng = np.random.default_rng(0)
    images, texts = (rng.normal(size=(40, 8)).astype(np.float32) for _ in range(2))
    images, texts = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (images, texts))
    gap = images.mean(axis=0) - texts.mean(axis=0) + 0.3
    one_sided = DomainCalibration(0.7, tuple(gap.tolist())).towards_texts(images) @ texts.T
    first, second = images - 0.35 * gap, texts + 0.35 * gap
    distance = np.linalg.norm(first[:, None] - second[None], axis=2)
    assert (np.argsort(-one_sided, axis=1) == np.argsort(distance, axis=1)).all()


class TestFolder:
    """Storing and going back."""

    def test_back_step_by_step(self, home: Home) -> None:
        folder = CalibrationFolder(home)
        assert folder.load() is None
        assert folder.stamp is None
        steps = [with_ratio(1.0 + number / 10) for number in range(12)]
        stamps: set[str] = set()
        for step in steps:
            folder.save(step)
            stamps.add(str(folder.stamp))
            assert folder.load() == step
        assert len(stamps) == len(steps)
        for step in reversed(steps[:-1]):
            assert folder.undo() == step
        assert folder.undo() is None
        assert folder.load() is None
        with pytest.raises(InputError, match="has no calibration"):
            folder.undo()

    def test_indexes_do_not_share(self, home: Home) -> None:
        one, other = CalibrationFolder(home, "one"), CalibrationFolder(home, "one-1")
        one.save(with_ratio(1.1))
        other.save(with_ratio(1.2))
        other.save(with_ratio(1.3))
        assert one.undo() is None
        assert other.undo() == with_ratio(1.2)

    def test_names_that_are_none(self, home: Home) -> None:
        with pytest.raises(InputError, match="cannot name an index"):
            CalibrationFolder(home, "../default")

    def test_a_file_that_cannot_be_read(self, home: Home) -> None:
        folder = CalibrationFolder(home)
        folder.path.parent.mkdir()
        folder.path.write_bytes(b"\xff\xfe")
        with pytest.raises(CalibrationError, match="cannot be read"):
            folder.load()

    def test_nothing_but_the_files_is_left(self, home: Home) -> None:
        folder = CalibrationFolder(home)
        for number in range(3):
            folder.save(with_ratio(2.0 + number))
        left = sorted(str(path.relative_to(home.calibration)) for path in home.calibration.rglob("*.*"))
        assert left == ["default.json", "earlier/default-0001.json", "earlier/default-0002.json"]
        assert Calibration.from_json(Path(home.calibration / left[1]).read_text()) == with_ratio(2.0)
