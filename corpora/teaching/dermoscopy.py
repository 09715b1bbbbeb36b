"""Drawn dermoscopy: the cases of the teaching corpus, and new ones on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from corpora.teaching.case import DrawnCase, rng_for
from corpora.teaching.chart import Visit, ask, changes, chart, condition_for, deny, visits
from corpora.teaching.dictation import Reading, listed, pick, sentence
from corpora.teaching.skin_lesions import Growing, draw_lesion

__all__ = ["cases", "example"]

MODALITY = "dermoscopy"
COUNTS: Mapping[str, int] = {
    "melanocytic nevus": 10,
    "atypical nevus": 3,
    "blue nevus": 2,
    "melanoma": 9,
    "seborrheic keratosis": 6,
    "basal cell carcinoma": 6,
    "dermatofibroma": 4,
    "hemangioma": 3,
    "angiokeratoma": 2,
    "actinic keratosis": 4,
    "squamous cell carcinoma in situ": 3,
}
FOLLOWED = {
    "melanocytic nevus": (0.3, 0.3),
    "atypical nevus": (0.2, 0.7),
    "melanoma": (0.15, 0.9),
    "basal cell carcinoma": (0.2, 0.85),
    "seborrheic keratosis": (0.2, 0.6),
    "actinic keratosis": (0.9, 0.25),
    "hemangioma": (0.4, 0.4),
}
# For each condition: structures that are always there, and those that come as the stage rises.
_ALWAYS: Mapping[str, tuple[str, ...]] = {
    "atypical nevus": ("atypical network",),
    "melanoma": ("atypical network",),
    "dermatofibroma": ("central white patch", "pigment network"),
    "hemangioma": ("red lacunae",),
    "angiokeratoma": ("dark lacunae", "whitish veil"),
    "actinic keratosis": ("strawberry pattern",),
    "squamous cell carcinoma in situ": ("glomerular vessels", "scale"),
    "basal cell carcinoma": ("arborizing vessels",),
    "blue nevus": ("homogeneous blue pigmentation",),
}
_LATER: Mapping[str, tuple[tuple[float, str], ...]] = {
    "melanoma": (
        (0.10, "irregular blotches"),
        (0.25, "irregular dots and globules"),
        (0.40, "blue-white veil"),
        (0.55, "streaks"),
        (0.70, "regression structures"),
    ),
    "basal cell carcinoma": ((0.25, "blue-gray ovoid nests"), (0.50, "ulceration"), (0.75, "leaf-like areas")),
    "actinic keratosis": ((0.35, "scale"),),
}
_NEVUS_PATTERNS = (
    ("pigment network",),
    ("pigment network", "globules"),
    ("cobblestone pattern",),
    ("homogeneous pattern",),
    ("pigment network", "peripheral globules"),
)
_KERATOSIS_PATTERNS = (
    ("milia-like cysts", "comedo-like openings"),
    ("milia-like cysts", "fissures and ridges"),
    ("fingerprint-like structures", "moth-eaten border"),
    ("milia-like cysts", "comedo-like openings", "moth-eaten border"),
)
_KINDS = {"atypical nevus": "melanocytic nevus"}
_SENTENCES: Mapping[str, tuple[str, ...]] = {
    "pigment network": ("regular pigment network that fades at the border", "typical, evenly meshed pigment network"),
    "globules": ("round brown globules of even size", "regular globules in the centre"),
    "cobblestone pattern": ("closely set globules in a cobblestone pattern",),
    "homogeneous pattern": ("even brown pigmentation without structures",),
    "peripheral globules": ("a rim of brown globules at the border",),
    "atypical network": (
        "atypical pigment network with uneven meshes and thickened lines",
        "irregular, broadened pigment network",
    ),
    "irregular blotches": ("irregular dark blotches off the centre",),
    "irregular dots and globules": ("dots and globules of varied size, unevenly distributed",),
    "blue-white veil": ("a confluent blue-white veil", "structureless blue-white veil over part of the lesion"),
    "streaks": ("streaks and pseudopods along one part of the border", "radial streaks at one edge"),
    "regression structures": ("scar-like white areas with blue-grey peppering, signs of regression",),
    "milia-like cysts": ("several milia-like cysts", "multiple bright milia-like cysts"),
    "comedo-like openings": ("brown to black comedo-like openings",),
    "fissures and ridges": ("fissures and ridges that give a brain-like surface",),
    "fingerprint-like structures": ("fine parallel fingerprint-like lines",),
    "moth-eaten border": ("a moth-eaten border",),
    "arborizing vessels": ("sharply focused arborizing vessels", "bright red arborizing telangiectasia"),
    "blue-gray ovoid nests": ("blue-gray ovoid nests",),
    "ulceration": ("an ulceration with crust and blood",),
    "leaf-like areas": ("brown leaf-like areas at the edge",),
    "central white patch": ("a central white scar-like patch",),
    "red lacunae": ("closely set red lacunae",),
    "dark lacunae": ("dark red to maroon lacunae",),
    "whitish veil": ("a whitish veil over part of the lacunae",),
    "strawberry pattern": ("red pseudonetwork around pale follicles, a strawberry pattern",),
    "scale": ("white to yellow surface scale",),
    "glomerular vessels": ("clustered glomerular vessels",),
    "homogeneous blue pigmentation": ("homogeneous steel-blue pigmentation without further structures",),
}
DENIED = {
    "blue-white veil": "blue-white veil",
    "streaks": "streaks",
    "regression structures": "regression structures",
    "atypical network": "atypical network",
    "ulceration": "ulceration",
    "arborizing vessels": "arborizing vessels",
    "milia-like cysts": "milia-like cysts",
    "irregular blotches": "irregular blotches",
    "red lacunae": "red lacunae",
    "pigment network": "pigment network",
}
ASKED = {
    "asymmetry": ("Is the lesion asymmetric?", "Is there asymmetry?"),
    "blue-white veil": ("Is there a blue-white veil?", "Is a blue-white veil present?"),
    "streaks": ("Are there streaks or pseudopods?", "Are streaks visible at the border?"),
    "regression structures": ("Are there signs of regression?", "Are regression structures present?"),
    "atypical network": ("Is the pigment network atypical?", "Is there an atypical network?"),
    "pigment network": ("Is there a pigment network?",),
    "ulceration": ("Is there ulceration?", "Is the lesion ulcerated?"),
    "arborizing vessels": ("Are there arborizing vessels?", "Do you see arborizing vessels?"),
    "milia-like cysts": ("Are there milia-like cysts?", "Are milia-like cysts present?"),
    "comedo-like openings": ("Are there comedo-like openings?",),
    "irregular blotches": ("Are there irregular blotches?",),
    "blue-gray ovoid nests": ("Are there blue-gray ovoid nests?",),
    "red lacunae": ("Are there red lacunae?", "Does the lesion show red lacunae?"),
    "central white patch": ("Is there a central white patch?",),
    "strawberry pattern": ("Is there a strawberry pattern?",),
    "glomerular vessels": ("Are there glomerular vessels?",),
    "scale": ("Is there scale on the surface?",),
    "globules": ("Are there globules?",),
    "melanoma": ("Does this look like melanoma?", "Is this suspicious for melanoma?"),
    "melanocytic nevus": ("Is this a melanocytic nevus?",),
    "basal cell carcinoma": ("Does this look like a basal cell carcinoma?",),
    "seborrheic keratosis": ("Is this a seborrheic keratosis?",),
    "dermatofibroma": ("Is this a dermatofibroma?",),
    "actinic keratosis": ("Is this an actinic keratosis?",),
    "hemangioma": ("Is this a hemangioma?",),
    "vascular lesion": ("Is this a vascular lesion?",),
    "blue nevus": ("Is this a blue nevus?",),
    "squamous cell carcinoma in situ": ("Does this suggest squamous cell carcinoma in situ?",),
}
_SITES = ("back", "chest", "abdomen", "upper arm", "forearm", "thigh", "lower leg", "shoulder")
_SUN_SITES = ("cheek", "forehead", "temple", "nose", "scalp", "back of the hand")
SHOWN_BY: Mapping[str, str] = {
    **{name: name for name in COUNTS},
    "pigment network": "melanocytic nevus",
    "atypical network": "melanoma",
    "blue-white veil": "melanoma",
    "streaks": "melanoma",
    "regression structures": "melanoma",
    "milia-like cysts": "seborrheic keratosis",
    "comedo-like openings": "seborrheic keratosis",
    "arborizing vessels": "basal cell carcinoma",
    "blue-gray ovoid nests": "basal cell carcinoma",
    "ulceration": "basal cell carcinoma",
    "central white patch": "dermatofibroma",
    "red lacunae": "hemangioma",
    "vascular lesion": "hemangioma",
    "strawberry pattern": "actinic keratosis",
    "glomerular vessels": "squamous cell carcinoma in situ",
}


@dataclass(frozen=True, slots=True)
class _Plan:
    lesion: Growing
    site: str

    @property
    def millimetres(self) -> float:
        """The lesion's diameter."""
        return round(2 * self.lesion.size / 33, 1)


