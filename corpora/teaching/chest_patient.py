"""What a drawn chest radiograph shows: one patient's build and findings as a frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from corpora.teaching.case import rng_for
from corpora.teaching.thorax import Thorax

__all__ = ["Chest", "Lobe", "Nodule", "Side", "anatomy"]

Side = Literal["right", "left"]
Lobe = Literal[
    "right upper lobe", "right middle lobe", "right lower lobe", "left upper lobe", "lingula", "left lower lobe"
]


@dataclass(frozen=True, slots=True)
class Nodule:
    """A round lesion; `across` 0 midline to 1 chest wall, `down` 0 apex to 1 base, `size` in mm."""

    side: Side
    across: float
    down: float
    size: float
    spiculated: bool = False


@dataclass(frozen=True, slots=True)
class Chest:
    """Parameters of one chest radiograph. `seed` fixes the anatomy; the rest are findings.

    Effusions and `edema` run from 0 (none) to 1 (large, severe); `pneumothorax_size` is the gap at the
    apex in mm; `inflation` is 0 for a normal breath, 1 for emphysema.
    """

    seed: int
    sex: Literal["female", "male"] = "male"
    age: int = 50
    view: Literal["PA", "AP supine"] = "PA"
    effusion_right: float = 0.0
    effusion_left: float = 0.0
    pneumothorax: Side | None = None
    pneumothorax_size: float = 26.0
    consolidation: tuple[Lobe, ...] = ()
    cardiothoracic_ratio: float = 0.44
    edema: float = 0.0
    nodules: tuple[Nodule, ...] = ()
    fractured_ribs: tuple[int, ...] = ()
    fracture_side: Side = "right"
    atelectasis: Side | None = None
    inflation: float = 0.0
    free_air: bool = False
    pacemaker: bool = False
    endotracheal_tube: bool = False
    central_line: bool = False


def anatomy(chest: Chest) -> Thorax:
    """The thorax of that patient; findings that move organs move them."""
    supine = chest.view != "PA"
    shift = 16.0 * (max(chest.effusion_right - 0.7, 0) - max(chest.effusion_left - 0.7, 0)) / 0.3
    if chest.pneumothorax and chest.pneumothorax_size > 45:
        shift += 12.0 if chest.pneumothorax == "right" else -12.0
    shift += {"right": -9.0, "left": 9.0, None: 0.0}[chest.atelectasis]
    return Thorax.build(
        rng_for("thorax", chest.seed),
        female=chest.sex == "female",
        inflation=chest.inflation - 0.8 * supine,
        cardiothoracic_ratio=chest.cardiothoracic_ratio * (1.12 if supine else 1.0),
        shift=shift,
        raise_right=16.0 if chest.atelectasis == "right" else 0.0,
        raise_left=20.0 if chest.atelectasis == "left" else 0.0,
    )
