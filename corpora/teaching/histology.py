"""Drawn H&E sections: the cases of the teaching corpus, and new ones on demand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from corpora.teaching.case import DrawnCase, rng_for
from corpora.teaching.chart import Visit, ask, changes, chart, condition_for, deny, visits
from corpora.teaching.dictation import Reading, listed, pick, sentence
from corpora.teaching.tissue_kinds import Section, draw_section

__all__ = ["cases", "example"]

MODALITY = "H&E histology"
COUNTS: Mapping[str, int] = {
    "normal colonic mucosa": 4,
    "chronic colitis": 3,
    "active colitis": 4,
    "adenocarcinoma": 8,
    "normal liver": 3,
    "steatosis": 5,
    "cirrhosis": 3,
    "steatosis with fibrosis": 1,
    "normal squamous mucosa": 2,
    "squamous cell carcinoma": 4,
}
FOLLOWED = {
    "active colitis": (0.9, 0.25),
    "steatosis": (0.3, 0.85),
    "cirrhosis": (0.15, 0.8),
    "normal colonic mucosa": (0.3, 0.3),
    "chronic colitis": (0.25, 0.8),
}
_TISSUE = {
    "normal colonic mucosa": ("colon", "colon"),
    "chronic colitis": ("colon", "colon"),
    "active colitis": ("colon", "colon"),
    "adenocarcinoma": ("adenocarcinoma", "colon"),
    "normal liver": ("liver", "liver"),
    "steatosis": ("liver", "liver"),
    "cirrhosis": ("liver", "liver"),
    "steatosis with fibrosis": ("liver", "liver"),
    "normal squamous mucosa": ("squamous mucosa", "esophagus"),
    "squamous cell carcinoma": ("squamous cell carcinoma", "esophagus"),
}
# What each condition shows: always, or from a stage on.
_PARTS: Mapping[str, tuple[tuple[float, str], ...]] = {
    "chronic colitis": ((0.0, "chronic inflammation"), (0.4, "crypt distortion")),
    "active colitis": ((0.0, "acute inflammation"), (0.3, "crypt abscess"), (0.75, "chronic inflammation")),
    "adenocarcinoma": ((0.2, "mitoses"),),
    "steatosis": ((0.0, "steatosis"),),
    "cirrhosis": ((0.0, "fibrosis"),),
    "steatosis with fibrosis": ((0.0, "steatosis"), (0.0, "fibrosis")),
    "squamous cell carcinoma": ((0.4, "mitoses"),),
}
_NORMAL = ("normal colonic mucosa", "normal liver", "normal squamous mucosa")
DENIED = {
    "adenocarcinoma": "adenocarcinoma",
    "dysplasia": "dysplasia",
    "necrosis": "necrosis",
    "granuloma": "granulomas",
    "mitosis": "mitoses",
    "acute inflammation": "acute inflammation",
    "steatosis": "steatosis",
    "fibrosis": "fibrosis",
    "keratin pearl": "keratin pearls",
}
# What a pathologist would mention for which tissue.
_RELEVANT = {
    "colon": ("adenocarcinoma", "dysplasia", "granuloma", "necrosis", "acute inflammation"),
    "liver": ("steatosis", "fibrosis", "necrosis", "granuloma"),
    "esophagus": ("dysplasia", "necrosis", "keratin pearl", "mitosis", "granuloma", "adenocarcinoma"),
}
ASKED = {
    "adenocarcinoma": ("Is there adenocarcinoma?", "Does this section show an adenocarcinoma?"),
    "squamous cell carcinoma": ("Is there squamous cell carcinoma?",),
    "malignant": ("Is there malignancy?", "Is this tissue malignant?"),
    "dysplasia": ("Is there dysplasia?",),
    "necrosis": ("Is there necrosis?", "Is necrosis present?"),
    "granuloma": ("Are there granulomas?",),
    "mitosis": ("Are mitoses present?", "Are there mitotic figures?"),
    "acute inflammation": ("Is there acute inflammation?", "Are there neutrophils in the mucosa?"),
    "chronic inflammation": ("Is there chronic inflammation?",),
    "crypt abscess": ("Are there crypt abscesses?",),
    "crypt distortion": ("Is the crypt architecture distorted?",),
    "steatosis": ("Is there steatosis?", "Is there fatty change of the liver?"),
    "fibrosis": ("Is there fibrosis?",),
    "cirrhosis": ("Is there cirrhosis?",),
    "keratin pearl": ("Are there keratin pearls?",),
    "normal": ("Is this tissue normal?", "Is this a normal section?"),
}
SHOWN_BY: Mapping[str, str] = {
    **{name: name for name in COUNTS},
    "normal": "normal colonic mucosa",
    "necrosis": "adenocarcinoma",
    "mitosis": "adenocarcinoma",
    "cribriform gland": "adenocarcinoma",
    "acute inflammation": "active colitis",
    "crypt abscess": "active colitis",
    "chronic inflammation": "chronic colitis",
    "crypt distortion": "chronic colitis",
    "fibrosis": "cirrhosis",
    "keratin pearl": "squamous cell carcinoma",
}


def cases() -> tuple[DrawnCase, ...]:
    """Every histology case of the corpus; nothing is drawn until a case's `draw` is called."""
    return tuple(_case(visit) for visit in visits("hist", COUNTS, FOLLOWED))


