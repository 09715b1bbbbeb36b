"""How a radiologist puts a drawn chest radiograph into words."""

from __future__ import annotations

import numpy as np

from corpora.teaching.chest_patient import Chest
from corpora.teaching.dictation import Reading, closed_questions, listed, pick

__all__ = ["CORE", "caption", "compared", "degree", "read"]

CORE = ("pleural effusion", "pneumothorax", "consolidation", "cardiomegaly", "pulmonary edema")
"""Findings about which every report says yes or no."""

ASKED = {
    "pleural effusion": ("Is there a pleural effusion?", "Does this radiograph show a pleural effusion?"),
    "pneumothorax": ("Is there a pneumothorax?", "Is a pneumothorax present?"),
    "consolidation": ("Is there consolidation?", "Is there an area of consolidation in the lungs?"),
    "cardiomegaly": ("Is the heart enlarged?", "Is there cardiomegaly?"),
    "pulmonary edema": ("Is there pulmonary edema?", "Are there signs of pulmonary edema?"),
    "pulmonary nodule": ("Is there a pulmonary nodule?", "Is a lung nodule visible?"),
    "lung mass": ("Is there a lung mass?", "Is there a mass in the lung?"),
    "rib fracture": ("Is there a rib fracture?", "Is a rib broken?"),
    "atelectasis": ("Is there atelectasis?", "Is there collapse of a lobe?"),
    "hyperinflation": ("Are the lungs hyperinflated?", "Is there hyperinflation?"),
    "pneumoperitoneum": ("Is there free air under the diaphragm?", "Is there pneumoperitoneum?"),
    "pacemaker": ("Is there a pacemaker?", "Is a pacemaker visible?"),
    "endotracheal tube": ("Is there an endotracheal tube?", "Is the patient intubated?"),
    "central venous catheter": ("Is there a central venous catheter?", "Is a central line in place?"),
    "normal": ("Is this chest radiograph normal?", "Is this a normal study?"),
}


def degree(amount: float) -> str:
    """Small, moderate or large."""
    return "small" if amount < 0.22 else "moderate" if amount < 0.55 else "large"


def read(chest: Chest, rng: np.random.Generator, before: Chest | None = None) -> Reading:
    """Dictate the findings, with their ground truth; `before` is the earlier study to compare with."""
    reading = Reading()
    for note in (_devices, _pleura, _lungs, _heart, _rest):
        note(chest, reading, rng)
    _absent(chest, reading, rng)
    if not reading.labels:
        reading.labels.append("normal")
        reading.conclusions.append(
            pick(rng, "Normal chest radiograph.", "No acute cardiopulmonary abnormality.", "Clear lungs, normal heart.")
        )
    if before is not None:
        reading.compare(compared(before, chest))
    _questions(reading, rng)
    reading.attributes["cardiothoracic ratio"] = chest.cardiothoracic_ratio
    return reading


def caption(chest: Chest, reading: Reading) -> str:
    """One sentence beneath the picture."""
    who = f"{chest.age}-year-old {'woman' if chest.sex == 'female' else 'man'}"
    return f"{chest.view} chest radiograph of a {who}: {reading.conclusions[0].rstrip('.').lower()}"


def compared(before: Chest, now: Chest) -> str:
    """What has changed between two studies of one patient."""
    changes = []
    for side, old, new in (
        ("right", before.effusion_right, now.effusion_right),
        ("left", before.effusion_left, now.effusion_left),
    ):
        changes += _change(f"{side} pleural effusion", old, new)
    changes += _change("pulmonary edema", before.edema, now.edema)
    gaps = [c.pneumothorax_size if c.pneumothorax else 0.0 for c in (before, now)]
    changes += _change(f"{now.pneumothorax or before.pneumothorax} pneumothorax", *gaps)
    for lobe in dict.fromkeys((*before.consolidation, *now.consolidation)):
        changes += _change(f"{lobe} consolidation", lobe in before.consolidation, lobe in now.consolidation)
    sizes = [sum(n.size for n in c.nodules) for c in (before, now)]
    changes += _change("lung lesion", *sizes)
    return listed(changes) if changes else "there is no relevant change"


def _change(name: str, old: float, new: float) -> list[str]:
    if old == new:
        return []
    if not old:
        return [f"the {name} is new"]
    if not new:
        return [f"the {name} has resolved"]
    return [f"the {name} has {'increased' if new > old else 'decreased'}"]


