"""The drawn lung and breast scans: real speckle, the same every time, and true to their labels."""

import hashlib
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest

from corpora.errors import UnknownNameError
from corpora.teaching import breast_ultrasound, lung_ultrasound
from corpora.teaching.breast_scan import BreastScan
from corpora.teaching.breast_scan import draw as draw_breast
from corpora.teaching.case import DrawnCase
from corpora.teaching.lung_scan import LungScan
from corpora.teaching.lung_scan import draw as draw_lung
from corpora.teaching.speckle import Convex, Linear, compress, echoes
from tests.corpora.teaching_checks import check_closed_questions, check_said

ALL = lung_ultrasound.cases() + breast_ultrasound.cases()


def test_there_are_enough_cases_with_their_own_ids():
    assert len(lung_ultrasound.cases()) >= 24
    assert len(breast_ultrasound.cases()) >= 24
    assert len({case.id for case in ALL}) == len(ALL)
    assert {case.domain for case in ALL} == {"ultrasound"}


def test_some_patients_have_an_earlier_study():
    groups = [list(group) for _, group in groupby(ALL, key=lambda case: case.patient)]
    followed = [group for group in groups if len(group) > 1]
    assert len(followed) / len(groups) >= 0.12
    for before, now in followed:
        assert before.day < now.day
        assert "Compared with the earlier study" in now.report


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_the_words_say_what_the_labels_say(case: DrawnCase):
    check_said(case)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_the_questions_follow_from_the_labels(case: DrawnCase):
    check_closed_questions(case)


@pytest.mark.parametrize("module", [lung_ultrasound, breast_ultrasound])
def test_every_finding_has_examples_outside_the_corpus(module):
    corpus = {case.id for case in module.cases()}
    for finding in module.FINDINGS:
        case = module.example(finding, 5)
        assert case.id not in corpus
        assert case.labels
    assert "normal" in module.example(None, 5).labels
    with pytest.raises(UnknownNameError, match="finding"):
        module.example("lycanthropy", 1)


@pytest.mark.parametrize("case", [ALL[0], ALL[12], ALL[-1]], ids=lambda case: case.id)
def test_a_picture_is_the_same_every_time(case: DrawnCase):
    one, two = case.draw(), case.draw()
    assert one.shape == (400, 400)
    assert one.dtype == np.uint8
    assert hashlib.sha256(one.tobytes()).digest() == hashlib.sha256(two.tobytes()).digest()


def test_fully_developed_speckle_is_rayleigh_distributed():
    even = np.ones((512, 512))
    envelope = echoes(np.random.default_rng(1), even, np.zeros_like(even), 1.3, (1.5, 1.5, 1.5))[20:-20, 20:-20]
    assert envelope.mean() / envelope.std() == pytest.approx(np.sqrt(np.pi / (4 - np.pi)), abs=0.04)
    assert (envelope**2).mean() == pytest.approx(1.0, abs=0.05)


def test_the_point_spread_function_widens_with_depth():
    even = np.ones((600, 400))
    envelope = echoes(np.random.default_rng(2), even, np.zeros_like(even), 1.3, (1.0, 2.0, 4.0))

    def likeness(rows: np.ndarray) -> float:
        """Correlation of the envelope with itself three lines further."""
        return float(np.corrcoef(rows[:, :-3].ravel(), rows[:, 3:].ravel())[0, 1])

    assert likeness(envelope[-100:]) > likeness(envelope[:100]) + 0.2


def test_compression_maps_decibels_to_grey():
    assert compress(np.array([1e-9, 0.01, 0.1, 1.0, 10.0]), -40.0, 0.0).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_a_convex_probe_draws_a_fan_and_a_linear_one_a_rectangle():
    beams = np.ones((100, 60))
    fan = Convex(50.0, 1.1, 120.0).convert(beams, 200, 200)
    assert fan[-30, 100] > 0.9
    assert fan[20, 5] == 0
    assert Linear(40.0, 40.0).convert(beams, 200, 200).min() == pytest.approx(1.0)


def test_b_lines_brighten_the_depth_that_a_lines_leave_dark():
    dry = LungScan(seed=3)
    deep = [
        draw_lung(scan)[280:380, 150:250].mean() for scan in (dry, replace(dry, b_lines=3), replace(dry, b_lines=9))
    ]
    assert deep[0] < deep[1] < deep[2]


def test_fluid_is_black_and_more_of_it_is_blacker():
    black = [(draw_lung(LungScan(seed=6, effusion=mm))[60:330, 120:280] < 12).mean() for mm in (15.0, 35.0, 60.0)]
    assert black[0] < black[1] < black[2]


def test_consolidation_and_an_irregular_pleura_change_the_picture():
    plain = LungScan(seed=9, probe="linear", a_lines=False)
    base = draw_lung(plain).astype(int)
    for scan in (
        replace(plain, consolidation=20.0),
        replace(plain, irregular=True),
        replace(plain, pleura_thickness=3.5),
    ):
        assert np.abs(draw_lung(scan) - base).mean() > 1.0
    solid = replace(plain, consolidation=20.0)
    with_air = draw_lung(replace(solid, air_bronchograms=True)).astype(int)
    assert (with_air - draw_lung(solid)).max() > 60


def breast_boxes(scan: BreastScan) -> tuple[float, float]:
    """Mean change against the empty breast inside the mass and behind it."""
    change = draw_breast(scan).astype(int) - draw_breast(replace(scan, mass=None))
    row, half = int(scan.depth / 39.0 * 400), int(scan.height / 39.0 * 200)
    inside = change[row - half // 3 : row + half // 3, 190:210]
    behind = change[row + half + 18 : row + half + 60, 188:212]
    return float(inside.mean()), float(behind.mean())


def test_a_cyst_is_black_and_bright_behind():
    inside, behind = breast_boxes(BreastScan(seed=3, mass="simple cyst", width=14.0, height=10.0))
    assert inside < -70
    assert behind > 12


def test_a_carcinoma_is_dark_with_a_shadow_behind():
    inside, behind = breast_boxes(BreastScan(seed=3, mass="carcinoma", width=13.0, height=14.0))
    assert inside < -30
    assert behind < -20


def test_benign_masses_lie_and_malignant_ones_stand():
    for case in breast_ultrasound.cases():
        if "malignant" in case.labels:
            assert case.attributes["shape"] == "irregular"
            assert "posterior acoustic shadowing" in case.labels
        elif "benign" in case.labels:
            assert case.attributes["width mm"] > case.attributes["height mm"]
            assert "posterior acoustic enhancement" in case.labels
