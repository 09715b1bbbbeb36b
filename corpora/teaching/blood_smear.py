"""Drawn blood smears: the cases of the teaching corpus, and new ones on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from corpora.teaching.blood_fields import BloodField, draw_field
from corpora.teaching.case import DrawnCase, rng_for
from corpora.teaching.chart import Visit, ask, changes, chart, condition_for, deny, visits
from corpora.teaching.dictation import Reading, listed, pick, sentence

__all__ = ["cases", "example"]

MODALITY = "blood smear"
COUNTS: Mapping[str, int] = {
    "normal blood smear": 6,
    "malaria": 6,
    "sickle cell disease": 4,
    "iron deficiency anemia": 4,
    "spherocytosis": 3,
    "target cells": 3,
    "schistocytes": 2,
    "megaloblastic anemia": 3,
    "teardrop cells": 2,
    "thrombocytopenia": 3,
    "thrombocytosis": 2,
    "neutrophilia": 3,
    "eosinophilia": 2,
    "acute leukemia": 4,
    "chronic lymphocytic leukemia": 3,
}
FOLLOWED = {
    "malaria": (0.9, 0.15),
    "iron deficiency anemia": (0.9, 0.2),
    "acute leukemia": (0.9, 0.3),
    "thrombocytopenia": (0.9, 0.3),
    "sickle cell disease": (0.4, 0.8),
    "neutrophilia": (0.8, 0.2),
    "normal blood smear": (0.5, 0.5),
}
DENIED = {
    "malaria": "malaria parasites",
    "blast": "blasts",
    "sickle cell": "sickle cells",
    "schistocyte": "schistocytes",
    "target cell": "target cells",
    "spherocyte": "spherocytes",
    "thrombocytopenia": "thrombocytopenia",
    "hypochromia": "hypochromia",
}
ASKED = {
    "malaria": ("Are there malaria parasites?", "Is there malaria?"),
    "blast": ("Are there blasts?", "Are blast cells present?"),
    "sickle cell": ("Are there sickle cells?", "Do you see sickle cells?"),
    "schistocyte": ("Are there schistocytes?", "Are red cell fragments present?"),
    "target cell": ("Are there target cells?",),
    "spherocyte": ("Are there spherocytes?",),
    "teardrop cell": ("Are there teardrop cells?",),
    "thrombocytopenia": ("Is there thrombocytopenia?", "Are the platelets decreased?"),
    "thrombocytosis": ("Is there thrombocytosis?", "Are the platelets increased?"),
    "hypochromia": ("Are the red cells hypochromic?", "Is there hypochromia?"),
    "microcytosis": ("Are the red cells too small?", "Is there microcytosis?"),
    "macrocytosis": ("Is there macrocytosis?",),
    "leukocytosis": ("Is there leukocytosis?", "Are there too many white cells?"),
    "leukemia": ("Does this smear suggest leukemia?",),
    "eosinophilia": ("Is there eosinophilia?",),
    "neutrophilia": ("Is there neutrophilia?",),
    "anemia": ("Does this smear suggest anemia?",),
    "ring form": ("Are ring forms present?",),
    "normal blood smear": ("Is this blood smear normal?", "Is this a normal smear?"),
}
SHOWN_BY: Mapping[str, str] = {
    **{name: name for name in COUNTS},
    "sickle cell": "sickle cell disease",
    "spherocyte": "spherocytosis",
    "target cell": "target cells",
    "schistocyte": "schistocytes",
    "teardrop cell": "teardrop cells",
    "microcytosis": "iron deficiency anemia",
    "hypochromia": "iron deficiency anemia",
    "macrocytosis": "megaloblastic anemia",
    "blast": "acute leukemia",
    "leukemia": "acute leukemia",
    "leukocytosis": "neutrophilia",
    "ring form": "malaria",
    "neutrophil": "neutrophilia",
    "eosinophil": "eosinophilia",
}
_USUAL_WHITE = ("neutrophil", "lymphocyte", "monocyte", "neutrophil", "lymphocyte", "eosinophil", "neutrophil", "basophil")


@dataclass(frozen=True, slots=True)
class _Note:
    """What is written of a condition: labels with their sentences, and the conclusion."""

    findings: tuple[tuple[str, str], ...]
    diagnosis: str
    also: tuple[str, ...] = ()


def cases() -> tuple[DrawnCase, ...]:
    """Every smear of the corpus; nothing is drawn until a case's `draw` is called."""
    return tuple(_case(visit) for visit in visits("smear", COUNTS, FOLLOWED))


def example(finding: str | None, seed: int) -> DrawnCase:
    """A new case with a finding (none: normal) that is not in the corpus; raises `UnknownNameError`."""
    condition = condition_for(finding, SHOWN_BY, "normal blood smear")
    for attempt in range(40):
        name = f"smear-example-{(finding or 'normal').replace(' ', '-')}-{seed}-{attempt}"
        stage = float(rng_for("example", name).uniform(0.4, 0.95))
        made = _case(Visit(name, name, condition, name, stage))
        if finding is None or finding in made.labels:
            break
    return made


