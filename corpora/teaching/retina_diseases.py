"""Diseases of the retina as plans: how each changes the eye and which lesions it leaves, at any stage from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from corpora.teaching.case import rng_for
from corpora.teaching.retina import Eye, develop, draw_eye
from corpora.teaching.retina_lesions import QUADRANTS, Lesion, paint

__all__ = ["DISEASES", "EyePlan", "draw_plan", "plan_for"]


@dataclass(frozen=True, slots=True)
class EyePlan:
    """An eye with its lesions; `quadrant` is where a lesion of one place lies, `treated` marks laser."""

    eye: Eye
    lesions: tuple[Lesion, ...] = ()
    quadrant: str = ""
    treated: bool = False

    def count(self, kind: str) -> int:
        """How many lesions of a kind there are."""
        return sum(lesion.count for lesion in self.lesions if lesion.kind == kind)


def plan_for(disease: str, seed: str, stage: float) -> EyePlan:
    """The plan of one eye; equal seeds give the same eye at another stage."""
    rng = rng_for("eye", seed)
    side: Literal["right", "left"] = "right" if rng.random() < 0.5 else "left"
    eye = Eye(seed, side, cup=round(float(rng.uniform(0.18, 0.42)), 2), tessellation=float(rng.uniform(0.04, 0.22)))
    return DISEASES[disease](rng, eye, stage)


def draw_plan(plan: EyePlan) -> NDArray[np.uint8]:
    """The photograph, `(448, 448, 3)`."""
    canvas = draw_eye(plan.eye)
    for lesion in plan.lesions:
        paint(canvas, lesion, plan.eye.seed)
    return develop(canvas, plan.eye)


def _normal(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    return EyePlan(eye)


def _mild_npdr(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    return EyePlan(eye, (Lesion("microaneurysm", 4 + int(9 * stage)),))


def _moderate_npdr(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    return EyePlan(
        eye,
        (
            Lesion("microaneurysm", 10 + int(14 * stage)),
            Lesion("dot hemorrhage", 5 + int(9 * stage)),
            Lesion("blot hemorrhage", 1 + int(4 * stage)),
            Lesion("hard exudates", 1 + int(4 * stage)),
            Lesion("cotton wool spot", int(2.4 * stage)),
        ),
    )


def _severe_npdr(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    spots = [Lesion("blot hemorrhage", 4 + int(4 * stage), where=quadrant) for quadrant in QUADRANTS]
    return EyePlan(
        replace(eye, beading=0.6 + 0.3 * stage),
        (
            Lesion("microaneurysm", 24),
            Lesion("dot hemorrhage", 20 + int(14 * stage)),
            *spots,
            Lesion("flame hemorrhage", 3 + int(6 * stage)),
            Lesion("cotton wool spot", 2 + int(5 * stage)),
            Lesion("hard exudates", int(3 * stage)),
        ),
    )


def _proliferative(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    quadrant = ("superotemporal", "inferotemporal")[int(rng.integers(2))]
    disc_first = rng.random() < 0.6
    return EyePlan(
        replace(eye, beading=0.4),
        (
            Lesion("microaneurysm", 16),
            Lesion("dot hemorrhage", 10),
            Lesion("blot hemorrhage", 5),
            Lesion("neovascularization of the disc", int(disc_first or stage > 0.5), 0.8 + 0.4 * stage),
            Lesion("neovascularization elsewhere", int(not disc_first) + int(2 * stage), 0.8 + 0.4 * stage),
            Lesion("preretinal hemorrhage", int(stage > 0.55), 0.8 + 0.4 * stage, quadrant),
        ),
        quadrant,
    )


def _lasered(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    scars = Lesion("laser scar", 60 + int(50 * stage))
    return EyePlan(eye, (Lesion("microaneurysm", 8), Lesion("dot hemorrhage", 3), scars), treated=True)


def _drusen(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    return EyePlan(eye, (Lesion("drusen", 16 + int(52 * stage), 0.75 + 0.95 * stage),))


def _atrophy(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    return EyePlan(eye, (Lesion("drusen", 22), Lesion("geographic atrophy", 1, 0.55 + 0.75 * stage)))


def _wet(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    return EyePlan(
        eye,
        (
            Lesion("drusen", 14),
            Lesion("choroidal neovascular membrane", 1, 0.8 + 0.5 * stage),
            Lesion("hard exudates", int(2 * stage), 0.9, "macula"),
        ),
    )


def _glaucoma(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    pole = ("superotemporal", "inferotemporal")[int(rng.random() < 0.7)]
    return EyePlan(
        replace(eye, cup=round(0.62 + 0.30 * stage, 2), pallor=0.2 + 0.35 * stage, crescent=0.5 * stage),
        (
            Lesion("nerve fiber layer defect", int(stage > 0.25), 0.9 + 0.4 * stage, pole),
            Lesion("disc hemorrhage", int(0.45 < stage < 0.8), 1.0, pole),
        ),
        pole,
    )


def _papilledema(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    return EyePlan(
        replace(eye, cup=0.1, swelling=0.35 + 0.65 * stage),
        (
            Lesion("flame hemorrhage", int(6 * stage), 0.75, "disc"),
            Lesion("cotton wool spot", int(3.2 * stage), 0.7, "disc"),
        ),
    )


def _branch_occlusion(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    quadrant = ("superotemporal", "superotemporal", "inferotemporal")[int(rng.integers(3))]
    return EyePlan(
        replace(eye, congested=quadrant),
        (
            Lesion("flame hemorrhage", 8 + int(24 * stage), 1.15, quadrant),
            Lesion("blot hemorrhage", 5 + int(12 * stage), 1.0, quadrant),
            Lesion("cotton wool spot", int(4 * stage), 1.0, quadrant),
        ),
        quadrant,
    )


def _central_occlusion(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    spread_out = [Lesion("flame hemorrhage", 8 + int(8 * stage), 1.1, quadrant) for quadrant in QUADRANTS]
    return EyePlan(
        replace(eye, congested="all", swelling=0.3 + 0.4 * stage),
        (*spread_out, Lesion("blot hemorrhage", 18 + int(16 * stage)), Lesion("cotton wool spot", 1 + int(5 * stage))),
    )


def _hypertensive(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    return EyePlan(
        replace(eye, narrowing=0.5 + 0.5 * stage, nicking=True),
        (
            Lesion("flame hemorrhage", int(6 * stage)),
            Lesion("cotton wool spot", int(4 * stage)),
            Lesion("macular star", int(stage > 0.75)),
        ),
    )


def _myopia(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    return EyePlan(
        replace(eye, tessellation=0.75 + 0.25 * stage, crescent=0.9 + 0.9 * stage),
        (Lesion("chorioretinal atrophy", int(5 * stage)),),
    )


def _cataract(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    return EyePlan(replace(eye, haze=0.35 + 0.60 * stage))


def _myelinated(rng: np.random.Generator, eye: Eye, stage: float) -> EyePlan:
    pole = ("superotemporal", "inferotemporal")[int(rng.integers(2))]
    return EyePlan(eye, (Lesion("myelinated nerve fibers", 1, 0.8 + 0.4 * stage, pole),), pole)


DISEASES: Mapping[str, Callable[[np.random.Generator, Eye, float], EyePlan]] = {
    "normal fundus": _normal,
    "mild nonproliferative diabetic retinopathy": _mild_npdr,
    "moderate nonproliferative diabetic retinopathy": _moderate_npdr,
    "severe nonproliferative diabetic retinopathy": _severe_npdr,
    "proliferative diabetic retinopathy": _proliferative,
    "treated diabetic retinopathy": _lasered,
    "drusen": _drusen,
    "geographic atrophy": _atrophy,
    "choroidal neovascularization": _wet,
    "glaucoma": _glaucoma,
    "papilledema": _papilledema,
    "branch retinal vein occlusion": _branch_occlusion,
    "central retinal vein occlusion": _central_occlusion,
    "hypertensive retinopathy": _hypertensive,
    "pathological myopia": _myopia,
    "cataract": _cataract,
    "myelinated nerve fibers": _myelinated,
}
