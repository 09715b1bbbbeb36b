"""Lung ultrasound of the teaching corpus: which zones are scanned, what is found, and the words for it.

The picture comes from `lung_scan`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from corpora.teaching.case import DrawnCase, rng_for
from corpora.teaching.dictation import Patient, Reading, Study, closed_questions, listed, pick, written
from corpora.teaching.lung_scan import LungScan, draw
from corpora.teaching.patients import Modality

__all__ = ["FINDINGS", "LungScan", "cases", "draw", "example"]

Recipe = Callable[[np.random.Generator, int], dict[str, Any]]

RECIPES: dict[str, tuple[int, Recipe]] = {
    "normal": (6, lambda rng, turn: {"probe": ("convex", "linear")[turn % 2]}),
    "b-line": (
        7,
        lambda rng, turn: {
            "probe": ("convex", "convex", "linear")[turn % 3],
            "b_lines": (3, 4, 3, 9, 10, 5, 8)[turn % 7],
            "a_lines": turn % 7 in (0, 2, 5),
        },
    ),
    "pleural effusion": (
        6,
        lambda rng, turn: {
            "effusion": (22.0, 38.0, 58.0, 42.0, 28.0, 50.0)[turn % 6],
            "septated": turn % 6 == 3,
        },
    ),
    "consolidation": (
        5,
        lambda rng, turn: {
            "probe": ("convex", "linear")[turn % 2],
            "consolidation": (38.0, 20.0, 28.0, 12.0, 46.0)[turn % 5],
            "air_bronchograms": turn % 5 != 3,
            "a_lines": False,
        },
    ),
    "pleural irregularity": (
        3,
        lambda rng, turn: {
            "probe": "linear",
            "irregular": True,
            "pleura_thickness": (3.2, 2.6, 3.8)[turn % 3],
            "b_lines": (2, 0, 4)[turn % 3],
        },
    ),
}
"""How many patients have each finding, and how their scans are drawn up."""

FINDINGS = tuple(RECIPES)

EARLIER: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {
    ("b-line", 3): (3, {"b_lines": 4}),
    ("pleural effusion", 1): (5, {"effusion": 62.0}),
    ("pleural effusion", 4): (4, {"effusion": 14.0}),
    ("consolidation", 0): (7, {"consolidation": 58.0}),
}
"""Patients with an earlier study: how many days before, and what was different then."""

CORE = ("b-line", "pleural effusion", "consolidation")

ASKED = {
    "a-line": ("Are there A-lines?", "Are A-lines visible?"),
    "b-line": ("Are there B-lines?", "Does this lung ultrasound show B-lines?"),
    "interstitial syndrome": ("Is there an interstitial syndrome?", "Is this an interstitial syndrome?"),
    "pleural effusion": ("Is there a pleural effusion?", "Is there fluid in the pleural space?"),
    "consolidation": ("Is there consolidation?", "Is a consolidation visible beneath the pleura?"),
    "air bronchogram": ("Are there air bronchograms?", "Is an air bronchogram seen?"),
    "pleural irregularity": ("Is the pleural line irregular?", "Is there irregularity of the pleural line?"),
    "pleural thickening": ("Is the pleural line thickened?", "Is there pleural thickening?"),
    "septation": ("Are there septations in the fluid?", "Is the fluid septated?"),
    "normal": ("Is this a normal lung ultrasound?", "Is the scan normal?"),
}
ZONES = ("anterior upper", "anterior lower", "lateral", "posterolateral")


def cases() -> tuple[DrawnCase, ...]:
    """Every lung scan of the corpus, planned but not yet drawn; the same at every call."""
    return _modality().cases()


def example(finding: str | None, seed: int) -> DrawnCase:
    """A new lung scan that is not in the corpus: one of `FINDINGS`, or None for a normal one."""
    return _modality().example(finding, seed)


def _modality() -> Modality[LungScan]:
    patients = {finding: count for finding, (count, _) in RECIPES.items()}
    return Modality("lus", "lung ultrasound", patients, EARLIER, _scan, _case, 500)


def _scan(finding: str, turn: int, seed: int) -> LungScan:
    return LungScan(seed=seed, **RECIPES[finding][1](rng_for("lung plan", finding, seed), turn))


def _case(identity: str, patient: str, scan: LungScan, day: int, before: LungScan | None = None) -> DrawnCase:
    who = rng_for("lung patient", scan.seed)
    age, sex = int(who.integers(24, 86)), ("female", "male")[int(who.integers(2))]
    side = ("right", "left")[int(who.integers(2))]
    zone = "posterolateral" if scan.effusion else ZONES[int(who.integers(len(ZONES) - 1))]
    rng = rng_for("lung report", identity)
    reading = _read(scan, side, zone, rng, before)
    reading.attributes |= {"side": side, "zone": zone, "probe": scan.probe}
    technique = f"B-mode ultrasound of the {side} {zone} chest with a {scan.probe} probe."
    comparison = "None." if before is None else f"Lung ultrasound of {day} days earlier."
    study = Study(identity, "ultrasound", "B-mode ultrasound", technique, day, f"{side} {zone}", comparison)
    text = (
        f"Lung ultrasound of the {side} {zone} chest, {scan.probe} probe: "
        f"{reading.conclusions[0][:1].lower()}{reading.conclusions[0][1:]}"
    )
    return written(Patient(patient, age, sex), study, reading, text, partial(draw, scan))


def _read(scan: LungScan, side: str, zone: str, rng: np.random.Generator, before: LungScan | None) -> Reading:
    reading = Reading()
    _pleura(scan, reading, rng)
    _lung(scan, reading, side, rng)
    gone = [label for label in CORE if label not in reading.labels]
    if gone:
        words = listed([{"b-line": "B-lines"}.get(label, label) for label in gone], "or")
        reading.missing(gone, pick(rng, f"No {words}", f"There is no sign of {words}"))
    if not set(reading.labels) - {"a-line"}:
        reading.labels.insert(0, "normal")
        reading.conclusions.append(pick(rng, "Normal lung ultrasound.", "Normally aerated lung, an A-profile."))
    if before is not None:
        reading.compare(_compared(before, scan))
    _questions(scan, reading, side, rng)
    return reading


def _pleura(scan: LungScan, reading: Reading, rng: np.random.Generator) -> None:
    thick = scan.pleura_thickness > 2.4
    if scan.irregular:
        text = "Pleural irregularity: the pleural line is uneven and interrupted" + (
            ", with pleural thickening" if thick else ""
        )
        conclusion = "Irregular, thickened pleural line" if thick else "Irregular pleural line"
        reading.present("pleural irregularity", text, conclusion)
        if thick:
            reading.labels.append("pleural thickening")
    elif not scan.effusion:
        text = pick(rng, "Thin, regular pleural line", "The pleural line is smooth")
        reading.missing(["pleural irregularity"], f"{text}, no pleural irregularity")


def _lung(scan: LungScan, reading: Reading, side: str, rng: np.random.Generator) -> None:
    if scan.effusion:
        size = "small" if scan.effusion < 26 else "moderate" if scan.effusion < 48 else "large"
        text = pick(
            rng,
            f"Anechoic pleural effusion of {scan.effusion:.0f} mm between chest wall and lung, above the diaphragm",
            f"A pleural effusion of {scan.effusion:.0f} mm lies above the diaphragm and compresses the lung",
        )
        if scan.septated:
            text = f"Echogenic pleural effusion of {scan.effusion:.0f} mm above the diaphragm"
        reading.present("pleural effusion", text, f"{size} {side} pleural effusion")
        reading.attributes |= {"effusion size": size, "effusion mm": round(scan.effusion)}
        if scan.septated:
            reading.present("septation", "Fine strands cross the fluid: septation", "Septated, complex fluid")
        else:
            reading.missing(["septation"], "No septation within the fluid")
        return
    if scan.b_lines:
        many = "confluent" if scan.b_lines >= 8 else "multiple" if scan.b_lines > 2 else "a few"
        text = f"{many} B-lines run from the pleural line to the bottom of the picture without fading"
        conclusion = "Interstitial syndrome with confluent B-lines" if scan.b_lines >= 8 else f"{many} B-lines"
        reading.present("b-line", text, conclusion)
        if scan.b_lines >= 8:
            reading.present("interstitial syndrome", "The picture is that of an interstitial syndrome")
        reading.attributes["B-lines"] = "confluent" if scan.b_lines >= 8 else scan.b_lines
    if scan.consolidation:
        text = (
            f"Subpleural tissue-like area of {scan.consolidation:.0f} mm with a ragged deep border (shred sign), "
            "in keeping with consolidation"
        )
        reading.present("consolidation", text, f"{side} subpleural consolidation of {scan.consolidation:.0f} mm")
        reading.attributes["consolidation mm"] = round(scan.consolidation)
        if scan.air_bronchograms:
            reading.present("air bronchogram", "Bright spots and branches within it are an air bronchogram")
        else:
            reading.missing(["air bronchogram"], "No air bronchogram within it")
    if scan.a_lines and scan.b_lines < 8:
        reading.present("a-line", "Horizontal A-lines repeat beneath the pleural line")
    else:
        reading.missing(["a-line"], "No A-lines")


def _compared(before: LungScan, now: LungScan) -> str:
    for name, old, new in (
        ("pleural effusion has", before.effusion, now.effusion),
        ("consolidation has", before.consolidation, now.consolidation),
        ("B-lines have", float(before.b_lines), float(now.b_lines)),
    ):
        if old != new:
            return f"the {name} {'increased' if new > old else 'decreased'}"
    return "there is no relevant change"


def _questions(scan: LungScan, reading: Reading, side: str, rng: np.random.Generator) -> None:
    closed_questions(rng, reading, ASKED)
    if "effusion size" in reading.attributes:
        reading.ask("How large is the effusion?", reading.attributes["effusion size"])
    if scan.b_lines:
        reading.ask("Do the B-lines stand apart or flow together?", "together" if scan.b_lines >= 8 else "apart")
    reading.ask("Which probe was used?", scan.probe)
    main = next(label for label in (*reading.labels, "normal") if label != "a-line")
    reading.ask("What is the main finding?", "no abnormality" if main == "normal" else main)
    reading.ask(pick(rng, "What modality is this?", "How was this picture made?"), "ultrasound")
    reading.ask("Which organ is shown?", "lung")