def cases() -> tuple[DrawnCase, ...]:
    """Every dermoscopy case of the corpus; nothing is drawn until a case's `draw` is called."""
    return tuple(_case(visit) for visit in visits("derm", COUNTS, FOLLOWED))


def example(finding: str | None, seed: int) -> DrawnCase:
    """A new case with a finding (none: a plain nevus) that is not in the corpus; raises `UnknownNameError`."""
    condition = condition_for(finding, SHOWN_BY, "melanocytic nevus")
    for attempt in range(40):  # some structures are not in every picture of their disease
        name = f"derm-example-{(finding or 'normal').replace(' ', '-')}-{seed}-{attempt}"
        stage = float(rng_for("example", name).uniform(0.45, 0.95))
        made = _case(Visit(name, name, condition, name, stage))
        if finding is None or finding in made.labels:
            break
    return made


def _plan(visit: Visit, stage: float) -> _Plan:
    rng = rng_for("plan", visit.seed)
    condition = visit.condition
    parts = set(_ALWAYS.get(condition, ()))
    parts |= {part for start, part in _LATER.get(condition, ()) if stage > start + rng.uniform(-0.08, 0.08)}
    if condition == "melanocytic nevus":
        parts |= set(_NEVUS_PATTERNS[int(stage * 10) % len(_NEVUS_PATTERNS)])
    if condition == "seborrheic keratosis":
        parts |= set(_KERATOSIS_PATTERNS[int(rng.integers(len(_KERATOSIS_PATTERNS)))])
    size = rng.uniform(62, 112) + 30 * stage
    if condition in ("hemangioma", "angiokeratoma", "dermatofibroma", "blue nevus"):
        size *= 0.82
    sunny = condition in ("actinic keratosis", "basal cell carcinoma", "squamous cell carcinoma in situ")
    sites = _SUN_SITES if sunny else _SITES
    lesion = Growing(
        _KINDS.get(condition, condition),
        visit.seed,
        size=float(size),
        parts=frozenset(parts),
        shade=float(rng.uniform(0.75, 1.25)),
        corners=float(rng.choice([0.0, 0.0, 0.5, 0.95])),
        hairs=int(rng.choice([0, 0, 1, 2, 4, 7])),
        bubbles=int(rng.choice([0, 0, 0, 2, 4])),
    )
    return _Plan(lesion, sites[int(rng.integers(len(sites)))])


