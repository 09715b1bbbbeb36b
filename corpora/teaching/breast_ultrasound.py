"""Breast ultrasound of the teaching corpus: which masses are found, and the words for them.

The picture comes from `breast_scan`. Reports use the descriptors that breast imaging agrees on: shape,
orientation, margin, echo pattern, posterior features, calcifications.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from corpora.teaching.breast_scan import BreastScan, draw
from corpora.teaching.case import DrawnCase, rng_for
from corpora.teaching.dictation import Patient, Reading, Study, closed_questions, listed, pick, written
from corpora.teaching.patients import Modality

__all__ = ["FINDINGS", "BreastScan", "cases", "draw", "example"]

Recipe = Callable[[np.random.Generator, int], dict[str, Any]]


def _placed(rng: np.random.Generator, width: float, height: float) -> dict[str, Any]:
    depth = float(rng.uniform(13.0, 17.0)) + 0.15 * height
    across = float(rng.uniform(-0.55, 0.55))
    return {"width": width, "height": height, "depth": round(depth, 1), "across": round(across, 2)}


def _cyst(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    size = ((14.0, 10.0), (22.0, 15.0), (9.0, 7.0), (17.0, 12.0), (12.0, 10.0))[turn % 5]
    return {"mass": "simple cyst", **_placed(rng, *size)}


def _complicated(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    return {"mass": "complicated cyst", **_placed(rng, *((15.0, 11.0), (11.0, 8.0))[turn % 2])}


def _fibroadenoma(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    size = ((18.0, 9.0), (13.0, 7.5), (22.0, 12.0), (15.0, 8.0), (11.0, 6.0), (20.0, 10.0))[turn % 6]
    return {"mass": "fibroadenoma", "calcified": turn % 6 == 4, **_placed(rng, *size)}


def _carcinoma(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    sizes = (
        (12.0, 14.0),
        (17.0, 16.0),
        (9.0, 11.0),
        (20.0, 17.0),
        (11.0, 13.0),
        (14.0, 15.0),
        (8.0, 9.0),
        (15.0, 17.0),
    )
    return {"mass": "carcinoma", "calcified": turn % 4 == 2, **_placed(rng, *sizes[turn % 8])}


def _normal(rng: np.random.Generator, turn: int) -> dict[str, Any]:
    return {"dense": turn % 2 == 0}


RECIPES: dict[str, tuple[int, Recipe]] = {
    "normal": (5, _normal),
    "breast cyst": (5, _cyst),
    "complicated cyst": (2, _complicated),
    "fibroadenoma": (6, _fibroadenoma),
    "breast carcinoma": (8, _carcinoma),
}
"""How many patients have each finding, and how their scans are drawn up."""

FINDINGS = tuple(RECIPES)

EARLIER: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {
    ("breast cyst", 1): (365, {"width": 13.0, "height": 9.0}),
    ("fibroadenoma", 0): (182, {}),
    ("breast carcinoma", 1): (150, {"width": 10.0, "height": 10.0}),
    ("breast carcinoma", 6): (380, {"mass": None, "calcified": False}),
}
"""Patients with an earlier study: how many days before, and what was different then."""

ASKED = {
    "breast mass": ("Is there a breast mass?", "Is a breast mass visible?"),
    "breast cyst": ("Is there a breast cyst?", "Does this show a breast cyst?"),
    "fibroadenoma": ("Does this look like a fibroadenoma?", "Is a fibroadenoma the likely diagnosis?"),
    "breast carcinoma": ("Does this look like breast carcinoma?", "Is this breast cancer?"),
    "spiculated margin": ("Is the margin spiculated?", "Does the mass have spicules?"),
    "posterior acoustic enhancement": (
        "Is there posterior acoustic enhancement?",
        "Is there acoustic enhancement behind the lesion?",
    ),
    "posterior acoustic shadowing": (
        "Is there posterior acoustic shadowing?",
        "Is there an acoustic shadow behind the lesion?",
    ),
    "calcification": ("Are there calcifications?", "Does the mass contain calcifications?"),
    "benign": ("Does the lesion look benign?", "Are the features benign?"),
    "malignant": ("Does the lesion look malignant?", "Are the features malignant?"),
    "normal": ("Is this a normal breast ultrasound?", "Is the scan normal?"),
}
BEHIND = ("posterior acoustic enhancement", "posterior acoustic shadowing")


def cases() -> tuple[DrawnCase, ...]:
    """Every breast scan of the corpus, planned but not yet drawn; the same at every call."""
    return _modality().cases()


def example(finding: str | None, seed: int) -> DrawnCase:
    """A new breast scan that is not in the corpus: one of `FINDINGS`, or None for a normal one."""
    return _modality().example(finding, seed)


def _modality() -> Modality[BreastScan]:
    patients = {finding: count for finding, (count, _) in RECIPES.items()}
    return Modality("bus", "breast ultrasound", patients, EARLIER, _scan, _case, 700)


def _scan(finding: str, turn: int, seed: int) -> BreastScan:
    rng = rng_for("breast plan", finding, seed)
    return BreastScan(seed=seed, **{"dense": bool(rng.random() < 0.75), **RECIPES[finding][1](rng, turn)})


def _case(identity: str, patient: str, scan: BreastScan, day: int, before: BreastScan | None = None) -> DrawnCase:
    who = rng_for("breast patient", scan.seed)
    age = int(who.integers(44, 82) if scan.mass == "carcinoma" else who.integers(21, 66))
    side, hour = ("right", "left")[int(who.integers(2))], int(who.integers(1, 13))
    rng = rng_for("breast report", identity)
    reading = _read(scan, side, hour, rng, before)
    reading.attributes |= {"breast": side, "clock": hour, "probe": "linear"}
    technique = f"B-mode ultrasound of the {side} breast at {hour} o'clock with a linear probe."
    comparison = "None." if before is None else f"Breast ultrasound of {day} days earlier."
    study = Study(identity, "ultrasound", "B-mode ultrasound", technique, day, f"{side} breast", comparison)
    text = f"Breast ultrasound, {side} breast of a {age}-year-old woman: {reading.conclusions[0].lower()}"
    return written(Patient(patient, age, "female"), study, reading, text, partial(draw, scan))


def _read(scan: BreastScan, side: str, hour: int, rng: np.random.Generator, before: BreastScan | None) -> Reading:
    reading = Reading()
    tissue = "heterogeneous fibroglandular tissue" if scan.dense else "mostly fatty tissue"
    reading.remark(pick(rng, f"Background of {tissue}", f"The breast shows {tissue} beneath regular skin"))
    if scan.mass is None:
        reading.labels.append("normal")
        reading.missing(["breast mass", "breast cyst"], "No breast mass or breast cyst")
        reading.missing(["posterior acoustic shadowing"], "No posterior acoustic shadowing")
        reading.conclusions.append(pick(rng, "Normal breast ultrasound.", "Normal breast tissue, no mass."))
    else:
        _mass(scan, reading, side, hour, rng)
    if before is not None:
        reading.compare(_compared(before, scan))
    _questions(scan, reading, side, rng)
    return reading


def _mass(scan: BreastScan, reading: Reading, side: str, hour: int, rng: np.random.Generator) -> None:
    size = f"{scan.width:.0f} × {scan.height:.0f} mm"
    at = f"at {hour} o'clock in the {side} breast"
    if scan.mass in ("simple cyst", "complicated cyst"):
        echo = "anechoic" if scan.mass == "simple cyst" else "hypoechoic, with a few inner echoes"
        kind = "simple" if scan.mass == "simple cyst" else "complicated"
        reading.present(
            "breast cyst",
            pick(
                rng,
                f"Oval, circumscribed breast cyst of {size} {at}, {echo}",
                f"{at}, an oval breast cyst of {size}, {echo}",
            ),
            f"{kind} cyst of the {side} breast, benign",
        )
        reading.attributes |= {"shape": "oval", "margin": "circumscribed", "behaviour": "benign"}
    elif scan.mass == "carcinoma":
        upright = scan.height > scan.width
        stance = "taller than wide" if upright else "antiparallel to the skin"
        text = f"Irregular hypoechoic breast mass of {size} {at}, {stance}, spiculated as in breast carcinoma"
        reading.present("breast mass", text, f"Irregular mass of the {side} breast, in keeping with carcinoma")
        reading.labels += ["breast carcinoma", "spiculated margin"]
        reading.attributes |= {"shape": "irregular", "margin": "spiculated", "behaviour": "malignant"}
    else:
        text = f"Oval, circumscribed, hypoechoic breast mass of {size} {at}, parallel to the skin, as in fibroadenoma"
        reading.present("breast mass", text, f"Oval mass of the {side} breast, in keeping with a fibroadenoma, benign")
        reading.labels.append("fibroadenoma")
        reading.attributes |= {"shape": "oval", "margin": "circumscribed", "behaviour": "benign"}
    reading.attributes |= {"width mm": scan.width, "height mm": scan.height}
    _behind(scan, reading)
    if scan.calcified:
        reading.present("calcification", "Bright specks of calcification within it")
    else:
        reading.missing(["calcification"], "No calcification")


def _behind(scan: BreastScan, reading: Reading) -> None:
    enhanced, shadowed = BEHIND
    if scan.mass == "carcinoma":
        reading.present(shadowed, "Posterior acoustic shadowing")
        reading.present("malignant", "The features are malignant")
        reading.missing([enhanced, "breast cyst"], f"No {listed([enhanced, 'breast cyst'], 'or')}")
        return
    reading.present(enhanced, "Posterior acoustic enhancement")
    gone = [shadowed, "spiculated margin"]
    reading.missing(gone, f"No {listed(gone, 'or')}")
    reading.present("benign", "The features are benign")
    reading.missing(["malignant", "breast carcinoma"], "No malignant feature, no breast carcinoma")


def _compared(before: BreastScan, now: BreastScan) -> str:
    if before.mass is None:
        return "the mass is new"
    if before.width != now.width:
        return f"the lesion has {'increased' if now.width > before.width else 'decreased'} in size"
    return "the lesion is unchanged"


def _questions(scan: BreastScan, reading: Reading, side: str, rng: np.random.Generator) -> None:
    closed_questions(rng, reading, ASKED)
    if scan.mass:
        reading.ask("Is the lesion benign or malignant?", reading.attributes["behaviour"])
        reading.ask("What shape does the lesion have?", reading.attributes["shape"])
        main = next(label for label in reading.labels if label != "breast mass")
        reading.ask("What is the most likely diagnosis?", main)
    else:
        reading.ask("What is the main finding?", "no abnormality")
    reading.ask(pick(rng, "What modality is this?", "How was this picture made?"), "ultrasound")
    reading.ask("Which organ is shown?", "breast")
