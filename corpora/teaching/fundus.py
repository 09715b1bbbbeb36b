"""Drawn fundus photographs: the cases of the teaching corpus, and new ones on demand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from corpora.teaching.case import DrawnCase, rng_for
from corpora.teaching.chart import Visit, ask, changes, chart, condition_for, deny, visits
from corpora.teaching.dictation import Reading, listed, pick, sentence
from corpora.teaching.retina_diseases import EyePlan, draw_plan, plan_for

__all__ = ["cases", "example"]

MODALITY = "fundus photograph"
COUNTS: Mapping[str, int] = {
    "normal fundus": 9,
    "mild nonproliferative diabetic retinopathy": 3,
    "moderate nonproliferative diabetic retinopathy": 4,
    "severe nonproliferative diabetic retinopathy": 3,
    "proliferative diabetic retinopathy": 4,
    "treated diabetic retinopathy": 1,
    "drusen": 4,
    "geographic atrophy": 3,
    "choroidal neovascularization": 2,
    "glaucoma": 5,
    "papilledema": 3,
    "branch retinal vein occlusion": 4,
    "central retinal vein occlusion": 2,
    "hypertensive retinopathy": 3,
    "pathological myopia": 3,
    "cataract": 3,
    "myelinated nerve fibers": 1,
}
FOLLOWED = {
    "moderate nonproliferative diabetic retinopathy": (0.25, 0.95),
    "proliferative diabetic retinopathy": (0.2, 0.9),
    "drusen": (0.2, 0.8),
    "geographic atrophy": (0.15, 0.85),
    "glaucoma": (0.1, 0.7),
    "papilledema": (0.95, 0.1),
    "branch retinal vein occlusion": (0.95, 0.15),
    "normal fundus": (0.5, 0.5),
}
SHOWN_BY: Mapping[str, str] = {
    **{name: name for name in COUNTS},
    "microaneurysm": "mild nonproliferative diabetic retinopathy",
    "retinal hemorrhage": "severe nonproliferative diabetic retinopathy",
    "diabetic retinopathy": "moderate nonproliferative diabetic retinopathy",
    "hard exudate": "moderate nonproliferative diabetic retinopathy",
    "cotton wool spot": "severe nonproliferative diabetic retinopathy",
    "neovascularization": "proliferative diabetic retinopathy",
    "laser scar": "treated diabetic retinopathy",
    "macular degeneration": "drusen",
    "flame hemorrhage": "branch retinal vein occlusion",
    "enlarged cup": "glaucoma",
    "arteriovenous nicking": "hypertensive retinopathy",
    "peripapillary atrophy": "pathological myopia",
    "tessellated fundus": "pathological myopia",
    "media opacity": "cataract",
}
# Each label as it reads after "no".
DENIED = {
    "retinal hemorrhage": "retinal hemorrhages",
    "hard exudate": "hard exudates",
    "cotton wool spot": "cotton wool spots",
    "neovascularization": "new vessels",
    "drusen": "drusen",
    "papilledema": "papilledema",
    "microaneurysm": "microaneurysms",
    "enlarged cup": "enlarged cup",
    "macular edema": "macular edema",
}
ASKED = {
    "retinal hemorrhage": ("Are there retinal hemorrhages?", "Is there bleeding in the retina?"),
    "hard exudate": ("Are hard exudates present?", "Are there hard exudates?"),
    "cotton wool spot": ("Are there cotton wool spots?", "Does this photograph show cotton wool spots?"),
    "neovascularization": ("Is there neovascularization?", "Are there new vessels?"),
    "drusen": ("Are drusen present?", "Are there drusen in the macula?"),
    "papilledema": ("Is there papilledema?", "Is the optic disc swollen?"),
    "microaneurysm": ("Are there microaneurysms?",),
    "enlarged cup": ("Is the cup enlarged?", "Is the cup-to-disc ratio increased?"),
    "macular edema": ("Is there macular edema?",),
    "diabetic retinopathy": ("Is there diabetic retinopathy?", "Are there signs of diabetic retinopathy?"),
    "glaucoma": ("Does this disc look glaucomatous?", "Is there glaucoma?"),
    "macular degeneration": ("Are there signs of macular degeneration?",),
    "geographic atrophy": ("Is there geographic atrophy?",),
    "choroidal neovascularization": ("Is there choroidal neovascularization?",),
    "branch retinal vein occlusion": ("Is there a branch retinal vein occlusion?",),
    "central retinal vein occlusion": ("Is there a central retinal vein occlusion?",),
    "hypertensive retinopathy": ("Are there signs of hypertensive retinopathy?",),
    "pathological myopia": ("Are there signs of pathological myopia?",),
    "cataract": ("Does the media opacity suggest a cataract?", "Is there a cataract?"),
    "laser scar": ("Are there laser scars?",),
    "myelinated nerve fibers": ("Are there myelinated nerve fibers?",),
    "media opacity": ("Are the media hazy?", "Is there a media opacity?"),
    "peripapillary atrophy": ("Is there peripapillary atrophy?",),
    "normal fundus": ("Is this fundus normal?", "Is this a normal retina?"),
}


def cases() -> tuple[DrawnCase, ...]:
    """Every fundus case of the corpus; nothing is drawn until a case's `draw` is called."""
    return tuple(_case(visit) for visit in visits("fundus", COUNTS, FOLLOWED))