def example(finding: str | None, seed: int) -> DrawnCase:
    """A new case with a finding (none: normal colon) that is not in the corpus; raises `UnknownNameError`."""
    condition = condition_for(finding, SHOWN_BY, "normal colonic mucosa")
    for attempt in range(40):  # necrosis and the like are not in every tumour
        name = f"hist-example-{(finding or 'normal').replace(' ', '-')}-{seed}-{attempt}"
        stage = float(rng_for("example", name).uniform(0.35, 0.9))
        made = _case(Visit(name, name, condition, name, stage))
        if finding is None or finding in made.labels:
            break
    return made


def _section(visit: Visit, stage: float) -> Section:
    rng = rng_for("plan", visit.seed)
    parts = {part for start, part in _PARTS.get(visit.condition, ()) if stage >= start}
    roll = rng.random()
    if visit.condition == "adenocarcinoma":
        if stage < 0.75 and roll < 0.35:
            parts.add("cribriform glands")
        elif stage < 0.75 and roll < 0.65:
            parts.add("dirty necrosis")
        if rng.random() < 0.3:
            parts.add("necrosis")
    if visit.condition == "squamous cell carcinoma":
        parts |= {"keratin pearls"} if stage < 0.72 else set()
        parts |= {"necrosis"} if roll < 0.25 else set()
    grade = 0.0 if visit.condition in _NORMAL else stage
    return Section(_TISSUE[visit.condition][0], visit.seed, grade, frozenset(parts))


def _case(visit: Visit) -> DrawnCase:
    rng = rng_for("report", visit.id)
    section, organ = _section(visit, visit.stage), _TISSUE[visit.condition][1]
    reading, diagnosis = _read(visit.condition, section, organ, rng)
    comparison = ""
    if visit.earlier is not None:
        change = changes(_measures(_section(visit, visit.earlier)), _measures(section), rng)
        comparison = f"Biopsy of {visit.day - visit.earlier_day} days earlier."
        reading.conclusions.append(sentence(f"Compared with the earlier biopsy, {change}"))
        reading.attributes["change"] = change
    reading.attributes |= {"organ": organ, "grade": round(section.grade, 2), "diagnosis": diagnosis}
    opened = [
        ("What is the most likely diagnosis?", diagnosis),
        ("Which organ is this?", organ),
        ("What modality is this?", MODALITY),
    ]
    if visit.condition == "adenocarcinoma":
        opened.insert(1, ("How well differentiated is the tumour?", _differentiation(section.grade)))
    ask(reading, rng, ASKED, opened)
    place = "" if organ in diagnosis else f", {organ}"
    signs = [DENIED[label] for label in reading.labels if label in DENIED and label not in diagnosis][:2]
    return chart(
        visit,
        reading,
        partial(draw_section, section),
        domain="pathology",
        modality=MODALITY,
        title=f"{diagnosis[:1].upper()}{diagnosis[1:]}{place}",
        caption=sentence(f"{organ} biopsy, H&E: {diagnosis}{f' with {listed(signs)}' if signs else ''}"),
        sections={
            "Specimen": f"Biopsy of the {organ}, haematoxylin and eosin, 20x.",
            "Comparison": comparison,
            "Microscopy": " ".join(reading.sentences),
            "Diagnosis": " ".join(reading.conclusions),
        },
    )


def _measures(section: Section) -> dict[str, float]:
    names = {
        "acute inflammation": "acute inflammation", "chronic inflammation": "chronic inflammation",
        "steatosis": "steatosis", "fibrosis": "fibrosis", "crypt distortion": "crypt distortion",
    }  # fmt: skip
    return {names[part]: 0.2 + section.grade for part in sorted(section.parts) if part in names}


def _differentiation(grade: float) -> str:
    return (
        "well differentiated"
        if grade < 0.34
        else "moderately differentiated"
        if grade < 0.68
        else "poorly differentiated"
    )


def _degree(grade: float) -> str:
    return "mild" if grade < 0.34 else "moderate" if grade < 0.68 else "severe"


def _read(condition: str, section: Section, organ: str, rng: np.random.Generator) -> tuple[Reading, str]:
    """Dictate the section; the diagnosis in words comes with it."""
    reading = Reading()
    if condition in _NORMAL:
        diagnosis = _normal(condition, reading, rng)
    elif condition == "adenocarcinoma":
        diagnosis = _adenocarcinoma(section, reading, rng)
    elif condition == "squamous cell carcinoma":
        diagnosis = _squamous(section, reading, rng)
    elif organ == "colon":
        diagnosis = _colitis(condition, section, reading, rng)
    else:
        diagnosis = _liver(section, reading, rng)
    if "necrosis" in section.parts:
        reading.present("necrosis", "a wide area of eosinophilic necrosis with ghost cells and nuclear dust")
    deny(reading, rng, {label: DENIED[label] for label in _relevant(organ, reading)}, count=int(rng.integers(2, 5)))
    return reading, diagnosis


