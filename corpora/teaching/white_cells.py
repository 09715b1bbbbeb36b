"""White blood cells, each by its nucleus, its cytoplasm and its granules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy import ndimage

from corpora.teaching.blood_film import Film
from corpora.teaching.texture import Field, Window, ellipse, fractal_field, lobed, smoothstep

__all__ = ["WHITE_CELLS", "reach_of", "white_cell"]

_NUCLEUS = np.array((0.98, 1.38, 0.46))
_SMUDGE = np.array((0.62, 0.88, 0.32))
_CYTOPLASM: Mapping[str, tuple[float, float, float]] = {
    "neutrophil": (0.13, 0.26, 0.13),
    "band neutrophil": (0.13, 0.26, 0.13),
    "eosinophil": (0.14, 0.30, 0.18),
    "basophil": (0.20, 0.36, 0.12),
    "monocyte": (0.36, 0.36, 0.16),
    "lymphocyte": (0.50, 0.34, 0.08),
    "blast": (0.62, 0.50, 0.12),
}
_RADIUS = {
    "neutrophil": 39.0,
    "band neutrophil": 39.0,
    "eosinophil": 40.0,
    "basophil": 36.0,
    "monocyte": 48.0,
    "lymphocyte": 28.0,
    "blast": 45.0,
    "smudge cell": 34.0,
}


def reach_of(kind: str) -> float:
    """The radius in pixels that a white cell of a kind takes."""
    return _RADIUS[kind]


def white_cell(film: Film, rng: np.random.Generator, kind: str, x: float, y: float, *, auer: bool = False) -> None:
    """Lay one white cell over what is there; `auer` gives a blast a red rod in its cytoplasm."""
    if kind == "smudge cell":
        _smudge(film, rng, x, y)
        return
    radius = _RADIUS[kind] * rng.uniform(0.92, 1.08)
    window, body = lobed(rng, film.shape, x, y, radius, rough=0.035, edge=2.5, lobes=5)
    soft = 1 + 0.16 * film.grain[window] + 0.10 * fractal_field(rng, film.shape, (10.0,))[window]
    colour = np.array(_CYTOPLASM[kind]) * soft[..., None]
    rim = np.clip(4 * body * (1 - body), 0, 1)
    film.density[window] += body[..., None] * (colour - film.density[window]) + 0.10 * rim[..., None] * _NUCLEUS
    _GRANULES.get(kind, _no_granules)(film, rng, window, body)
    nucleus = _NUCLEI[kind](film, rng, window, x, y, radius) * body
    clump = 1 + _COARSE[kind] * film.grain[window]
    edge = np.clip(4 * nucleus * (1 - nucleus), 0, 1)
    amount = np.clip(clump, 0.45, 1.6) + 0.12 * edge
    film.density[window] += nucleus[..., None] * (amount[..., None] * _NUCLEUS - film.density[window])
    if kind == "basophil":
        _dark_granules(film, rng, window, body)
    if kind == "blast":
        _nucleoli(film, rng, window, nucleus)
        if auer:
            _auer_rod(film, rng, x, y, radius)


_COARSE = {
    "neutrophil": 0.24,
    "band neutrophil": 0.22,
    "eosinophil": 0.22,
    "basophil": 0.18,
    "monocyte": 0.16,
    "lymphocyte": 0.20,
    "blast": 0.085,
}


def _parts(film: Film, window: Window, discs: list[tuple[float, float, float, float, float]]) -> Field:
    """The union of ellipses (x, y, a, b, angle) inside a window, rounded where they meet."""
    total = np.zeros(film.shape)
    for x, y, a, b, angle in discs:
        w, mask, _ = ellipse(film.shape, x, y, a, b, angle, edge=2.0)
        total[w] = np.maximum(total[w], mask)
    result: Field = smoothstep(0.32, 0.68, ndimage.gaussian_filter(total[window], 1.3))
    return result


def _lobes(count: int, size: float, spread: float, bridge: float) -> Callable[..., Field]:
    def make(film: Film, rng: np.random.Generator, window: Window, x: float, y: float, radius: float) -> Field:
        number = count if count == 2 else int(rng.integers(3, count + 1))
        start, turn = rng.uniform(0, 2 * np.pi), rng.choice([-1.0, 1.0])
        discs, last = [], None
        for k in range(number):
            a = start + turn * k * (2.5 if number == 2 else 4.6 / number) + rng.normal(0, 0.12)
            px, py = x + spread * radius * math.cos(a), y + spread * radius * math.sin(a)
            discs.append(
                (
                    px,
                    py,
                    size * radius * rng.uniform(0.9, 1.15),
                    size * radius * rng.uniform(0.7, 0.9),
                    a + rng.uniform(0.9, 2.2),
                )
            )
            if last:
                discs += [
                    (last[0] + t * (px - last[0]), last[1] + t * (py - last[1]), bridge, bridge, 0.0)
                    for t in (0.3, 0.5, 0.7)
                ]
            last = (px, py)
        return _parts(film, window, discs)

    return make


def _arc(sweep: float, spread: float, thick: float) -> Callable[..., Field]:
    def make(film: Film, rng: np.random.Generator, window: Window, x: float, y: float, radius: float) -> Field:
        start = rng.uniform(0, 2 * np.pi)
        discs = [
            (
                x + spread * radius * math.cos(a),
                y + spread * radius * math.sin(a),
                thick * radius * rng.uniform(0.92, 1.08),
                thick * radius,
                a,
            )
            for a in np.linspace(start, start + sweep, 9)
        ]
        return _parts(film, window, discs)

    return make


def _round(share: float, notch: float) -> Callable[..., Field]:
    def make(film: Film, rng: np.random.Generator, window: Window, x: float, y: float, radius: float) -> Field:
        off, a = 0.5 * (1 - share) * radius, rng.uniform(0, 2 * np.pi)
        px, py = x + off * math.cos(a), y + off * math.sin(a)
        w, mask = lobed(rng, film.shape, px, py, share * radius, rough=0.03, edge=2.5, lobes=4)
        total = np.zeros(film.shape)
        total[w] = mask
        if notch and rng.random() < 0.6:
            b = a + math.pi + rng.normal(0, 0.6)
            w, bite, _ = ellipse(
                film.shape,
                px + share * radius * math.cos(b),
                py + share * radius * math.sin(b),
                notch * radius,
                notch * radius * 0.7,
                b,
                edge=3.0,
            )
            total[w] *= 1 - bite
        return total[window]

    return make


_NUCLEI: Mapping[str, Callable[..., Field]] = {
    "neutrophil": _lobes(5, 0.25, 0.44, 1.7),
    "band neutrophil": _arc(3.6, 0.44, 0.24),
    "eosinophil": _lobes(2, 0.38, 0.42, 2.4),
    "basophil": _lobes(3, 0.36, 0.34, 6.0),
    "monocyte": _arc(2.5, 0.34, 0.40),
    "lymphocyte": _round(0.86, 0.0),
    "blast": _round(0.84, 0.22),
}


def _no_granules(film: Film, rng: np.random.Generator, window: Window, body: Field) -> None:
    return


def _fine(film: Film, rng: np.random.Generator, window: Window, body: Field) -> None:
    speckle = smoothstep(0.7, 1.6, fractal_field(rng, film.shape, (1.1,))[window]) * body
    film.density[window] += speckle[..., None] * np.array((0.10, 0.24, 0.06))


def _orange(film: Film, rng: np.random.Generator, window: Window, body: Field) -> None:
    _grains(film, rng, window, body, 300, (2.0, 2.9), np.array((0.12, 0.62, 0.68)))


def _dark_granules(film: Film, rng: np.random.Generator, window: Window, body: Field) -> None:
    _grains(film, rng, window, body, 75, (1.8, 3.0), np.array((1.25, 1.60, 0.62)))


def _vacuoles(film: Film, rng: np.random.Generator, window: Window, body: Field) -> None:
    _fine(film, rng, window, body)
    _grains(film, rng, window, body, 9, (1.8, 3.2), np.array((0.04, 0.05, 0.04)))


_GRANULES: Mapping[str, Callable[[Film, np.random.Generator, Window, Field], None]] = {
    "neutrophil": _fine,
    "band neutrophil": _fine,
    "eosinophil": _orange,
    "monocyte": _vacuoles,
}


def _grains(
    film: Film,
    rng: np.random.Generator,
    window: Window,
    body: Field,
    count: int,
    size: tuple[float, float],
    colour: Field,
) -> None:
    rows, columns = window
    for _ in range(count):
        x, y = rng.uniform(columns.start, columns.stop), rng.uniform(rows.start, rows.stop)
        radius = rng.uniform(*size)
        if (
            body.size
            and body[min(int(y) - rows.start, body.shape[0] - 1), min(int(x) - columns.start, body.shape[1] - 1)] > 0.9
        ):
            w, mask, _ = ellipse(film.shape, x, y, radius, radius, 0.0, edge=1.3)
            film.density[w] += 0.9 * mask[..., None] * (colour * rng.uniform(0.85, 1.15) - film.density[w])


def _nucleoli(film: Film, rng: np.random.Generator, window: Window, nucleus: Field) -> None:
    ys, xs = np.nonzero(nucleus > 0.95)
    if not len(ys):
        return
    for _ in range(int(rng.integers(1, 4))):
        k = int(rng.integers(len(ys)))
        w, mask = lobed(
            rng,
            film.shape,
            xs[k] + window[1].start,
            ys[k] + window[0].start,
            rng.uniform(4.5, 7.0),
            rough=0.06,
            edge=3.0,
        )
        film.density[w] *= 1 - 0.34 * mask[..., None] * np.array((1.0, 0.8, 0.3))


def _auer_rod(film: Film, rng: np.random.Generator, x: float, y: float, radius: float) -> None:
    a = rng.uniform(0, 2 * np.pi)
    w, mask, _ = ellipse(
        film.shape, x + 0.82 * radius * math.cos(a), y + 0.82 * radius * math.sin(a), 8.5, 1.3, a + 1.5, edge=1.2
    )
    film.density[w] += 0.95 * mask[..., None] * (np.array((0.35, 1.30, 0.65)) - film.density[w])


def _smudge(film: Film, rng: np.random.Generator, x: float, y: float) -> None:
    """A crushed cell: naked, streaky chromatin without a border."""
    window, mask = lobed(rng, film.shape, x, y, 30.0, rough=0.20, edge=14.0, stretch=1.4, angle=rng.uniform(0, 3.1))
    streaks = np.clip(0.75 + 0.5 * fractal_field(rng, film.shape, (6.0, 2.0))[window], 0.1, 1.6)
    film.density[window] += (mask * streaks)[..., None] * _SMUDGE


WHITE_CELLS = tuple(_RADIUS)
