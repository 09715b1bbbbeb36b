"""Diseases of the blood as plans: what each puts into a field of the film, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from corpora.teaching.blood_fields import BloodField

__all__ = ["PLANS", "Note"]

_USUAL_WHITE = (
    "neutrophil",
    "lymphocyte",
    "monocyte",
    "neutrophil",
    "lymphocyte",
    "eosinophil",
    "neutrophil",
    "lymphocyte",
    "basophil",
)


@dataclass(frozen=True, slots=True)
class Note:
    """What is written of a condition: labels with their sentences, and the conclusion."""

    findings: tuple[tuple[str, str], ...]
    diagnosis: str
    also: tuple[str, ...] = ()


def _usual(rng: np.random.Generator) -> tuple[str, ...]:
    """The white cells that happen to be in a field of normal blood: one or two."""
    start = int(rng.integers(len(_USUAL_WHITE)))
    return tuple(_USUAL_WHITE[(start + 2 * k) % len(_USUAL_WHITE)] for k in range(1 + int(rng.random() < 0.4)))


def _normal(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(seed, white=_usual(rng), platelets=int(rng.integers(7, 12)))
    return plan, Note((), "normal blood smear", ("normal blood smear", "normal"))


def _malaria(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    late = rng.random()
    parasites = {"ring": 2 + int(7 * stage)}
    if late < 0.3:
        parasites["gametocyte"] = 1 + int(2 * stage)
    elif late < 0.65:
        parasites |= {"trophozoite": 1 + int(2 * stage), "schizont": int(1.4 * stage)}
    parasites = {stage_name: n for stage_name, n in parasites.items() if n}
    notes = [("ring form", f"intracellular ring forms in {parasites['ring']} red cells of this field")]
    if "gametocyte" in parasites:
        notes.append(("gametocyte", "banana-shaped gametocytes"))
    if "trophozoite" in parasites:
        notes.append(("trophozoite", "amoeboid trophozoites with brown pigment in red cells"))
    if "schizont" in parasites:
        notes.append(("schizont", "a schizont with merozoites"))
    diagnosis = "malaria, Plasmodium falciparum" if "gametocyte" in parasites else "malaria"
    white = _usual(rng) if rng.random() < 0.5 else ()
    return BloodField(seed, parasites=parasites, white=white, platelets=6), Note(tuple(notes), diagnosis)


def _sickle(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(seed, red_cells=58, forms={"sickle": 0.10 + 0.28 * stage, "target": 0.08}, white=_usual(rng))
    many = "many" if stage > 0.5 else "several"
    notes = (("sickle cell", f"{many} sickle-shaped red cells with pointed ends"), ("target cell", "some target cells"))
    return plan, Note(notes, "sickle cell disease", ("anemia",))


def _iron(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(
        seed, red_cells=62, width=0.90 - 0.10 * stage, unequal=0.08 + 0.09 * stage, filling=0.88 - 0.32 * stage,
        pallor=1.15 + 0.10 * stage, forms={"ellipse": 0.04 + 0.10 * stage}, platelets=12,
    )  # fmt: skip
    notes = [
        ("microcytosis", "small red cells of uneven size"),
        ("hypochromia", f"{'marked' if stage > 0.6 else 'mild'} hypochromia with a wide central pallor"),
        ("anisocytosis", "anisocytosis"),
    ]
    if stage > 0.3:
        notes.append(("pencil cell", "single pencil cells"))
    return plan, Note(tuple(notes), "iron deficiency anemia", ("anemia",))


def _spheres(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(seed, forms={"sphere": 0.25 + 0.35 * stage}, white=_usual(rng))
    return plan, Note(
        (("spherocyte", "numerous small, dense spherocytes: red cells without central pallor"),),
        "spherocytosis",
        ("anemia",),
    )


def _targets(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(seed, forms={"target": 0.22 + 0.40 * stage}, filling=0.92, white=_usual(rng))
    return plan, Note(
        (("target cell", "many target cells: red cells with a dark centre in the pale zone"),),
        "target cells, as in thalassemia or liver disease",
    )


def _fragments(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(seed, forms={"fragment": 0.12 + 0.18 * stage}, platelets=1)
    notes = (
        ("schistocyte", "schistocytes: helmet-shaped and triangular red cell fragments"),
        ("thrombocytopenia", "hardly any platelets"),
    )
    return plan, Note(
        notes, "schistocytes with thrombocytopenia, suspicious for thrombotic microangiopathy", ("anemia",)
    )


def _megaloblastic(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(
        seed,
        red_cells=46,
        width=1.06,
        unequal=0.13,
        forms={"oval": 0.40 + 0.25 * stage, "tear": 0.05},
        white=("neutrophil",),
    )
    notes = (("macrocytosis", "large oval red cells (macro-ovalocytes)"), ("anisocytosis", "marked anisocytosis"))
    return plan, Note(notes, "megaloblastic anemia", ("anemia",))


def _tears(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(seed, forms={"tear": 0.16 + 0.16 * stage}, white=_usual(rng))
    return plan, Note(
        (("teardrop cell", "many teardrop-shaped red cells"),), "teardrop cells, suspicious for myelofibrosis"
    )


def _few_platelets(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(seed, platelets=max(0, int(3.5 * (1 - stage))), platelet_size=6.5, white=_usual(rng))
    return plan, Note((("thrombocytopenia", "platelets are markedly reduced, single large forms"),), "thrombocytopenia")


def _many_platelets(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(seed, platelets=30 + int(30 * stage), platelet_size=5.5, white=_usual(rng))
    return plan, Note((("thrombocytosis", "platelets are much increased and of varied size"),), "thrombocytosis")


def _neutrophils(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    bands = 1 + int(2 * stage)
    plan = BloodField(seed, red_cells=48, white=("neutrophil",) * (3 + int(3 * stage)) + ("band neutrophil",) * bands)
    notes = (("neutrophilia", "many neutrophils"), ("left shift", "band forms as a sign of a left shift"))
    return plan, Note(notes, "neutrophilia with left shift", ("leukocytosis",))


def _eosinophils(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(seed, red_cells=54, white=("eosinophil",) * (2 + int(2 * stage)) + ("neutrophil",))
    return plan, Note(
        (("eosinophilia", "several eosinophils with bilobed nuclei and orange granules"),), "eosinophilia"
    )


def _acute(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    rods = rng.random() < 0.5
    plan = BloodField(
        seed,
        red_cells=38,
        white=("blast",) * (2 + int(5 * stage)) + (("lymphocyte",) if stage < 0.5 else ()),
        platelets=1,
        auer_rods=rods,
    )
    notes = [
        ("blast", "large blasts with fine chromatin, nucleoli and scant basophilic cytoplasm"),
        ("thrombocytopenia", "few platelets"),
    ]
    if rods:
        notes.insert(1, ("auer rod", "an Auer rod in one blast"))
    return plan, Note(
        tuple(notes), "acute myeloid leukemia" if rods else "acute leukemia", ("leukemia", "leukocytosis", "malignant")
    )


def _chronic(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, Note]:
    plan = BloodField(
        seed, red_cells=44, white=("lymphocyte",) * (6 + int(6 * stage)) + ("smudge cell",) * (1 + int(2 * stage))
    )
    notes = (("lymphocytosis", "many small mature lymphocytes with clumped chromatin"), ("smudge cell", "smudge cells"))
    return plan, Note(notes, "chronic lymphocytic leukemia", ("leukemia", "leukocytosis", "malignant"))


PLANS: Mapping[str, Callable[[np.random.Generator, float, str], tuple[BloodField, Note]]] = {
    "normal blood smear": _normal,
    "malaria": _malaria,
    "sickle cell disease": _sickle,
    "iron deficiency anemia": _iron,
    "spherocytosis": _spheres,
    "target cells": _targets,
    "schistocytes": _fragments,
    "megaloblastic anemia": _megaloblastic,
    "teardrop cells": _tears,
    "thrombocytopenia": _few_platelets,
    "thrombocytosis": _many_platelets,
    "neutrophilia": _neutrophils,
    "eosinophilia": _eosinophils,
    "acute leukemia": _acute,
    "chronic lymphocytic leukemia": _chronic,
}
