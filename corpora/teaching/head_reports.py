"""How a radiologist puts a drawn head CT into words."""

from __future__ import annotations

import numpy as np

from corpora.teaching.dictation import Reading, closed_questions, listed, pick
from corpora.teaching.head_scan import HeadScan

__all__ = ["caption", "read", "shifted"]

CORE = ("intracranial hemorrhage", "midline shift", "hydrocephalus", "cerebral infarction")

ASKED = {
    "epidural hematoma": ("Is there an epidural hematoma?", "Is an extradural hematoma present?"),
    "subdural hematoma": ("Is there a subdural hematoma?", "Does this CT show a subdural hematoma?"),
    "intracerebral hemorrhage": ("Is there an intracerebral hemorrhage?", "Is there bleeding into the brain itself?"),
    "subarachnoid hemorrhage": ("Is there a subarachnoid hemorrhage?", "Is there blood in the subarachnoid space?"),
    "intraventricular hemorrhage": ("Is there blood in the ventricles?", "Is there intraventricular hemorrhage?"),
    "intracranial hemorrhage": ("Is there intracranial hemorrhage?", "Is there any intracranial bleeding?"),
    "cerebral infarction": ("Is there a cerebral infarction?", "Are there signs of an ischemic stroke?"),
    "hydrocephalus": ("Is there hydrocephalus?", "Are the ventricles dilated?"),
    "midline shift": ("Is there midline shift?", "Is the midline displaced?"),
    "brain tumor": ("Is there a brain tumor?", "Is there a mass in the brain?"),
    "cerebral edema": ("Is there cerebral edema?", "Is there edema around the lesion?"),
    "cerebral atrophy": ("Is there cerebral atrophy?", "Is the brain atrophic?"),
    "normal": ("Is this head CT normal?", "Is this a normal study?"),
}
VESSELS = {"MCA": "middle cerebral artery", "PCA": "posterior cerebral artery", "ACA": "anterior cerebral artery"}
WHERE = {"intracerebral hemorrhage": "basal ganglia", "brain tumor": "cerebral hemisphere"}


def shifted(scan: HeadScan) -> bool:
    """Whether the lesion is large enough to push the midline visibly."""
    limits = {"epidural hematoma": 19.0, "subdural hematoma": 11.0, "intracerebral hemorrhage": 41.0}
    return scan.lesion in limits and scan.size > limits[scan.lesion]


def read(scan: HeadScan, rng: np.random.Generator, before: HeadScan | None = None) -> Reading:
    """Dictate the findings, with their ground truth; `before` is the earlier study to compare with."""
    reading = Reading()
    _lesion(scan, reading, rng)
    _fluid(scan, reading, rng)
    _absent(reading, rng)
    if not reading.labels:
        reading.labels.append("normal")
        reading.conclusions.append(
            pick(rng, "Normal head CT.", "No acute intracranial abnormality.", "Unremarkable CT of the brain.")
        )
    if before is not None:
        reading.compare(_compared(before, scan))
    _questions(reading, rng)
    return reading


def caption(scan: HeadScan, reading: Reading, sex: str) -> str:
    """One sentence beneath the picture."""
    who = f"{scan.age}-year-old {'woman' if sex == 'female' else 'man'}"
    return f"Axial head CT without contrast of a {who}: {reading.conclusions[0].rstrip('.').lower()}"


def _lesion(scan: HeadScan, reading: Reading, rng: np.random.Generator) -> None:
    if scan.lesion is None:
        return
    side, size = scan.side, f"{scan.size:.0f} mm"
    text, conclusion = {
        "epidural hematoma": (
            f"Lens-shaped hyperdense epidural hematoma of {size} beneath the inner table on the {side}",
            f"Acute {side} epidural hematoma of {size}",
        ),
        "subdural hematoma": (
            f"Crescent-shaped {_age_word(scan)} subdural hematoma of {size} over the {side} hemisphere",
            f"{_age(scan)} {side} subdural hematoma of {size}",
        ),
        "intracerebral hemorrhage": (
            f"Hyperdense intracerebral hemorrhage of {size} in the {side} basal ganglia with a thin dark rim",
            f"{side} basal ganglia hemorrhage of {size}",
        ),
        "cerebral infarction": (
            f"Wedge-shaped hypodense infarct in the territory of the {side} {VESSELS[scan.territory]}, where the "
            "border between grey and white matter is lost",
            f"{side} {VESSELS[scan.territory]} infarction",
        ),
        "brain tumor": (
            f"Brain tumor of {size} in the {side} {_lobe(scan)} lobe, with a denser rim and a darker centre",
            f"{side} {_lobe(scan)} brain tumor of {size} with surrounding edema",
        ),
    }[scan.lesion]
    reading.present(scan.lesion, text, conclusion)
    reading.attributes |= {"side": side, "size mm": round(scan.size)}
    short = scan.lesion.rsplit(" ", 1)[-1]
    reading.ask(f"On which side is the {short}?", side)
    if scan.lesion == "cerebral infarction":
        reading.attributes["territory"] = VESSELS[scan.territory]
        reading.ask("Which vascular territory is infarcted?", VESSELS[scan.territory])
    elif scan.lesion == "brain tumor":
        reading.present("cerebral edema", "Finger-like low density of cerebral edema surrounds it")
        reading.ask("In which lobe is the tumor?", f"{side} {_lobe(scan)} lobe")
    elif scan.lesion == "subdural hematoma":
        reading.attributes["age of blood"] = _age(scan).lower()
        reading.ask("Is the hematoma acute or chronic?", _age(scan).lower())
        reading.ask("What shape does the collection have?", "crescent")
    elif scan.lesion == "epidural hematoma":
        reading.ask("What shape does the collection have?", "lens")
    else:
        reading.ask("Where is the hemorrhage?", f"{side} basal ganglia")
    if scan.intraventricular:
        text = f"Intraventricular hemorrhage fills the {side} lateral ventricle"
        reading.present("intraventricular hemorrhage", text, "Intraventricular hemorrhage")
    if shifted(scan):
        away = "left" if side == "right" else "right"
        reading.present("midline shift", f"There is a midline shift to the {away}", f"Midline shift to the {away}")
        reading.ask("To which side is the midline shifted?", away)