def example(finding: str | None, seed: int) -> DrawnCase:
    """A new case with a finding (none: normal) that is not in the corpus; raises `UnknownNameError`."""
    name = f"fundus-example-{(finding or 'normal').replace(' ', '-')}-{seed}"
    stage = float(rng_for("example", name).uniform(0.35, 0.9))
    return _case(Visit(name, name, condition_for(finding, SHOWN_BY, "normal fundus"), name, stage))


def _case(visit: Visit) -> DrawnCase:
    rng = rng_for("report", visit.id)
    plan = plan_for(visit.condition, visit.seed, visit.stage)
    side = plan.eye.side
    reading, diagnosis = _read(visit.condition, plan, rng)
    comparison = "None."
    if visit.earlier is not None:
        before = plan_for(visit.condition, visit.seed, visit.earlier)
        change = changes(_measures(before), _measures(plan), rng)
        comparison = f"Photograph of {visit.day - visit.earlier_day} days earlier."
        reading.conclusions.append(sentence(f"Compared with the earlier photograph, {change}"))
        reading.attributes["change"] = change
    reading.attributes |= {"side": side, "diagnosis": diagnosis, "cup_disc_ratio": plan.eye.cup}
    opened = [
        ("Which eye is this?", f"the {side} eye"),
        ("What is the most likely diagnosis?", diagnosis),
        ("What modality is this?", MODALITY),
    ]
    if plan.quadrant and visit.condition in ("branch retinal vein occlusion", "myelinated nerve fibers"):
        opened.insert(1, ("Which quadrant is affected?", f"the {plan.quadrant} quadrant"))
    if visit.condition == "glaucoma":
        opened.insert(1, ("What is the vertical cup-to-disc ratio?", f"about {plan.eye.cup:.1f}"))
    ask(reading, rng, ASKED, opened)
    return chart(
        visit,
        reading,
        partial(draw_plan, plan),
        domain="ophthalmology",
        modality=MODALITY,
        title=f"{diagnosis[:1].upper()}{diagnosis[1:]}, {side} eye",
        caption=_caption(plan, diagnosis, reading, rng),
        sections={
            "Examination": f"Colour fundus photograph, {side} eye ({'OD' if side == 'right' else 'OS'}), 45 degrees.",
            "Comparison": comparison,
            "Findings": " ".join(reading.sentences),
            "Impression": " ".join(reading.conclusions),
        },
        view="OD" if side == "right" else "OS",
    )


def _caption(plan: EyePlan, diagnosis: str, reading: Reading, rng: np.random.Generator) -> str:
    signs = [label for label in dict.fromkeys(reading.labels) if label in DENIED and label != diagnosis]
    shown = f" with {listed([DENIED[label] for label in signs[:3]])}" if signs else ""
    start = pick(rng, "Fundus photograph of the", "Colour photograph of the")
    return sentence(f"{start} {plan.eye.side} eye: {diagnosis}{shown}")


def _measures(plan: EyePlan) -> dict[str, float]:
    """What a comparison looks at, by its name in the sentence."""
    eye = plan.eye
    large = {
        lesion.kind: lesion.count * lesion.size
        for lesion in plan.lesions
        if lesion.kind in ("drusen", "geographic atrophy")
    }
    return {
        "microaneurysms": plan.count("microaneurysm"),
        "retinal hemorrhages": sum(plan.count(f"{kind} hemorrhage") for kind in ("dot", "blot", "flame")),
        "hard exudates": plan.count("hard exudates"),
        "cotton wool spots": plan.count("cotton wool spot"),
        "new vessels": plan.count("neovascularization of the disc") + plan.count("neovascularization elsewhere"),
        "preretinal hemorrhage": plan.count("preretinal hemorrhage"),
        "drusen": large.get("drusen", 0.0),
        "the area of atrophy": large.get("geographic atrophy", 0.0),
        "cupping": eye.cup if eye.cup > 0.5 else 0.0,
        "the nerve fiber layer defect": plan.count("nerve fiber layer defect"),
        "disc swelling": eye.swelling,
    }


