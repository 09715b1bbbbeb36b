"""The drawn sections and smears, and the stain that colours them."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from corpora.errors import UnknownNameError
from corpora.teaching import blood_smear, histology
from corpora.teaching.blood_diseases import PLANS
from corpora.teaching.blood_fields import BloodField, draw_field
from corpora.teaching.case import rng_for
from corpora.teaching.stain import MACENKO, RUIFROK, Stains, between, stain, unmix
from corpora.teaching.texture import to_pixels
from corpora.teaching.tissue_kinds import SECTIONS, Section, draw_section
from corpora.teaching.vessels import branch_angle
from tests.corpora.teaching_checks import (
    check_answers,
    check_patients,
    check_pictures,
    check_polarity,
    check_words,
    digest,
)

MODALITIES = [(histology, "H&E histology", 28), (blood_smear, "blood smear", 28)]


@pytest.mark.parametrize(("module", "modality", "least"), MODALITIES)
def test_cases_are_many_and_consistent(module: ModuleType, modality: str, least: int) -> None:
    cases = module.cases()
    assert len(cases) >= least
    assert all(case.domain == "pathology" and case.modality == modality for case in cases)
    check_words(cases)
    check_polarity(cases)
    check_answers(cases, module.ASKED)
    check_patients(cases)


@pytest.mark.parametrize(("module", "modality", "least"), MODALITIES)
def test_pictures_are_drawn_and_always_the_same(module: ModuleType, modality: str, least: int) -> None:
    cases = module.cases()
    check_pictures(cases[::6], 400)
    assert digest(cases[1]) == digest(module.cases()[1])
    assert digest(cases[1]) != digest(cases[2])


def test_every_condition_has_its_case() -> None:
    assert {case.attributes["condition"] for case in histology.cases()} == set(histology.COUNTS)
    assert {case.attributes["condition"] for case in blood_smear.cases()} == set(PLANS)


@pytest.mark.parametrize("stains", [RUIFROK, MACENKO, between(0.5)])
def test_stain_amounts_survive_the_way_through_the_picture(stains: Stains) -> None:
    rng = rng_for("stain test")
    h, e = rng.uniform(0.0, 0.9, (40, 40)), rng.uniform(0.0, 0.6, (40, 40))
    got_h, got_e = unmix(to_pixels(stain(h, e, stains)), stains)
    assert np.abs(got_h - h).max() < 0.06
    assert np.abs(got_e - e).max() < 0.06


def test_no_stain_is_the_lamp() -> None:
    nothing = np.zeros((2, 2))
    assert stain(nothing, nothing, white=(0.9, 0.8, 0.7))[0, 0].tolist() == pytest.approx([0.9, 0.8, 0.7])


def test_fat_is_clear_and_grows_with_the_grade() -> None:
    clear = [
        float((draw_section(Section("liver", "fat", grade, frozenset({"steatosis"}))).min(axis=-1) > 215).mean())
        for grade in (0.1, 0.5, 0.9)
    ]
    assert clear[0] < clear[1] < clear[2]
    assert clear[2] > 0.15


def test_inflammation_and_cancer_bring_nuclei() -> None:
    def blue(section: Section) -> float:
        return float((unmix(draw_section(section), MACENKO)[0] > 0.45).mean())

    plain = blue(Section("colon", "cells", 0.0))
    assert blue(Section("colon", "cells", 0.9, frozenset({"chronic inflammation"}))) > 1.15 * plain
    assert blue(Section("adenocarcinoma", "cells", 0.9)) > 1.15 * plain


@pytest.mark.parametrize("kind", sorted(SECTIONS))
def test_seeds_give_different_sections_of_one_kind(kind: str) -> None:
    assert not np.array_equal(draw_section(Section(kind, "one")), draw_section(Section(kind, "two")))


@pytest.mark.parametrize("stage", ["ring", "trophozoite", "schizont", "gametocyte"])
def test_parasites_appear_in_red_cells(stage: str) -> None:
    plain = draw_field(BloodField("infected")).astype(int)
    shown = draw_field(BloodField("infected", parasites={stage: 3})).astype(int)
    assert (np.abs(shown - plain).max(axis=-1) > 40).sum() > 30


def test_hypochromic_cells_are_paler() -> None:
    full = draw_field(BloodField("pale", platelets=0)).mean()
    assert draw_field(BloodField("pale", platelets=0, filling=0.55)).mean() > full + 4


def test_a_field_of_blasts_is_darker() -> None:
    def dark(plan: BloodField) -> float:
        return float((draw_field(plan)[..., 1] < 90).mean())

    assert dark(BloodField("white", white=("blast",) * 5)) > dark(BloodField("white")) + 0.05


def test_examples_show_what_is_asked_for() -> None:
    for finding in ("adenocarcinoma", "steatosis", "crypt abscess", "keratin pearl"):
        assert finding in histology.example(finding, 3).labels
    for finding in ("malaria", "sickle cell", "blast", "thrombocytopenia"):
        assert finding in blood_smear.example(finding, 3).labels
    for module in (histology, blood_smear):
        with pytest.raises(UnknownNameError, match="known: "):
            module.example("pneumothorax", 1)


def test_equal_branches_leave_at_murrays_angle() -> None:
    assert np.degrees(branch_angle(1.0, 0.5 ** (1 / 3))) == pytest.approx(37.47, abs=0.01)
    assert branch_angle(1.0, 0.2) > branch_angle(1.0, 0.7)
