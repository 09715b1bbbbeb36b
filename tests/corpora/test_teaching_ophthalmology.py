"""The drawn fundus photographs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from corpora.errors import UnknownNameError
from corpora.teaching import fundus
from corpora.teaching.retina import RADIUS, SIZE, Eye, anatomy_of, develop, draw_eye
from corpora.teaching.retina_diseases import DISEASES, draw_plan, plan_for
from corpora.teaching.retina_lesions import PAINTERS, QUADRANTS, Lesion, paint
from tests.corpora.teaching_checks import (
    check_answers,
    check_patients,
    check_pictures,
    check_polarity,
    check_words,
    digest,
)

CASES = fundus.cases()
EYE = Eye("a test", "right", palette="orange")


def test_there_are_enough_varied_cases() -> None:
    assert len(CASES) >= 44
    assert {case.attributes["condition"] for case in CASES} == set(DISEASES)
    assert {case.view for case in CASES} == {"OD", "OS"}
    assert all(case.domain == "ophthalmology" and case.modality == "fundus photograph" for case in CASES)


def test_words_agree_with_the_ground_truth() -> None:
    check_words(CASES)
    check_polarity(CASES)
    check_answers(CASES, fundus.ASKED)
    check_patients(CASES)


def test_a_caption_names_no_sign_twice() -> None:
    for case in fundus.cases():
        signs = re.split(r", | and ", case.caption.rstrip(".").partition(" with ")[2])
        assert len(set(signs)) == len(signs), case.caption


def test_pictures_are_drawn() -> None:
    check_pictures(CASES[::6], SIZE)


def test_the_same_case_is_drawn_the_same_twice_and_differs_from_others() -> None:
    again = fundus.cases()
    assert digest(CASES[4]) == digest(again[4])
    assert digest(CASES[4]) != digest(CASES[5])


def test_the_field_is_round_on_black() -> None:
    pixels = CASES[0].draw()
    y, x = np.mgrid[:SIZE, :SIZE]
    outside = np.hypot(x - SIZE / 2, y - SIZE / 2) > RADIUS * 1.02
    assert pixels[outside].max() <= 6
    assert pixels[~outside].mean() > 30


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_disc_lies_on_the_side_of_the_nose(side: Literal["right", "left"]) -> None:
    eye = replace(EYE, side=side)
    pixels = develop(draw_eye(eye), eye).astype(float)
    x = int(SIZE / 2 + anatomy_of(eye).disc[0] * RADIUS)
    y = int(SIZE / 2 + anatomy_of(eye).disc[1] * RADIUS)
    x = x if side == "right" else SIZE - 1 - x
    near = pixels[y - 20 : y + 20, x - 20 : x + 20].mean()
    assert near > 1.06 * pixels[y - 20 : y + 20, SIZE - x - 20 : SIZE - x + 20].mean()


@pytest.mark.parametrize("kind", sorted(PAINTERS))
def test_each_lesion_changes_a_part_of_the_picture(kind: str) -> None:
    canvas = draw_eye(EYE)
    before = canvas.image.copy()
    paint(canvas, Lesion(kind, 3, where="inferotemporal"), "a seed")
    changed = np.abs(canvas.image - before).max(axis=-1) > 0.01
    assert 10 < changed.sum() < 0.35 * changed.size


@pytest.mark.parametrize("quadrant", QUADRANTS[:2])
def test_lesions_keep_to_their_quadrant(quadrant: str) -> None:
    canvas = draw_eye(EYE)
    before = canvas.image.copy()
    paint(canvas, Lesion("blot hemorrhage", 12, where=quadrant), "a seed")
    y, _ = np.nonzero(np.abs(canvas.image - before).max(axis=-1) > 0.02)
    fovea_y = SIZE / 2 + canvas.anatomy.fovea[1] * RADIUS
    above = float((y < fovea_y).mean())
    assert above > 0.9 if quadrant.startswith("supero") else above < 0.1


def test_a_larger_cup_is_brighter_over_more_of_the_disc() -> None:
    small, large = (draw_eye(replace(EYE, cup=cup)) for cup in (0.2, 0.9))
    disc = small.distance(small.anatomy.disc) < small.anatomy.disc_radius
    assert large.image[disc].mean() > small.image[disc].mean() + 0.03


def test_a_later_stage_keeps_the_earlier_lesions() -> None:
    early, late = (plan_for("moderate nonproliferative diabetic retinopathy", "someone", stage) for stage in (0.2, 0.9))
    assert early.eye == late.eye
    assert late.count("microaneurysm") > early.count("microaneurysm")
    normal = draw_plan(plan_for("normal fundus", "someone", 0.5)).astype(int)
    first = np.abs(draw_plan(early).astype(int) - normal).max(axis=-1) > 40
    second = np.abs(draw_plan(late).astype(int) - normal).max(axis=-1) > 20
    assert (first & second).sum() > 0.9 * first.sum()


def test_examples_show_what_is_asked_for() -> None:
    for finding in ("glaucoma", "drusen", "neovascularization", "cotton wool spot"):
        made = fundus.example(finding, 1)
        assert finding in made.labels
        assert made.id not in {case.id for case in CASES}
    assert fundus.example(None, 1).labels[0] == "normal fundus"
    with pytest.raises(UnknownNameError, match="known: "):
        fundus.example("pneumothorax", 1)