def _case(visit: Visit) -> DrawnCase:
    rng = rng_for("report", visit.id)
    plan = _plan(visit, visit.stage)
    reading, diagnosis = _read(visit.condition, plan, rng)
    comparison = "None."
    if visit.earlier is not None:
        before = _plan(visit, visit.earlier)
        change = changes(_measures(before), _measures(plan), rng)
        comparison = f"Dermoscopy of {visit.day - visit.earlier_day} days earlier."
        reading.conclusions.append(sentence(f"Compared with the earlier picture, {change}"))
        reading.attributes["change"] = change
    reading.attributes |= {"site": plan.site, "diameter_mm": plan.millimetres, "diagnosis": diagnosis}
    colours = _colours(visit.condition, plan)
    reading.attributes["colours"] = list(colours)
    opened = [
        ("What is the most likely diagnosis?", diagnosis),
        ("What modality is this?", MODALITY),
        ("Which colours does the lesion have?", listed(colours)),
    ]
    if visit.condition == "melanoma":
        opened.append(("Should this lesion be excised?", "yes, it is suspicious for melanoma"))
    ask(reading, rng, ASKED, opened)
    return chart(
        visit,
        reading,
        partial(draw_lesion, plan.lesion),
        domain="dermatology",
        modality=MODALITY,
        title=f"{diagnosis[:1].upper()}{diagnosis[1:]}, {plan.site}",
        caption=_caption(plan, diagnosis, reading),
        sections={
            "Examination": f"Contact dermoscopy of a lesion of the {plan.site}, {plan.millimetres} mm across.",
            "Comparison": comparison,
            "Dermoscopy": " ".join(reading.sentences),
            "Assessment": " ".join(reading.conclusions),
        },
    )


