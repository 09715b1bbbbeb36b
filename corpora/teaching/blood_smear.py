"""Drawn blood smears: the cases of the teaching corpus, and new ones on demand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from corpora.teaching.blood_diseases import PLANS, Note
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
    plan, note = PLANS[visit.condition](rng_for("plan", visit.seed), visit.stage, visit.seed)
    reading = _read(visit.condition, plan, note, rng)
    comparison = ""
    if visit.earlier is not None:
        before, _ = PLANS[visit.condition](rng_for("plan", visit.seed), visit.earlier, visit.seed)
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
        opened.insert(
            1, ("Which white cells are seen?", listed([_plural(kind, plan.white.count(kind)) for kind in kinds]))
        )
    if plan.parasites:
        opened.insert(1, ("Which stage of the parasite is seen?", listed([_STAGES[stage] for stage in plan.parasites])))
    ask(reading, rng, ASKED, opened)
    return chart(
        visit,
        reading,
        partial(draw_field, plan),
        domain="pathology",
        modality=MODALITY,
        title=f"{note.diagnosis[:1].upper()}{note.diagnosis[1:]}{'' if 'smear' in note.diagnosis else ', blood smear'}",
        caption=sentence(f"Peripheral blood smear: {note.diagnosis.removesuffix(' blood smear')}"),
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


def _read(condition: str, plan: BloodField, note: Note, rng: np.random.Generator) -> Reading:
    reading = Reading()
    for label, text in note.findings:
        reading.present(label, text)
    if not any("red cell" in text for _, text in note.findings) and "anemia" not in condition:
        reading.remark(
            pick(rng, "red cells of normal size with a normal central pallor", "normochromic, normocytic red cells")
        )
    if plan.white and not any(
        word in text for _, text in note.findings for word in ("blast", "neutrophils", "lymphocytes", "eosinophils")
    ):
        reading.remark(
            f"{listed([_plural(kind, plan.white.count(kind)) for kind in dict.fromkeys(plan.white)])} in this field"
        )
    if "thrombocytopenia" not in reading.labels and "thrombocytosis" not in reading.labels:
        reading.missing(
            ["thrombocytopenia"],
            pick(rng, "platelets are present in normal number, no thrombocytopenia", "no thrombocytopenia"),
        )
    reading.labels += [label for label in note.also if label not in reading.labels]
    if condition != "normal blood smear" and condition.removesuffix("s") not in reading.labels:
        reading.labels.append(condition)
    reading.conclusions.append(
        sentence(
            pick(
                rng,
                note.diagnosis,
                f"findings of {note.diagnosis}" if condition != "normal blood smear" else note.diagnosis,
            )
        )
    )
    deny(reading, rng, DENIED, count=int(rng.integers(3, 5)))
    return reading
