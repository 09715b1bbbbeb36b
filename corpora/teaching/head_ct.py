"""Head CT of the teaching corpus: which heads are scanned, and what is found in them.

The picture comes from `head_scan` and `brain`, the words from `head_reports`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from corpora.teaching.case import DrawnCase, rng_for
from corpora.teaching.dictation import Patient, Study, pick, written
from corpora.teaching.head_reports import caption, read
from corpora.teaching.head_scan import HeadScan, Side, draw, hounsfield
from corpora.teaching.patients import Modality

__all__ = ["FINDINGS", "HeadScan", "cases", "draw", "example", "hounsfield"]

SIDES: tuple[Side, Side] = ("right", "left")
Recipe = Callable[[np.random.Generator, int], dict[str, Any]]


def _normal(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    return {"age": int(rng.integers(20, 62))}


def _epidural(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    size = (24.0, 15.0, 30.0, 21.0)[turn % 4]
    return {"lesion": "epidural hematoma", "side": SIDES[turn % 2], "size": size, "age": int(rng.integers(18, 45))}


def _subdural(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    size, density = ((15.0, None), (9.0, None), (18.0, 21.0), (13.0, 23.0))[turn % 4]
    common = {"lesion": "subdural hematoma", "side": SIDES[(turn + 1) % 2], "age": int(rng.integers(58, 88))}
    return {**common, "size": size, "density": density}


def _bleeding(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    size = (34.0, 46.0, 26.0, 50.0)[turn % 4]
    common = {"lesion": "intracerebral hemorrhage", "side": SIDES[turn % 2], "age": int(rng.integers(48, 84))}
    return {**common, "size": size, "intraventricular": turn % 4 in (1, 3)}


def _subarachnoid(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    return {"subarachnoid": (0.95, 0.7)[turn % 2], "age": int(rng.integers(35, 66)), "sulci": 1.15}


def _infarct(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    territory = ("MCA", "MCA", "PCA", "ACA")[turn % 4]
    common = {"lesion": "cerebral infarction", "side": SIDES[turn % 2], "age": int(rng.integers(55, 86))}
    return {**common, "size": (52.0, 40.0, 50.0, 50.0)[turn % 4], "territory": territory, "sulci": 0.9}


def _hydrocephalus(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    return {"ventricles": (2.4, 1.9, 2.7)[turn % 3], "sulci": 0.4, "age": int(rng.integers(25, 60))}


def _tumor(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    common = {"lesion": "brain tumor", "side": SIDES[(turn + 1) % 2], "age": int(rng.integers(40, 75))}
    return {**common, "size": (34.0, 42.0, 26.0, 30.0)[turn % 4], "frontal": turn % 4 in (0, 3)}


def _atrophy(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    return {"ventricles": 1.25, "sulci": (1.9, 1.65)[turn % 2], "age": int(rng.integers(72, 90))}


RECIPES: dict[str, tuple[int, Recipe]] = {
    "normal": (4, _normal),
    "epidural hematoma": (3, _epidural),
    "subdural hematoma": (4, _subdural),
    "intracerebral hemorrhage": (4, _bleeding),
    "subarachnoid hemorrhage": (2, _subarachnoid),
    "cerebral infarction": (4, _infarct),
    "hydrocephalus": (3, _hydrocephalus),
    "brain tumor": (4, _tumor),
    "cerebral atrophy": (2, _atrophy),
}
"""How many patients have each finding, and how their slices are drawn up."""

FINDINGS = tuple(RECIPES)

EARLIER: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {
    ("subdural hematoma", 1): (21, {"size": 16.0, "density": None}),
    ("intracerebral hemorrhage", 1): (1, {"size": 33.0, "intraventricular": False}),
    ("cerebral infarction", 0): (2, {"lesion": None}),
    ("hydrocephalus", 0): (60, {"ventricles": 1.8}),
    ("brain tumor", 1): (95, {"size": 27.0}),
}
"""Patients with an earlier study: how many days before, and what was different then."""


def cases() -> tuple[DrawnCase, ...]:
    """Every head CT of the corpus, planned but not yet drawn; the same at every call."""
    return _modality().cases()


def example(finding: str | None, seed: int) -> DrawnCase:
    """A new head CT that is not in the corpus: one of `FINDINGS`, or None for a normal one."""
    return _modality().example(finding, seed)


def _modality() -> Modality[HeadScan]:
    patients = {finding: count for finding, (count, _) in RECIPES.items()}
    return Modality("ct", "head CT", patients, EARLIER, _scan, _case, 300)


def _scan(finding: str, turn: int, seed: int) -> HeadScan:
    return HeadScan(seed=seed, **RECIPES[finding][1](rng_for("head plan", finding, seed), turn))


def _case(identity: str, patient: str, scan: HeadScan, day: int, before: HeadScan | None = None) -> DrawnCase:
    rng = rng_for("head report", identity)
    sex = ("female", "male")[int(rng_for("head sex", scan.seed).integers(2))]
    reading = read(scan, rng, before)
    reading.attributes["window"] = "brain, level 40 HU, width 80 HU"
    technique = pick(
        rng,
        "Axial CT of the head without contrast, brain window.",
        "Non-contrast head CT, slice at the level of the basal ganglia.",
        "Unenhanced cranial CT, axial slice at the level of the frontal horns.",
    )
    comparison = "None." if before is None else f"Head CT of {day} {'day' if day == 1 else 'days'} earlier."
    study = Study(identity, "radiology", "CT", technique, day, "axial", comparison)
    text = caption(scan, reading, sex)
    return written(Patient(patient, scan.age, sex), study, reading, text, partial(draw, scan))