def _caption(plan: _Plan, diagnosis: str, reading: Reading) -> str:
    signs = [label for label in reading.labels if label in _SENTENCES][:3]
    return sentence(f"Dermoscopy of a {diagnosis} of the {plan.site}{f' with {listed(signs)}' if signs else ''}")


def _measures(plan: _Plan) -> dict[str, float]:
    return {
        **{
            f"the {part}" if part.endswith(("veil", "scale", "ulceration")) else part: 1.0
            for part in sorted(plan.lesion.parts)
        },
        "its diameter": plan.millimetres,
    }


def _colours(condition: str, plan: _Plan) -> tuple[str, ...]:
    """The colours that were painted, as dermoscopy counts them."""
    parts = plan.lesion.parts
    if condition == "melanoma":
        found = ["light brown", "dark brown", "black"]
        found += ["blue-grey"] if parts & {"blue-white veil", "regression structures"} else []
        return (*found, *(["white"] if "regression structures" in parts else []))
    if condition == "basal cell carcinoma":
        return ("pink", "red", *(["blue-grey"] if "blue-gray ovoid nests" in parts else []))
    table = {
        "melanocytic nevus": ("light brown", "dark brown"),
        "atypical nevus": ("light brown", "dark brown"),
        "blue nevus": ("blue-grey",),
        "seborrheic keratosis": ("light brown", "dark brown"),
        "dermatofibroma": ("white", "light brown"),
        "hemangioma": ("red",),
        "angiokeratoma": ("red", "maroon", "white"),
    }
    return table.get(condition, ("pink", "red"))


def _read(condition: str, plan: _Plan, rng: np.random.Generator) -> tuple[Reading, str]:
    """Dictate the picture; the diagnosis in words comes with it."""
    reading = Reading()
    if condition == "melanoma":
        reading.present("asymmetry", "lesion asymmetric in outline and structure, with several colours")
        reading.labels.append("multiple colors")
    elif condition == "atypical nevus":
        reading.present("asymmetry", "mildly asymmetric lesion in shades of brown")
    else:
        reading.missing(
            ["asymmetry"], pick(rng, "the lesion shows no asymmetry", "symmetric lesion without asymmetry of structure")
        )
    if condition == "seborrheic keratosis":
        reading.present("sharp border", "the border is sharply demarcated")
    if condition == "basal cell carcinoma":
        reading.remark("translucent pink background")
    for part in _SENTENCES:
        if part in plan.lesion.parts:
            reading.present(part, pick(rng, *_SENTENCES[part]))
    diagnosis = _conclude(condition, reading, rng)
    # A typical network and an atypical one exclude each other by name, but not in a reader's mind.
    hidden = {"pigment network"} if "atypical network" in reading.labels else set()
    hidden |= {"red lacunae"} if "dark lacunae" in reading.labels else set()
    deny(reading, rng, {k: v for k, v in DENIED.items() if k not in hidden}, count=int(rng.integers(3, 5)))
    _instrument(plan, reading, rng)
    return reading, diagnosis


def _instrument(plan: _Plan, reading: Reading, rng: np.random.Generator) -> None:
    if plan.lesion.hairs > 3:
        reading.remark("Several hairs cross the field")
    if plan.lesion.bubbles:
        reading.remark("A few gas bubbles in the contact gel")


def _conclude(condition: str, reading: Reading, rng: np.random.Generator) -> str:
    advice = {
        "melanocytic nevus": "benign, no excision needed",
        "atypical nevus": "control in three months",
        "blue nevus": "benign if unchanged for years",
        "melanoma": "suspicious for malignancy, excision advised",
        "seborrheic keratosis": "benign",
        "basal cell carcinoma": "biopsy or excision advised",
        "dermatofibroma": "benign",
        "hemangioma": "benign vascular lesion",
        "angiokeratoma": "benign vascular lesion",
        "actinic keratosis": "precancerous, treatment of the field advised",
        "squamous cell carcinoma in situ": "Bowen disease, biopsy advised",
    }[condition]
    reading.labels.append(condition)
    broader = {
        "melanoma": "malignant", "basal cell carcinoma": "malignant", "hemangioma": "vascular lesion",
        "angiokeratoma": "vascular lesion", "atypical nevus": "melanocytic nevus", "blue nevus": "melanocytic nevus",
    }.get(condition)  # fmt: skip
    if broader:
        reading.labels.append(broader)
    reading.conclusions.append(
        sentence(pick(rng, f"{condition}; {advice}", f"consistent with {condition}. {advice[:1].upper()}{advice[1:]}"))
    )
    return condition