def _age(scan: HeadScan) -> str:
    return "Chronic" if scan.density is not None and scan.density < 30 else "Acute"


def _age_word(scan: HeadScan) -> str:
    return "hypodense" if _age(scan) == "Chronic" else "hyperdense"


def _lobe(scan: HeadScan) -> str:
    return "frontal" if scan.frontal else "temporoparietal"


def _fluid(scan: HeadScan, reading: Reading, rng: np.random.Generator) -> None:
    if scan.subarachnoid:
        text = pick(
            rng,
            "Subarachnoid hemorrhage: bright blood outlines the Sylvian fissures and the sulci",
            "There is extensive subarachnoid hemorrhage in the sulci and the Sylvian fissures on both sides",
        )
        reading.present("subarachnoid hemorrhage", text, "Diffuse subarachnoid hemorrhage")
        reading.ask("Where is the blood?", "in the subarachnoid space")
    if scan.ventricles >= 1.7:
        text = "Hydrocephalus: the lateral ventricles and the third ventricle are dilated and the sulci narrow"
        degree = "Marked" if scan.ventricles > 2.2 else "Moderate"
        reading.present("hydrocephalus", text, f"{degree} hydrocephalus")
        reading.attributes["severity"] = degree.lower()
    if scan.sulci >= 1.6:
        text = "Cerebral atrophy: the sulci and Sylvian fissures are wide, and the ventricles in proportion"
        reading.present("cerebral atrophy", text, "Generalised cerebral atrophy")


def _absent(reading: Reading, rng: np.random.Generator) -> None:
    if any("hem" in label and label != "hydrocephalus" for label in reading.labels):
        gone = [label for label in CORE[1:] if label not in reading.labels]
        others = ("subarachnoid hemorrhage", "subdural hematoma", "epidural hematoma")
        gone += [label for label in others if label not in reading.labels][: int(rng.integers(1, 3))]
    else:
        gone = [label for label in CORE if label not in reading.labels]
        gone += ["subdural hematoma"]
    for group in (gone[:2], gone[2:4], gone[4:]):
        if group:
            start = pick(rng, "No", "There is no", "No sign of")
            reading.missing(group, f"{start} {listed(group, 'or')}")
    if "brain tumor" not in reading.labels and rng.random() < 0.5:
        reading.missing(["brain tumor"], "No brain tumor is seen on this unenhanced study")


def _compared(before: HeadScan, now: HeadScan) -> str:
    if before.lesion is None and now.lesion is not None:
        return f"the {now.side} {now.lesion} is new"
    if before.lesion is not None and now.lesion is None:
        return f"the {before.side} {before.lesion} has resolved"
    if before.ventricles != now.ventricles:
        return f"the ventricles have become {'wider' if now.ventricles > before.ventricles else 'narrower'}"
    if before.size != now.size:
        return f"the {now.side} {now.lesion} has {'increased' if now.size > before.size else 'decreased'} in size"
    return "there is no relevant change"


def _questions(reading: Reading, rng: np.random.Generator) -> None:
    open_ones, reading.questions = reading.questions[:3], []
    closed_questions(rng, reading, ASKED)
    reading.questions += open_ones
    main = "no abnormality" if reading.labels == ["normal"] else reading.labels[0]
    reading.ask(pick(rng, "What is the main finding?", "What does this slice show?"), main)
    reading.ask(pick(rng, "What modality is this?", "How was this picture made?"), "CT")
