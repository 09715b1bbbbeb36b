"""What medicine puts into a chest: tubes, lines, a pacemaker; and the film's side marker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from corpora.teaching.chest_patient import Chest
from corpora.teaching.deposits import Cloud, join, polyline, project, tube
from corpora.teaching.noise import smoothstep
from corpora.teaching.thorax import FIELD, Thorax, grid

__all__ = ["airways", "devices", "marker"]

Field = NDArray[np.float64]
STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "R": [[(0, 10), (0, 0), (5, 0), (6, 2.5), (5, 5), (0, 5)], [(3, 5), (6, 10)]],
    "L": [[(0, 0), (0, 10), (6, 10)]],
}
"""Letters as polylines on a 6 × 10 grid."""


def airways(thorax: Thorax, pixels: int, rng: np.random.Generator) -> Field:
    """Millimetres of air in trachea and main bronchi, (n, n)."""
    carina = thorax.hilum - 22.0
    lean = thorax.shift * 0.8 + float(rng.normal(-1, 1))
    trunk = polyline([(0.0, -5.0), (lean * 0.2 - 1, thorax.apex), (lean - 2, carina - 20), (lean - 2, carina - 3)])
    right = polyline([(lean - 5, carina - 14), (lean - 8, carina), (lean - 20, carina + 20), (lean - 34, carina + 40)])
    left = polyline([(lean + 2, carina - 14), (lean + 6, carina), (lean + 22, carina + 14), (lean + 44, carina + 26)])
    windpipe = tube(*trunk, 8.5, rays=31)
    fading = smoothstep(carina + 2.0 - windpipe.z, 0.0, 30.0)
    windpipe = Cloud(windpipe.x, windpipe.z, windpipe.volume * fading)
    pipes = (windpipe, tube(*right, 6.6, rays=23), tube(*left, 6.0, rays=23))
    return np.asarray(np.maximum.reduce([project(pipe, pixels, blur=0.9) for pipe in pipes]))


def devices(chest: Chest, thorax: Thorax, pixels: int, rng: np.random.Generator) -> Field:
    """Millimetres of metal-equivalent along each ray, (n, n)."""
    clouds: list[Cloud] = []
    carina = thorax.hilum - 22.0
    lean = thorax.shift * 0.8 - 2.0
    if chest.endotracheal_tube:
        tip = carina - float(rng.uniform(26, 42))
        line = [(lean - 1, -5.0), (lean - 4, 40.0), (lean, tip)]
        shaft = polyline(line)
        clouds.append(_thin(tube(*shaft, 5.0, wall=1.2), 0.11))
        clouds.append(_thin(tube(shaft[0] - 4.2, shaft[1], shaft[2], 0.8), 0.8))
    if chest.central_line:
        end = carina + float(rng.uniform(8, 28))
        line = [(-38.0, -5.0), (-33.0, thorax.apex + 8), (-25.0, thorax.apex + 48), (-26.0 + thorax.shift, end)]
        clouds.append(_thin(tube(*polyline(line), 1.5), 0.5))
    if chest.pacemaker:
        clouds += _pacemaker(thorax, rng)
    metal = project(join(clouds), pixels, blur=0.35) if clouds else np.zeros((pixels, pixels))
    return metal + (_generator(thorax, pixels) if chest.pacemaker else 0.0)


def _thin(cloud: Cloud, share: float) -> Cloud:
    return Cloud(cloud.x, cloud.z, cloud.volume * share)


def _can(thorax: Thorax) -> tuple[float, float]:
    return 0.66 * thorax.half_width, thorax.apex + 62.0


def _pacemaker(thorax: Thorax, rng: np.random.Generator) -> list[Cloud]:
    can_x, can_z = _can(thorax)
    heart = min(thorax.dome_right, thorax.dome_left)
    start = (can_x - 6, can_z - 20)
    over = [start, (can_x - 2, can_z - 34), (54.0, thorax.apex + 26), (18.0, thorax.apex + 36)]
    cava = [(-14.0, thorax.apex + 62), (-24.0, thorax.hilum + 4)]
    atrial = [*over, *cava, (-32.0, heart - 46), (-16.0, heart - 34), (-10.0, heart - 48)]
    apex = 0.3 * thorax.heart_width + float(rng.normal(0, 3))
    ventricular = [*over, *cava, (-28.0, heart - 34), (-4.0, heart - 4), (apex * 0.6, heart + 2), (apex, heart - 4)]
    leads = []
    for path in (atrial, ventricular):
        x, z, step = polyline([(px + thorax.shift * (pz > thorax.apex + 50), pz) for px, pz in path])
        leads.append(_thin(tube(x, z, step, 1.0), 0.9))
        leads.append(tube(x[-26:], z[-26:], step, 1.5))
    return leads


def _generator(thorax: Thorax, pixels: int) -> Field:
    x, z = grid(pixels)
    can_x, can_z = _can(thorax)
    u, w = (x - can_x) * 0.94 + (z - can_z) * 0.34, -(x - can_x) * 0.34 + (z - can_z) * 0.94
    q = (np.abs(u) / 23.0) ** 3.2 + (np.abs(w) / 19.0) ** 3.2
    header = (np.abs(u + 1) < 13) & (np.abs(w + 20) < 5.5)
    rim = np.clip((1 - q) * 12, 0, 1)
    parts = (np.abs(u + 6) < 8) & (np.abs(w - 2) < 9) & (q < 1)
    return np.asarray(5.5 * rim + 1.4 * header + 3.0 * parts - 1.2 * ((np.hypot(u - 9, w - 4) < 6) & (q < 1)))


def marker(pixels: int, rng: np.random.Generator) -> Field:
    """A lead letter beside the patient: R at the picture's left or L at its right; 0 to 1, (n, n)."""
    letter = "R" if rng.random() < 0.5 else "L"
    left = -FIELD / 2 + 14 if letter == "R" else FIELD / 2 - 26
    top = float(rng.uniform(10, 22)) if rng.random() < 0.7 else float(rng.uniform(60, 110))
    strokes = []
    for stroke in STROKES[letter]:
        corners = np.array(stroke, dtype=np.float64) * 1.35
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
        at = np.arange(0.0, along[-1], 0.2)
        px, pz = np.interp(at, along, corners[:, 0]), np.interp(at, along, corners[:, 1])
        strokes.append(Cloud(left + px, top + pz, np.full(at.size, 0.45)))
    return np.clip(project(join(strokes), pixels, blur=0.45), 0.0, 1.0)