def _pleura(chest: Chest, reading: Reading, rng: np.random.Generator) -> None:
    sides = {"right": chest.effusion_right, "left": chest.effusion_left}
    sides = {side: amount for side, amount in sides.items() if amount}
    for side, amount in sides.items():
        size = degree(amount)
        if chest.view != "PA":
            text = f"A {size} {side} pleural effusion layers behind the lung and veils the lower zone"
        elif size == "small":
            text = pick(
                rng,
                f"Blunting of the {side} costophrenic angle by a small pleural effusion",
                f"There is a small {side} pleural effusion that blunts the costophrenic angle",
            )
        elif size == "moderate":
            text = pick(
                rng,
                f"Moderate {side} pleural effusion with a meniscus that climbs along the lateral chest wall",
                f"Homogeneous opacity of the {side} lower zone with a meniscus, a moderate pleural effusion",
            )
        else:
            text = f"A large {side} pleural effusion opacifies most of the {side} hemithorax and hides the diaphragm"
        both = len(sides) == 2
        reading.present("pleural effusion", text, "" if both else f"{size} {side} pleural effusion")
    if len(sides) == 2:
        right, left = degree(chest.effusion_right), degree(chest.effusion_left)
        conclusion = f"Bilateral pleural effusions, {right} on the right and {left} on the left."
        reading.conclusions.append(conclusion)
    if sides:
        side = "bilateral" if len(sides) == 2 else next(iter(sides))
        reading.attributes |= {"effusion side": side, "effusion size": degree(max(sides.values()))}
        reading.ask("On which side is the pleural effusion?", "both sides" if side == "bilateral" else side)
        if len(sides) == 1:
            reading.ask("How large is the pleural effusion?", degree(max(sides.values())))
    if chest.pneumothorax:
        side, tension = chest.pneumothorax, chest.pneumothorax_size > 45
        size = "large" if tension else "moderate" if chest.pneumothorax_size > 27 else "small"
        text = pick(
            rng,
            f"{size} {side} pneumothorax: a thin visceral pleural line without lung markings beyond it",
            f"There is a {size} pneumothorax on the {side}, its pleural line parallel to the chest wall",
        )
        reading.present("pneumothorax", text, f"{size} {side} pneumothorax")
        if tension:
            reading.remark(f"The mediastinum is displaced to the {'left' if side == 'right' else 'right'}")
        reading.attributes |= {"pneumothorax side": side, "pneumothorax size": size}
        reading.ask("On which side is the pneumothorax?", side)


def _lungs(chest: Chest, reading: Reading, rng: np.random.Generator) -> None:
    if chest.consolidation:
        lobes = listed(list(chest.consolidation))
        text = pick(
            rng,
            f"Airspace consolidation in the {lobes}",
            f"There is dense opacity in the {lobes} in keeping with consolidation",
        )
        reading.present("consolidation", text, f"Consolidation of the {lobes}, in keeping with pneumonia")
        reading.attributes["lobes"] = list(chest.consolidation)
        reading.ask("Which lobe is consolidated?", lobes)
    if chest.edema:
        size = "mild" if chest.edema < 0.4 else "moderate" if chest.edema < 0.7 else "severe"
        text = f"{size} pulmonary edema with perihilar haze, blurred and widened vessels and septal lines at the bases"
        reading.present("pulmonary edema", text, f"{size} pulmonary edema")
        reading.attributes["edema severity"] = size
    for nodule in chest.nodules:
        zone = "upper" if nodule.down < 0.36 else "mid" if nodule.down < 0.62 else "lower"
        kind = "mass" if nodule.size > 30 else "nodule"
        rim = "spiculated" if nodule.spiculated else "well-defined"
        label = "lung mass" if kind == "mass" else "pulmonary nodule"
        text = f"A {rim} {label} of {nodule.size:.0f} mm projects over the {nodule.side} {zone} zone"
        conclusion = f"{nodule.side} {zone} zone {kind} of {nodule.size:.0f} mm"
        reading.present(label, text, conclusion)
        reading.attributes |= {"lesion side": nodule.side, "lesion zone": zone, "lesion size mm": round(nodule.size)}
        if len(chest.nodules) == 1:
            reading.ask(f"On which side is the {kind}?", nodule.side)
            reading.ask(f"In which zone is the {kind}?", f"{nodule.side} {zone} zone")
    if chest.atelectasis:
        side = chest.atelectasis
        text = (
            f"Atelectasis of the {side} lower lobe: a triangular opacity beside the spine, a raised hemidiaphragm "
            f"and a mediastinum drawn to the {side}"
        )
        reading.present("atelectasis", text, f"{side} lower lobe atelectasis")
        reading.attributes["atelectasis side"] = side
        reading.ask("Which lobe has collapsed?", f"{side} lower lobe")
    if chest.inflation > 0.5:
        text = "Hyperinflation of both lungs with flat, low hemidiaphragms and a narrow heart"
        reading.present("hyperinflation", text, "Hyperinflation, as in emphysema")