def _read(condition: str, plan: EyePlan, rng: np.random.Generator) -> tuple[Reading, str]:
    """Dictate the photograph; the diagnosis in words comes with it."""
    reading = Reading()
    if plan.eye.haze:
        degree = "marked" if plan.eye.haze > 0.65 else "mild"
        reading.present("media opacity", f"{degree} haze of the media; disc and vessels are seen as through a veil")
    _disc(plan, reading, rng)
    _vessels(plan, reading, rng)
    _macula(plan, reading, rng)
    _red_lesions(plan, reading, rng)
    _pale_lesions(plan, reading, rng)
    diagnosis = _conclude(condition, plan, reading, rng)
    # What haze hides cannot be denied, nor can what the diagnosis itself implies.
    doubtful = {"papilledema"} if plan.eye.swelling or plan.eye.haze > 0.6 else set()
    doubtful |= {"microaneurysm", "drusen", "macular edema"} if plan.eye.haze > 0.6 else set()
    doubtful |= {"neovascularization", "macular edema"} if plan.count("choroidal neovascular membrane") else set()
    doubtful |= {"macular edema"} if plan.eye.congested or plan.count("hard exudates") else set()
    denied = {label: words for label, words in DENIED.items() if label not in doubtful}
    deny(reading, rng, denied, count=int(rng.integers(3, 5)))
    return reading, diagnosis


def _disc(plan: EyePlan, reading: Reading, rng: np.random.Generator) -> None:
    eye = plan.eye
    if eye.swelling:
        degree = "markedly" if eye.swelling > 0.7 else "slightly"
        label = "papilledema" if not eye.congested else "optic disc edema"
        reading.present(
            label, f"the optic disc is {degree} swollen and hyperemic with blurred margins; the cup is lost"
        )
    elif eye.cup > 0.55:
        reading.present(
            "enlarged cup", f"enlarged cup with a vertical cup-to-disc ratio of {eye.cup:.2f} and a thin rim"
        )
        if eye.pallor > 0.35:
            reading.present("optic disc pallor", "the remaining rim is pale")
    else:
        reading.missing(
            ["papilledema"],
            pick(
                rng,
                f"no papilledema: the optic disc is pink with sharp margins, cup-to-disc ratio {eye.cup:.2f}",
                f"disc of normal colour, no papilledema; cup-to-disc ratio {eye.cup:.2f}",
            ),
        )
    if eye.crescent > 0.2:
        reading.present(
            "peripapillary atrophy",
            f"{'wide' if eye.crescent > 1.2 else 'narrow'} crescent of peripapillary atrophy temporal of the disc",
        )
    if plan.count("disc hemorrhage"):
        reading.present("disc hemorrhage", f"splinter hemorrhage at the {plan.quadrant} disc margin")
        reading.labels.append("retinal hemorrhage")
    if plan.count("nerve fiber layer defect"):
        reading.present(
            "nerve fiber layer defect", f"wedge-shaped nerve fiber layer defect in the {plan.quadrant} sector"
        )
    if plan.count("myelinated nerve fibers"):
        reading.present(
            "myelinated nerve fibers",
            f"feathery white patch of myelinated nerve fibers at the {plan.quadrant} margin of the disc",
        )


def _vessels(plan: EyePlan, reading: Reading, rng: np.random.Generator) -> None:
    eye = plan.eye
    if eye.narrowing:
        reading.present("arteriolar narrowing", "the arterioles are narrowed with a bright, copper-like reflex")
        reading.present("arteriovenous nicking", "the veins are nicked where arterioles cross them")
    elif eye.congested == "all":
        reading.present("venous dilation", "the veins of all four quadrants are dilated and tortuous")
    elif eye.congested:
        reading.present("venous dilation", f"the {eye.congested} vein is dilated and tortuous")
    elif eye.beading > 0.5:
        reading.present("venous beading", "the veins are beaded")
    else:
        reading.remark(pick(rng, "vessels of normal calibre and course", "arteries and veins are unremarkable"))


def _macula(plan: EyePlan, reading: Reading, rng: np.random.Generator) -> None:
    for lesion in plan.lesions:
        if lesion.kind == "drusen":
            kind = "large, partly confluent soft" if lesion.size > 1.2 else "small"
            many = "numerous" if lesion.count > 35 else "several"
            reading.present("drusen", f"{many} {kind} drusen in the macula")
        elif lesion.kind == "geographic atrophy":
            extent = "large" if lesion.size > 0.9 else "small"
            reading.present(
                "geographic atrophy",
                f"{extent}, sharp-edged area of geographic atrophy through the fovea with visible choroidal vessels",
            )
        elif lesion.kind == "choroidal neovascular membrane":
            reading.present("choroidal neovascularization", "greyish subretinal membrane at the fovea")
            reading.present("subretinal hemorrhage", "subretinal blood beside the membrane")
            reading.labels.append("retinal hemorrhage")
        elif lesion.kind == "macular star" and lesion.count:
            reading.present("macular star", "hard exudates radiate from the fovea in a macular star")
            reading.labels.append("hard exudate")
    touched = {"drusen", "geographic atrophy", "choroidal neovascularization", "macular star"} & set(reading.labels)
    if not touched and not plan.eye.haze:
        reading.remark(pick(rng, "the foveal reflex is present", "the macula is of even colour"))