def _case(visit: Visit) -> DrawnCase:
    rng = rng_for("report", visit.id)
    plan, note = _PLANS[visit.condition](rng_for("plan", visit.seed), visit.stage, visit.seed)
    reading = _read(visit.condition, plan, note, rng)
    comparison = ""
    if visit.earlier is not None:
        before, _ = _PLANS[visit.condition](rng_for("plan", visit.seed), visit.earlier, visit.seed)
        change = changes(_measures(before), _measures(plan), rng)
        comparison = f"Smear of {visit.day - visit.earlier_day} days earlier."
        reading.conclusions.append(sentence(f"Compared with the earlier smear, {change}"))
        reading.attributes["change"] = change
    reading.attributes |= {
        "diagnosis": note.diagnosis,
        "white_cells": list(plan.white),
        "platelets": plan.platelets,
        "parasites": dict(plan.parasites),
    }
    opened = [
        ("What is the most likely diagnosis?", note.diagnosis),
        ("What modality is this?", MODALITY),
    ]
    if plan.white:
        kinds = list(dict.fromkeys(plan.white))
        opened.insert(1, ("Which white cells are seen?", listed([_plural(kind, plan.white.count(kind)) for kind in kinds])))
    if plan.parasites:
        opened.insert(1, ("Which stage of the parasite is seen?", listed([_STAGES[stage] for stage in plan.parasites])))
    ask(reading, rng, ASKED, opened)
    return chart(
        visit,
        reading,
        partial(draw_field, plan),
        domain="pathology",
        modality=MODALITY,
        title=f"{note.diagnosis[:1].upper()}{note.diagnosis[1:]}, blood smear",
        caption=sentence(f"Peripheral blood smear: {note.diagnosis}"),
        sections={
            "Specimen": "Peripheral blood smear, May-Grünwald-Giemsa, oil immersion.",
            "Comparison": comparison,
            "Morphology": " ".join(reading.sentences),
            "Assessment": " ".join(reading.conclusions),
        },
    )


_STAGES = {"ring": "ring forms", "trophozoite": "trophozoites", "schizont": "schizonts", "gametocyte": "gametocytes"}


def _plural(kind: str, count: int) -> str:
    return f"{count} {kind}{'s' if count > 1 else ''}"


def _measures(plan: BloodField) -> dict[str, float]:
    return {
        "parasites": sum(plan.parasites.values()),
        "blasts": plan.white.count("blast"),
        "neutrophils": plan.white.count("neutrophil") + plan.white.count("band neutrophil"),
        "platelets": plan.platelets,
        "sickle cells": round(100 * plan.forms.get("sickle", 0.0)),
        "hypochromia": round(max(0.0, 1 - plan.filling), 2),
    }


def _read(condition: str, plan: BloodField, note: _Note, rng: np.random.Generator) -> Reading:
    reading = Reading()
    for label, text in note.findings:
        reading.present(label, text)
    if not any("red cell" in text for _, text in note.findings) and "anemia" not in condition:
        reading.remark(pick(rng, "red cells of normal size with a normal central pallor", "normochromic, normocytic red cells"))
    if plan.white and not any(word in text for _, text in note.findings for word in ("blast", "neutrophils", "lymphocytes", "eosinophils")):
        reading.remark(f"{listed([_plural(kind, plan.white.count(kind)) for kind in dict.fromkeys(plan.white)])} in this field")
    if "thrombocytopenia" not in reading.labels and "thrombocytosis" not in reading.labels:
        reading.missing(["thrombocytopenia"], pick(rng, "platelets are present in normal number, no thrombocytopenia", "no thrombocytopenia"))
    reading.labels += [label for label in note.also if label not in reading.labels]
    if condition != "normal blood smear":
        reading.labels.append(condition)
    reading.conclusions.append(sentence(pick(rng, note.diagnosis, f"findings of {note.diagnosis}" if condition != "normal blood smear" else note.diagnosis)))
    deny(reading, rng, DENIED, count=int(rng.integers(3, 5)))
    return reading


def _usual(rng: np.random.Generator) -> tuple[str, ...]:
    """The white cells that happen to be in a field of normal blood: one or two."""
    start = int(rng.integers(len(_USUAL_WHITE)))
    return tuple(_USUAL_WHITE[(start + 3 * k) % len(_USUAL_WHITE)] for k in range(1 + int(rng.random() < 0.4)))