def _heart(chest: Chest, reading: Reading, rng: np.random.Generator) -> None:
    if chest.cardiothoracic_ratio > 0.5:
        text = pick(
            rng,
            "The heart is enlarged",
            f"Enlarged cardiac silhouette with a cardiothoracic ratio of about {chest.cardiothoracic_ratio:.2f}",
        )
        mild = "mild" if chest.cardiothoracic_ratio < 0.55 else "marked"
        reading.present("cardiomegaly", text, f"{mild} cardiomegaly")


def _rest(chest: Chest, reading: Reading, rng: np.random.Generator) -> None:
    if chest.fractured_ribs:
        ribs = listed([_ordinal(rib) for rib in chest.fractured_ribs])
        noun = "ribs" if len(chest.fractured_ribs) > 1 else "rib"
        text = f"Displaced rib fracture on the {chest.fracture_side}, {ribs} {noun}"
        reading.present("rib fracture", text, f"Fracture of the {chest.fracture_side} {ribs} {noun}")
        reading.attributes |= {"fracture side": chest.fracture_side, "ribs": list(chest.fractured_ribs)}
        reading.ask("On which side is the rib fracture?", chest.fracture_side)
    if chest.free_air:
        text = "Crescents of free air lie under the diaphragm, a pneumoperitoneum"
        reading.present("pneumoperitoneum", text, "Pneumoperitoneum: free air under the diaphragm")


def _devices(chest: Chest, reading: Reading, rng: np.random.Generator) -> None:
    if chest.endotracheal_tube:
        text = "The tip of an endotracheal tube lies a few centimetres above the carina"
        reading.present("endotracheal tube", text, "Endotracheal tube in good position")
    if chest.central_line:
        text = "A right internal jugular central venous catheter ends in the superior vena cava"
        reading.present("central venous catheter", text, "Central venous catheter in the superior vena cava")
    if chest.pacemaker:
        text = "Left-sided dual-chamber pacemaker with leads to the right atrium and the right ventricle"
        reading.present("pacemaker", text, "Dual-chamber pacemaker in place")


def _absent(chest: Chest, reading: Reading, rng: np.random.Generator) -> None:
    gone = [label for label in CORE if label not in reading.labels]
    pleural = [label for label in gone if label in ("pleural effusion", "pneumothorax")]
    if pleural:
        reading.missing(pleural, pick(rng, f"No {listed(pleural, 'or')}", f"There is no {listed(pleural, 'or')}"))
    airspace = [label for label in gone if label in ("consolidation", "pulmonary edema")]
    if airspace:
        reading.missing(airspace, pick(rng, f"No {listed(airspace, 'or')}", f"There is no {listed(airspace, 'or')}"))
    if "cardiomegaly" in gone:
        reading.missing(["cardiomegaly"], pick(rng, "The heart is not enlarged, no cardiomegaly", "No cardiomegaly"))
    further = [("pulmonary nodule", "No pulmonary nodule"), ("rib fracture", "No rib fracture is seen")]
    masses = {"pulmonary nodule", "lung mass"} & set(reading.labels)
    for label, text in further:
        if label not in reading.labels and not (label == "pulmonary nodule" and masses) and rng.random() < 0.6:
            reading.missing([label], text)


def _ordinal(number: int) -> str:
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    return words[number - 1]


def _questions(reading: Reading, rng: np.random.Generator) -> None:
    open_ones = reading.questions[:3]
    reading.questions = []
    closed_questions(rng, reading, ASKED)
    reading.questions += open_ones
    main = "no abnormality" if reading.labels == ["normal"] else _main_finding(reading)
    reading.ask(pick(rng, "What is the main finding?", "What does this radiograph show?"), main)
    reading.ask(pick(rng, "What modality is this?", "What kind of picture is this?"), "chest radiograph")


def _main_finding(reading: Reading) -> str:
    devices = ("endotracheal tube", "central venous catheter", "pacemaker")
    return next((label for label in reading.labels if label not in devices), reading.labels[0])
