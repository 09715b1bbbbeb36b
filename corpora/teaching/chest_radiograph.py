"""Chest radiographs of the teaching corpus: who is examined, what is found, and how it changes.

The picture comes from `chest_film`, the words from `chest_reports`; here the cases are planned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from corpora.teaching.case import DrawnCase, rng_for
from corpora.teaching.chest_film import draw
from corpora.teaching.chest_patient import Chest, Lobe, Nodule, Side
from corpora.teaching.chest_reports import caption, read
from corpora.teaching.dictation import Patient, Study, pick, written
from corpora.teaching.patients import Modality

__all__ = ["FINDINGS", "Chest", "Nodule", "cases", "draw", "example", "twins"]

MODALITY = "chest radiograph"
Recipe = Callable[[np.random.Generator, int], dict[str, Any]]
SIDES: tuple[Side, Side] = ("right", "left")
LOBES: tuple[Lobe, ...] = (
    "right upper lobe", "right lower lobe", "left lower lobe", "right middle lobe", "left upper lobe", "lingula",
)  # fmt: skip


def _effusion(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    amounts = ((0.16, 0.0), (0.0, 0.38), (0.42, 0.0), (0.0, 0.17), (0.36, 0.3), (0.8, 0.0), (0.0, 0.76), (0.14, 0.45))
    right, left = (round(a * float(rng.uniform(0.9, 1.1)), 3) for a in amounts[turn % len(amounts)])
    return {"effusion_right": right, "effusion_left": left}


def _pneumothorax(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    size = (24.0, 36.0, 60.0, 20.0)[turn % 4] * rng.uniform(0.95, 1.1)
    return {"pneumothorax": SIDES[turn % 2], "pneumothorax_size": round(float(size), 1)}


def _consolidation(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    if turn % 8 == 7:
        return {"consolidation": ("right lower lobe", "left lower lobe")}
    return {"consolidation": (LOBES[turn % len(LOBES)],)}


def _big_heart(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    return {"cardiothoracic_ratio": round((0.54, 0.58, 0.62)[turn % 3] + float(rng.uniform(-0.01, 0.01)), 2)}


def _edema(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    amount = (0.5, 0.85, 0.34)[turn % 3]
    wet = {"effusion_right": 0.18, "effusion_left": 0.12} if turn % 3 == 1 else {}
    return {"edema": amount, "cardiothoracic_ratio": (0.46, 0.57, 0.55)[turn % 3], **wet}


def _lesion(rng: np.random.Generator, turn: int, *, mass: bool) -> dict[str, Any]:
    size = rng.uniform(38, 58) if mass else rng.uniform(15, 27)
    down = (0.3, 0.55, 0.68)[turn % 3] + rng.uniform(-0.04, 0.04)
    nodule = Nodule(
        SIDES[turn % 2], round(float(rng.uniform(0.55, 0.72)), 3), round(float(down), 3), round(float(size))
    )
    return {"nodules": (replace(nodule, spiculated=mass or turn % 3 == 1),)}


def _fracture(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    first = int(rng.integers(5, 8))
    return {"fracture_side": SIDES[turn % 2], "fractured_ribs": (first, first + 1) if turn % 2 else (first,)}


def _atelectasis(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    return {"atelectasis": SIDES[(turn + 1) % 2]}


def _hyperinflation(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    return {"inflation": round(float(rng.uniform(0.8, 1.1)), 2), "cardiothoracic_ratio": 0.37}


def _intubated(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    extra: tuple[dict[str, Any], ...] = (
        {"edema": 0.6}, {"consolidation": ("right upper lobe",)}, {"effusion_left": 0.5}, {"effusion_right": 0.4},
    )  # fmt: skip
    return {"view": "AP supine", "endotracheal_tube": True, "central_line": turn % 2 == 0, **extra[turn % 4]}


RECIPES: dict[str, tuple[int, Recipe]] = {
    "normal": (8, lambda rng, turn: {}),
    "pleural effusion": (9, _effusion),
    "pneumothorax": (6, _pneumothorax),
    "consolidation": (8, _consolidation),
    "cardiomegaly": (3, _big_heart),
    "pulmonary edema": (4, _edema),
    "pulmonary nodule": (4, partial(_lesion, mass=False)),
    "lung mass": (2, partial(_lesion, mass=True)),
    "rib fracture": (2, _fracture),
    "atelectasis": (3, _atelectasis),
    "hyperinflation": (3, _hyperinflation),
    "pneumoperitoneum": (2, lambda rng, turn: {"free_air": True}),
    "pacemaker": (2, lambda rng, turn: {"pacemaker": True, "cardiothoracic_ratio": (0.47, 0.56)[turn % 2]}),
    "endotracheal tube": (4, _intubated),
}
"""How many patients have each finding, and how their radiographs are drawn up."""

FINDINGS = tuple(RECIPES)

EARLIER: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {
    ("pleural effusion", 1): (9, {"effusion_left": 0.15}),
    ("pleural effusion", 2): (30, {"effusion_right": 0.0}),
    ("pleural effusion", 3): (6, {"effusion_left": 0.6}),
    ("pleural effusion", 5): (14, {"effusion_right": 0.34}),
    ("pneumothorax", 0): (2, {"pneumothorax_size": 42.0}),
    ("consolidation", 1): (120, {"consolidation": ()}),
    ("pulmonary edema", 1): (4, {"edema": 0.4, "effusion_right": 0.0, "effusion_left": 0.0}),
    ("pulmonary nodule", 1): (210, {"nodules": ()}),
    ("cardiomegaly", 0): (365, {}),
    ("normal", 2): (42, {"consolidation": ("left lower lobe",)}),
}
"""Patients with an earlier study: how many days before, and what was different then."""


def cases() -> tuple[DrawnCase, ...]:
    """Every chest radiograph of the corpus, planned but not yet drawn; the same at every call."""
    return _modality().cases()


def example(finding: str | None, seed: int) -> DrawnCase:
    """A new radiograph that is not in the corpus: one of `FINDINGS`, or None for a normal one."""
    return _modality().example(finding, seed)


def _modality() -> Modality[Chest]:
    patients = {finding: count for finding, (count, _) in RECIPES.items()}
    return Modality("cxr", "chest radiograph", patients, EARLIER, _chest, _case, 100)


def twins(seed: int) -> tuple[DrawnCase, DrawnCase]:
    """The same new patient with a clear pleural effusion, and without."""
    plain = _chest("normal", seed, 200_000 + seed)
    side = SIDES[seed % 2]
    wet = replace(plain, effusion_right=0.4) if side == "right" else replace(plain, effusion_left=0.4)
    with_fluid = _case(f"cxr-twin-with-effusion-{seed}", f"cxr-twin-{seed}-with", wet, 0)
    return with_fluid, _case(f"cxr-twin-without-effusion-{seed}", f"cxr-twin-{seed}-without", plain, 0)


def _chest(finding: str, turn: int, seed: int) -> Chest:
    rng = rng_for("chest plan", finding, seed)
    old = {"pacemaker": 30, "hyperinflation": 18, "cardiomegaly": 18, "pulmonary edema": 22, "lung mass": 18}
    chest = Chest(
        seed=seed,
        sex=("female", "male")[int(rng.integers(2))],
        age=int(rng.integers(22, 66)) + old.get(finding, 4),
        cardiothoracic_ratio=round(float(rng.uniform(0.41, 0.475)), 3),
    )
    return replace(chest, **RECIPES[finding][1](rng, turn))


def _case(identity: str, patient: str, scan: Chest, day: int, before: Chest | None = None) -> DrawnCase:
    rng = rng_for("chest report", identity)
    reading = read(scan, rng, before)
    reading.attributes["view"] = scan.view
    upright = scan.view == "PA"
    technique = pick(
        rng,
        "Upright posteroanterior chest radiograph." if upright else "Supine anteroposterior portable chest radiograph.",
        "Chest radiograph, PA view, in deep inspiration." if upright else "Bedside chest radiograph, AP view, supine.",
    )
    comparison = pick(rng, "None.", "No earlier study is available.")
    if before is not None:
        comparison = f"Chest radiograph of {day} days earlier."
    study = Study(identity, "radiology", MODALITY, technique, day, scan.view, comparison)
    text = caption(scan, reading)
    return written(Patient(patient, scan.age, scan.sex), study, reading, text, partial(draw, scan))
