"""One field of a blood film: how many cells of which kind lie where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from corpora.teaching.blood_film import SIZE, RedCell, develop, new_film, parasite, platelet, red_cell
from corpora.teaching.case import rng_for
from corpora.teaching.white_cells import reach_of, white_cell

__all__ = ["BloodField", "draw_field"]


@dataclass(frozen=True, slots=True)
class BloodField:
    """What one field shows.

    `forms` gives the share of each form of red cell (the rest is round); `width` and `unequal` their mean size
    (1 is 7.5 µm) and its spread; `filling` the haemoglobin and `pallor` the pale middle; `parasites` the
    number of red cells that hold one, by stage.
    """

    seed: str
    red_cells: int = 66
    forms: Mapping[str, float] = field(default_factory=dict)
    width: float = 1.0
    unequal: float = 0.05
    filling: float = 1.0
    pallor: float = 1.0
    platelets: int = 8
    platelet_size: float = 5.0
    white: tuple[str, ...] = ()
    parasites: Mapping[str, int] = field(default_factory=dict)
    auer_rods: bool = False


def draw_field(plan: BloodField) -> NDArray[np.uint8]:
    """The picture, `(400, 400, 3)`."""
    film, rng = new_film(plan.seed), rng_for("field", plan.seed)
    taken: list[tuple[float, float, float]] = []
    whites = [(kind, *_free_spot(rng, taken, reach_of(kind) * 0.92, edge=38)) for kind in plan.white]
    cells = [cell for _ in range(plan.red_cells) if (cell := _next_cell(rng, plan, taken))]
    for cell in cells:
        red_cell(film, rng, cell)
    hosts = [c for c in cells if c.form == "round" and 25 < c.x < SIZE - 25 and 25 < c.y < SIZE - 25]
    for stage, count in plan.parasites.items():
        for _ in range(min(count, len(hosts))):
            parasite(film, rng, hosts.pop(0), stage)
    for _ in range(plan.platelets):
        size = plan.platelet_size * rng.uniform(0.75, 1.3)
        x, y = _free_spot(rng, taken, size + 1, edge=4)
        platelet(film, rng, x, y, size)
    for number, (kind, x, y) in enumerate(whites):
        white_cell(film, rng, kind, x, y, auer=plan.auer_rods and number == 0)
    return develop(film)


def _next_cell(rng: np.random.Generator, plan: BloodField, taken: list[tuple[float, float, float]]) -> RedCell | None:
    radius = 23.0 * plan.width * float(np.exp(rng.normal(0, plan.unequal)))
    form, chance = "round", rng.random()
    for name, share in plan.forms.items():
        if chance < share:
            form = name
            break
        chance -= share
    radius *= {"sphere": 0.78, "fragment": 0.78, "oval": 1.28, "target": 1.04, "sickle": 1.0}.get(form, 1.0)
    spot = _place(rng, taken, radius * 0.86, edge=-14, tries=60)
    if spot is None:
        return None
    filling = plan.filling * float(np.exp(rng.normal(0, 0.06)))
    pallor = plan.pallor * rng.uniform(0.8, 1.1)
    return RedCell(*spot, radius, form, float(rng.uniform(0, 2 * np.pi)), filling, pallor)


def _place(
    rng: np.random.Generator, taken: list[tuple[float, float, float]], radius: float, edge: float, tries: int
) -> tuple[float, float] | None:
    """A spot where a disc of that radius touches no other; it is then taken."""
    for _ in range(tries):
        x, y = rng.uniform(edge, SIZE - edge, 2).tolist()
        if all((x - px) ** 2 + (y - py) ** 2 > (radius + pr) ** 2 for px, py, pr in taken):
            taken.append((x, y, radius))
            return x, y
    return None


def _free_spot(
    rng: np.random.Generator, taken: list[tuple[float, float, float]], radius: float, edge: float
) -> tuple[float, float]:
    """A free spot, or any spot where the field is full."""
    spot = _place(rng, taken, radius, edge, tries=300)
    return spot if spot else (float(rng.uniform(edge, SIZE - edge)), float(rng.uniform(edge, SIZE - edge)))