def _red_lesions(plan: EyePlan, reading: Reading, rng: np.random.Generator) -> None:
    dots = plan.count("microaneurysm")
    if dots:
        many = "a few" if dots < 8 else "several" if dots < 16 else "numerous"
        reading.present("microaneurysm", f"{many} microaneurysms at the posterior pole")
    small, blots, flames = (plan.count(f"{kind} hemorrhage") for kind in ("dot", "blot", "flame"))
    where = f" confined to the {plan.quadrant} quadrant" if plan.eye.congested not in ("", "all") else ""
    where = " in all four quadrants" if not where and blots >= 16 else where
    kinds = [name for name, n in (("dot", small), ("blot", blots), ("flame-shaped", flames)) if n]
    if kinds:
        many = "few" if small + blots + flames < 8 else "scattered" if small + blots + flames < 25 else "extensive"
        place = where or (" around the disc" if plan.eye.swelling else "")
        reading.present("retinal hemorrhage", f"{many} {listed(kinds)} hemorrhages{place}")
        if flames:
            reading.labels.append("flame hemorrhage")
    if plan.count("preretinal hemorrhage"):
        reading.present(
            "preretinal hemorrhage", f"boat-shaped preretinal hemorrhage with a flat upper border, {plan.quadrant}"
        )
    if plan.count("neovascularization of the disc"):
        reading.present("neovascularization", "fine new vessels on the optic disc")
    if plan.count("neovascularization elsewhere"):
        reading.present("neovascularization", "fronds of new vessels along the arcades")


def _pale_lesions(plan: EyePlan, reading: Reading, rng: np.random.Generator) -> None:
    rings, spots = plan.count("hard exudates"), plan.count("cotton wool spot")
    if rings:
        reading.present("hard exudate", pick(rng, "clusters of yellow hard exudates", "hard exudates, partly in rings"))
    if spots:
        reading.present("cotton wool spot", f"{'one cotton wool spot' if spots == 1 else f'{spots} cotton wool spots'}")
    if plan.count("laser scar"):
        reading.present(
            "laser scar",
            "many round laser scars with pigment in the periphery, in the pattern of panretinal photocoagulation",
        )
        reading.missing(["neovascularization"], "no active neovascularization")
    if plan.eye.tessellation > 0.5:
        reading.present("tessellated fundus", "tessellated fundus with visible choroidal vessels")
    if plan.count("chorioretinal atrophy"):
        reading.present("chorioretinal atrophy", "patches of chorioretinal atrophy with pigment at the posterior pole")


def _conclude(condition: str, plan: EyePlan, reading: Reading, rng: np.random.Generator) -> str:
    """Add the diagnosis with its labels; returns it in words."""
    label, words, broader = _DIAGNOSES.get(condition, (condition, condition, ""))
    if condition == "drusen":
        large = any(lesion.size > 1.2 for lesion in plan.lesions)
        words = f"{'intermediate' if large else 'early'} age-related macular degeneration"
    if condition == "branch retinal vein occlusion":
        words = f"{plan.quadrant} branch retinal vein occlusion"
    reading.labels += [name for name in (label, broader) if name]
    reading.conclusions.append(
        sentence(
            pick(rng, words, words, f"findings of {words}")
            if condition != "normal fundus"
            else pick(rng, "normal fundus", "normal fundus, no retinopathy")
        )
    )
    return words


# condition: (label, how it is called in words, broader label)
_DIAGNOSES = {
    "normal fundus": ("normal fundus", "normal fundus", "normal"),
    **{
        f"{grade} diabetic retinopathy": (
            f"{grade} diabetic retinopathy",
            f"{grade} diabetic retinopathy",
            "diabetic retinopathy",
        )
        for grade in ("mild nonproliferative", "moderate nonproliferative", "severe nonproliferative", "proliferative")
    },
    "treated diabetic retinopathy": ("diabetic retinopathy", "diabetic retinopathy after panretinal laser", ""),
    "drusen": ("drusen", "early age-related macular degeneration", "macular degeneration"),
    "geographic atrophy": (
        "geographic atrophy",
        "geographic atrophy in age-related macular degeneration",
        "macular degeneration",
    ),
    "choroidal neovascularization": (
        "choroidal neovascularization",
        "neovascular age-related macular degeneration",
        "macular degeneration",
    ),
}