def _relevant(organ: str, reading: Reading) -> tuple[str, ...]:
    """What may be denied: not dysplasia where there is cancer, nor malignancy's opposite twice."""
    cancer = "malignant" in reading.labels
    return tuple(label for label in _RELEVANT[organ] if not (cancer and label in ("dysplasia", "acute inflammation")))


def _normal(condition: str, reading: Reading, rng: np.random.Generator) -> str:
    text = {
        "normal colonic mucosa": (
            "regular, evenly spaced crypts with many goblet cells and basal nuclei; "
            "a few lymphocytes and plasma cells in the lamina propria"
        ),
        "normal liver": (
            "liver cells in regular plates around a central vein, with central round nuclei and open sinusoids"
        ),
        "normal squamous mucosa": (
            "stratified squamous epithelium with a dark basal layer and cells that flatten towards the surface"
        ),
    }[condition]
    reading.remark(text)
    reading.labels += ["normal", condition]
    reading.conclusions.append(sentence(pick(rng, condition, f"{condition} without pathological findings")))
    return condition


def _adenocarcinoma(section: Section, reading: Reading, rng: np.random.Generator) -> str:
    grade = _differentiation(section.grade)
    shape = {
        "well differentiated": "crowded glands of irregular shape with elongated, stratified nuclei",
        "moderately differentiated": "crowded, partly fused glands with enlarged hyperchromatic nuclei",
        "poorly differentiated": "sheets of atypical cells with few residual lumens and marked nuclear pleomorphism",
    }[grade]
    reading.present(
        "adenocarcinoma", f"{shape} in a desmoplastic stroma", f"{pick(rng, 'invasive ', '')}adenocarcinoma, {grade}"
    )
    reading.labels += ["malignant", "nuclear atypia"]
    if "cribriform glands" in section.parts:
        reading.present("cribriform gland", "cribriform glands with several punched-out lumens")
    if "dirty necrosis" in section.parts:
        reading.present("necrosis", "necrotic debris in the gland lumens (dirty necrosis)")
    if "mitoses" in section.parts:
        reading.present("mitosis", pick(rng, "several mitoses", "mitotic figures are readily found"))
    return f"{grade} adenocarcinoma"


def _squamous(section: Section, reading: Reading, rng: np.random.Generator) -> str:
    keratin = "keratin pearls" in section.parts
    kind = "keratinizing" if keratin else "non-keratinizing"
    reading.present(
        "squamous cell carcinoma",
        "irregular nests of atypical squamous cells that invade a fibrous, inflamed stroma",
        f"invasive squamous cell carcinoma, {kind}",
    )
    reading.labels += ["malignant", "nuclear atypia"]
    if keratin:
        reading.present(
            "keratin pearl", pick(rng, "concentric keratin pearls", "keratin pearls in the centre of the nests")
        )
    if "mitoses" in section.parts:
        reading.present("mitosis", "mitoses are frequent")
    return "squamous cell carcinoma"


def _colitis(condition: str, section: Section, reading: Reading, rng: np.random.Generator) -> str:
    degree = _degree(section.grade)
    if "chronic inflammation" in section.parts:
        reading.present("chronic inflammation", "the lamina propria is expanded by lymphocytes and plasma cells")
    if "acute inflammation" in section.parts:
        reading.present(
            "acute inflammation", "neutrophils in the lamina propria and within crypt epithelium (cryptitis)"
        )
    if "crypt abscess" in section.parts:
        reading.present(
            "crypt abscess", pick(rng, "crypt abscesses", "neutrophils fill several crypt lumens as crypt abscesses")
        )
    if "crypt distortion" in section.parts:
        reading.present("crypt distortion", "crypts are distorted, of uneven size and partly lost")
    name = f"{degree} {condition}"
    reading.labels += ["colitis", condition]
    reading.conclusions.append(sentence(pick(rng, name, f"colonic mucosa with {name}")))
    return name


def _liver(section: Section, reading: Reading, rng: np.random.Generator) -> str:
    parts, degree = section.parts, _degree(section.grade)
    names: list[str] = []
    if "steatosis" in parts:
        share = round(5 + 80 * section.grade, -1)
        reading.present(
            "steatosis", f"large clear fat vacuoles in about {share:.0f} % of liver cells push the nuclei aside"
        )
        names.append(f"{degree} macrovesicular steatosis")
        reading.attributes["steatosis_percent"] = share
    if "fibrosis" in parts:
        nodular = section.grade > 0.35
        reading.present(
            "fibrosis", f"{'broad' if nodular else 'thin'} fibrous septa with lymphocytes divide the liver into nodules"
        )
        if nodular:
            reading.labels.append("cirrhosis")
        names.append("cirrhosis" if nodular else "bridging fibrosis")
    name = " with ".join(names)
    reading.conclusions.append(sentence(name))
    return name
