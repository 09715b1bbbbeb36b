"""The drawn radiographs and head CTs: the same every time, and true to their labels."""

import hashlib
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest

from corpora.errors import UnknownNameError
from corpora.teaching import chest_radiograph, head_ct
from corpora.teaching.case import DrawnCase
from corpora.teaching.chest_patient import Chest, Nodule, anatomy
from corpora.teaching.head_scan import HeadScan, hounsfield
from corpora.teaching.noise import smooth_field
from corpora.teaching.thorax import FIELD
from tests.corpora.teaching_checks import check_closed_questions, check_said

ALL = chest_radiograph.cases() + head_ct.cases()
PLAIN = Chest(seed=4, age=40)


def digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def zone(chest: Chest, pixels: np.ndarray, side: str, across: float, down: float, half: int = 14) -> float:
    """Mean grey of a small square at a place of one lung."""
    thorax = anatomy(chest)
    z = thorax.apex + down * thorax.height
    x = across * float(thorax.width_at(np.array(z))) * (1 if side == "left" else -1)
    row, column = int(z / FIELD * 512), int((x / FIELD + 0.5) * 512)
    return float(pixels[row - half : row + half, column - half : column + half].mean())


def test_there_are_enough_cases_with_their_own_ids():
    assert len(chest_radiograph.cases()) >= 44
    assert len(head_ct.cases()) >= 24
    assert len({case.id for case in ALL}) == len(ALL)
    assert {case.domain for case in ALL} == {"radiology"}


def test_planning_is_the_same_at_every_call():
    again = chest_radiograph.cases()
    assert [(c.id, c.report, c.questions) for c in again] == [
        (c.id, c.report, c.questions) for c in chest_radiograph.cases()
    ]


def test_some_patients_have_an_earlier_study_that_the_report_compares():
    groups = [list(group) for _, group in groupby(ALL, key=lambda case: case.patient)]
    followed = [group for group in groups if len(group) > 1]
    assert len(followed) / len(groups) >= 0.12
    for before, now in followed:
        assert before.day < now.day
        assert "Compared with the earlier study" in now.report
        assert "Compared" not in now.findings
        assert "Compared" not in before.report


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_the_words_say_what_the_labels_say(case: DrawnCase):
    check_said(case)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_the_questions_follow_from_the_labels(case: DrawnCase):
    check_closed_questions(case)
    assert {question.kind for question in case.questions} == {"closed", "open"}


@pytest.mark.parametrize("module", [chest_radiograph, head_ct])
def test_every_finding_has_examples_outside_the_corpus(module):
    corpus = {case.id for case in module.cases()}
    for finding in module.FINDINGS:
        case = module.example(finding, 3)
        assert case.id not in corpus
        assert finding in case.labels
    assert module.example(None, 3).labels == ("normal",)
    with pytest.raises(UnknownNameError, match="finding"):
        module.example("lycanthropy", 1)


@pytest.mark.parametrize("case", [ALL[0], ALL[20], ALL[-1]], ids=lambda case: case.id)
def test_a_picture_is_the_same_every_time(case: DrawnCase):
    one = case.draw()
    assert one.dtype == np.uint8
    assert one.ndim == 2
    assert digest(one) == digest(case.draw())


def test_twins_differ_in_the_effusion_alone():
    for seed in (1, 2):
        wet, dry = chest_radiograph.twins(seed)
        side = wet.attributes["effusion side"]
        assert side == ("left" if seed % 2 else "right")
        assert "pleural effusion" in wet.labels
        assert "pleural effusion" in dry.absent
        assert wet.attributes["age"] == dry.attributes["age"]
        changed = np.abs(wet.draw().astype(int) - dry.draw().astype(int)).mean(axis=0)
        left, right = changed[256:].mean(), changed[:256].mean()
        assert max(left, right) > 2.5 * min(left, right)
        assert (left > right) == (side == "left")