def _normal(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    plan = BloodField(seed, white=_usual(rng), platelets=int(rng.integers(7, 12)))
    return plan, _Note((), "normal blood smear", ("normal blood smear", "normal"))


def _malaria(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
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
    return BloodField(seed, parasites=parasites, white=white, platelets=6), _Note(tuple(notes), diagnosis)


def _sickle(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    plan = BloodField(seed, red_cells=58, forms={"sickle": 0.10 + 0.28 * stage, "target": 0.08}, white=_usual(rng))
    many = "many" if stage > 0.5 else "several"
    notes = (("sickle cell", f"{many} sickle-shaped red cells with pointed ends"), ("target cell", "some target cells"))
    return plan, _Note(notes, "sickle cell disease", ("anemia",))


def _iron(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
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
    return plan, _Note(tuple(notes), "iron deficiency anemia", ("anemia",))


def _spheres(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    plan = BloodField(seed, forms={"sphere": 0.25 + 0.35 * stage}, white=_usual(rng))
    return plan, _Note((("spherocyte", "numerous small, dense spherocytes: red cells without central pallor"),), "spherocytosis", ("anemia",))


def _targets(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    plan = BloodField(seed, forms={"target": 0.22 + 0.40 * stage}, filling=0.92, white=_usual(rng))
    return plan, _Note((("target cell", "many target cells: red cells with a dark centre in the pale zone"),), "target cells, as in thalassemia or liver disease")


def _fragments(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    plan = BloodField(seed, forms={"fragment": 0.12 + 0.18 * stage}, platelets=1)
    notes = (("schistocyte", "schistocytes: helmet-shaped and triangular red cell fragments"), ("thrombocytopenia", "hardly any platelets"))
    return plan, _Note(notes, "schistocytes with thrombocytopenia, suspicious for thrombotic microangiopathy", ("anemia",))


def _megaloblastic(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    plan = BloodField(seed, red_cells=46, width=1.06, unequal=0.13, forms={"oval": 0.40 + 0.25 * stage, "tear": 0.05}, white=("neutrophil",))
    notes = (("macrocytosis", "large oval red cells (macro-ovalocytes)"), ("anisocytosis", "marked anisocytosis"))
    return plan, _Note(notes, "megaloblastic anemia", ("anemia",))


def _tears(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    plan = BloodField(seed, forms={"tear": 0.16 + 0.16 * stage}, white=_usual(rng))
    return plan, _Note((("teardrop cell", "many teardrop-shaped red cells"),), "teardrop cells, suspicious for myelofibrosis")


def _few_platelets(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    plan = BloodField(seed, platelets=max(0, int(3.5 * (1 - stage))), platelet_size=6.5, white=_usual(rng))
    return plan, _Note((("thrombocytopenia", "platelets are markedly reduced, single large forms"),), "thrombocytopenia")


def _many_platelets(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    plan = BloodField(seed, platelets=30 + int(30 * stage), platelet_size=5.5, white=_usual(rng))
    return plan, _Note((("thrombocytosis", "platelets are much increased and of varied size"),), "thrombocytosis")


def _neutrophils(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    bands = 1 + int(2 * stage)
    plan = BloodField(seed, red_cells=48, white=("neutrophil",) * (3 + int(3 * stage)) + ("band neutrophil",) * bands)
    notes = (("neutrophilia", "many neutrophils"), ("left shift", "band forms as a sign of a left shift"))
    return plan, _Note(notes, "neutrophilia with left shift", ("leukocytosis",))


def _eosinophils(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    plan = BloodField(seed, red_cells=54, white=("eosinophil",) * (2 + int(2 * stage)) + ("neutrophil",))
    return plan, _Note((("eosinophilia", "several eosinophils with bilobed nuclei and orange granules"),), "eosinophilia")


def _acute(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    rods = rng.random() < 0.5
    plan = BloodField(seed, red_cells=38, white=("blast",) * (2 + int(5 * stage)) + (("lymphocyte",) if stage < 0.5 else ()), platelets=1, auer_rods=rods)
    notes = [("blast", "large blasts with fine chromatin, nucleoli and scant basophilic cytoplasm"), ("thrombocytopenia", "few platelets")]
    if rods:
        notes.insert(1, ("auer rod", "an Auer rod in one blast"))
    return plan, _Note(tuple(notes), "acute myeloid leukemia" if rods else "acute leukemia", ("leukemia", "leukocytosis", "malignant"))


def _chronic(rng: np.random.Generator, stage: float, seed: str) -> tuple[BloodField, _Note]:
    plan = BloodField(seed, red_cells=44, white=("lymphocyte",) * (6 + int(6 * stage)) + ("smudge cell",) * (1 + int(2 * stage)))
    notes = (("lymphocytosis", "many small mature lymphocytes with clumped chromatin"), ("smudge cell", "smudge cells"))
    return plan, _Note(notes, "chronic lymphocytic leukemia", ("leukemia", "leukocytosis", "malignant"))


_PLANS: Mapping[str, Callable[[np.random.Generator, float, str], tuple[BloodField, _Note]]] = {
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
