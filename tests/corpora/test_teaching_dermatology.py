"""The drawn dermoscopy."""

from __future__ import annotations

import numpy as np
import pytest

from corpora.errors import UnknownNameError
from corpora.teaching import dermoscopy
from corpora.teaching.skin import SIZE
from corpora.teaching.skin_lesions import LESIONS, Growing, draw_lesion
from tests.corpora.teaching_checks import (
    check_answers,
    check_patients,
    check_pictures,
    check_polarity,
    check_words,
    digest,
)

CASES = dermoscopy.cases()
STRUCTURES = [
    ("melanoma", "blue-white veil"),
    ("melanoma", "streaks"),
    ("melanoma", "regression structures"),
    ("melanoma", "irregular blotches"),
    ("melanocytic nevus", "pigment network"),
    ("melanocytic nevus", "peripheral globules"),
    ("seborrheic keratosis", "milia-like cysts"),
    ("seborrheic keratosis", "comedo-like openings"),
    ("basal cell carcinoma", "arborizing vessels"),
    ("basal cell carcinoma", "blue-gray ovoid nests"),
    ("basal cell carcinoma", "ulceration"),
    ("dermatofibroma", "central white patch"),
    ("actinic keratosis", "scale"),
    ("squamous cell carcinoma in situ", "glomerular vessels"),
]


def test_there_are_enough_varied_cases() -> None:
    assert len(CASES) >= 44
    assert {case.attributes["condition"] for case in CASES} >= set(LESIONS)
    assert all(case.domain == "dermatology" and case.modality == "dermoscopy" for case in CASES)
    assert len({case.attributes["site"] for case in CASES}) >= 8


def test_words_agree_with_the_ground_truth() -> None:
    check_words(CASES)
    check_polarity(CASES)
    check_answers(CASES, dermoscopy.ASKED)
    check_patients(CASES)


def test_pictures_are_drawn() -> None:
    check_pictures(CASES[::6], SIZE)


def test_the_same_case_is_drawn_the_same_twice_and_differs_from_others() -> None:
    again = dermoscopy.cases()
    assert digest(CASES[2]) == digest(again[2])
    assert digest(CASES[2]) != digest(CASES[3])


@pytest.mark.parametrize(("kind", "part"), STRUCTURES)
def test_each_structure_changes_the_lesion_and_not_the_skin_around(kind: str, part: str) -> None:
    plain = draw_lesion(Growing(kind, "a seed", size=80.0)).astype(int)
    shown = draw_lesion(Growing(kind, "a seed", size=80.0, parts=frozenset({part}))).astype(int)
    changed = np.abs(shown - plain).max(axis=-1) > 12
    y, x = np.mgrid[:SIZE, :SIZE]
    far = np.hypot(x - SIZE / 2, y - SIZE / 2) > 175
    assert changed[~far].sum() > 60
    assert changed[far].mean() < 0.01


def test_a_veil_is_bluer_than_a_nevus() -> None:
    def bluest(parts: frozenset[str]) -> float:
        pixels = draw_lesion(Growing("melanoma", "blue", size=100.0, parts=parts)).astype(float)
        return float(np.percentile(pixels[..., 2] - pixels[..., 0], 99))

    assert bluest(frozenset({"blue-white veil"})) > bluest(frozenset()) + 25


def test_examples_show_what_is_asked_for() -> None:
    for finding in ("melanoma", "blue-white veil", "ulceration", "milia-like cysts", "red lacunae"):
        assert finding in dermoscopy.example(finding, 2).labels
    assert dermoscopy.example(None, 1).labels[-1] == "melanocytic nevus"
    with pytest.raises(UnknownNameError, match="known: "):
        dermoscopy.example("pneumothorax", 1)