@pytest.mark.parametrize("side", ["right", "left"])
def test_an_effusion_whitens_its_costophrenic_angle(side: str):
    plain = chest_radiograph.draw(PLAIN)
    brighter = []
    for amount in (0.16, 0.4, 0.8):
        wet = replace(PLAIN, effusion_right=amount) if side == "right" else replace(PLAIN, effusion_left=amount)
        drawn = chest_radiograph.draw(wet)
        brighter.append(zone(PLAIN, drawn, side, 0.82, 0.8) - zone(PLAIN, plain, side, 0.82, 0.8))
    assert brighter[0] > 5
    assert brighter[1] > 30


def test_a_pneumothorax_darkens_the_apex_of_its_side():
    plain = chest_radiograph.draw(PLAIN)
    hurt = chest_radiograph.draw(replace(PLAIN, pneumothorax="left", pneumothorax_size=40.0))
    gap = [zone(PLAIN, picture, "left", 0.86, 0.25, 6) for picture in (plain, hurt)]
    other = [zone(PLAIN, picture, "right", 0.7, 0.25, 6) for picture in (plain, hurt)]
    assert (gap[0] - gap[1]) - (other[0] - other[1]) > 15


def test_a_consolidated_lobe_and_a_nodule_are_bright_where_they_lie():
    plain = chest_radiograph.draw(PLAIN)
    lobe = chest_radiograph.draw(replace(PLAIN, consolidation=("right upper lobe",)))
    assert zone(PLAIN, lobe, "right", 0.6, 0.25) > zone(PLAIN, plain, "right", 0.6, 0.25) + 30
    spot = chest_radiograph.draw(replace(PLAIN, nodules=(Nodule("left", 0.65, 0.55, 24.0),)))
    assert zone(PLAIN, spot, "left", 0.65, 0.55, 8) > zone(PLAIN, plain, "left", 0.65, 0.55, 8) + 12


def test_a_wide_heart_takes_more_of_the_chest():
    plain, wide = (chest_radiograph.draw(replace(PLAIN, cardiothoracic_ratio=r)) for r in (0.44, 0.6))
    assert zone(PLAIN, wide, "left", 0.62, 0.66) > zone(PLAIN, plain, "left", 0.62, 0.66) + 20


@pytest.mark.parametrize(
    "change",
    [
        {"edema": 0.7},
        {"atelectasis": "left"},
        {"inflation": 1.0},
        {"free_air": True},
        {"pacemaker": True},
        {"endotracheal_tube": True},
        {"central_line": True},
        {"fractured_ribs": (6,)},
        {"view": "AP supine"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_other_finding_changes_the_picture(change):
    difference = chest_radiograph.draw(PLAIN).astype(int) - chest_radiograph.draw(replace(PLAIN, **change))
    assert np.abs(difference).max() > 25


def test_tissues_have_the_attenuation_they_should():
    hu = hounsfield(HeadScan(seed=2, age=40))
    assert hu.min() == -1000
    assert 1000 < hu.max() < 2600
    middle = hu[150:250, 150:250]
    assert 24 < np.median(middle) < 40
    assert -5 < middle.min() < 15


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_hematoma_is_dense_and_on_its_side(side: str):
    for lesion, size in (("epidural hematoma", 22.0), ("subdural hematoma", 14.0), ("intracerebral hemorrhage", 38.0)):
        scan = HeadScan(seed=6, age=50)
        change = hounsfield(replace(scan, lesion=lesion, side=side, size=size)) - hounsfield(scan)
        clot = (change > 20) & (change < 70)
        columns = np.nonzero(clot)[1]
        assert clot.sum() > 600
        assert (columns.mean() > 200) == (side == "left"), lesion


def test_an_infarct_is_dark_and_hydrocephalus_makes_room_for_fluid():
    scan = HeadScan(seed=6, age=60)
    infarct = hounsfield(replace(scan, lesion="cerebral infarction", side="left", size=52.0))
    assert (infarct - hounsfield(scan))[150:240, 270:320].mean() < -8
    wide = hounsfield(replace(scan, ventricles=2.4, sulci=0.4))[130:270, 130:270]
    assert (wide < 12).sum() > 2 * (hounsfield(scan)[130:270, 130:270] < 12).sum()


def test_smooth_fields_have_unit_variance():
    field = smooth_field(np.random.default_rng(0), (64, 96), 12.0)
    assert field.shape == (64, 96)
    assert abs(field.mean()) < 1e-9
    assert abs(field.std() - 1) < 1e-9
