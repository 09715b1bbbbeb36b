"""The router's temperature and the closeness below which a picture is outside, fitted to a home's own records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrievers.calibration.judging import Row, judged, refused, too_few
from retrievers.calibration.values import Part
from retrievers.evaluation.routing import expected_calibration_error
from retrievers.router import OUTSIDE, RouterWeights

__all__ = ["Routed", "fit_floor", "fit_temperature"]

_TEMPERATURES = np.geomspace(0.1, 10.0, 161)
_LEAST_PROBABILITY = 1e-12

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Routed:
    """What the router is told of some records: features (n, d), their domains, their patients."""

    features: Vectors
    domains: tuple[str, ...]
    patients: tuple[str, ...]

    def known(self, classes: Sequence[str]) -> Routed:
        """Those whose domain is a class of the router: it cannot name a domain of a site's own."""
        rows = [row for row, name in enumerate(self.domains) if name in classes]
        return Routed(self.features[rows], tuple(self.domains[r] for r in rows), tuple(self.patients[r] for r in rows))


def fit_temperature(
    side: str, weights: RouterWeights, fitting: Routed, judging: Routed, *, seed: int = 0
) -> tuple[Part, float | None]:
    """The temperature of least negative log-likelihood on the fitting records (Guo et al., ICML 2017).

    Args:
        side: "picture" or "words", for the table.
        weights: The classifier of that side.
        fitting: Records that choose the temperature.
        judging: Records that judge it.
        seed: Of the bootstrap.

    Returns:
        The part, with the expected calibration error of 15 bins before and after among its notes, and the temperature
        where it is kept.
    """
    row = Row(f"temperature, {side}", "all", "NLL")
    fitting, judging = fitting.known(weights.classes), judging.known(weights.classes)
    short = too_few(row, fitting.patients, judging.patients)
    if short is not None:
        return short, None
    losses = [_losses(weights, fitting, value).mean() for value in _TEMPERATURES]
    best = round(float(_TEMPERATURES[int(np.argmin(losses))]), 4)
    before, after = _losses(weights, judging, weights.temperature), _losses(weights, judging, best)
    notes = {
        "ECE before": _error(weights, judging, weights.temperature),
        "ECE after": _error(weights, judging, best),
    }
    value = f"{weights.temperature:.3g} → {best:.3g}"
    part = judged(row, value, before, after, judging.patients, seed=seed, losses=True, notes=notes)
    return part, best if part.kept else None


def fit_floor(
    weights: RouterWeights,
    fitting: Routed,
    judging: Routed,
    everyday: Vectors,
    *,
    rejection: float = 0.01,
    seed: int = 0,
) -> tuple[Part, float | None]:
    """The floor of closeness that turns away a stated share of the fitting pictures.

    It is kept where the mean of two rates gains: medical pictures of the judging patients that are let in, and everyday
    pictures (k, d) that are turned away.
    """
    row = Row("floor, picture", "all", "balanced accuracy")
    short = too_few(row, fitting.patients, judging.patients)
    if short is not None:
        return short, None
    needed = round(1 / rejection)
    if len(fitting.features) < needed:
        return refused(row, f"too few pictures: {len(fitting.features)}, {needed} are needed for 1 in {needed}"), None
    floor = round(float(np.quantile(weights.closeness(fitting.features), rejection)), 4)
    medical, other = len(judging.features), len(everyday)
    scale = np.concatenate([np.full(medical, 0.5 / medical), np.full(other, 0.5 / other)]) * (medical + other)
    rights: list[NDArray[np.float64]] = []
    for value in (weights.floor, floor):
        said = replace(weights, floor=value)
        rights.append(np.concatenate([~_outside(said, judging.features), _outside(said, everyday)]).astype(float))
    names = [*judging.patients, *(f"everyday {number}" for number in range(other))]
    notes = {
        "medical turned away before": round(1 - float(rights[0][:medical].mean()), 4),
        "medical turned away after": round(1 - float(rights[1][:medical].mean()), 4),
        "everyday turned away before": round(float(rights[0][medical:].mean()), 4),
        "everyday turned away after": round(float(rights[1][medical:].mean()), 4),
    }
    value_said = f"{weights.floor:.3f} → {floor:.3f}"
    part = judged(row, value_said, scale * rights[0], scale * rights[1], names, seed=seed, notes=notes)
    return part, floor if part.kept else None


def _outside(weights: RouterWeights, features: Vectors) -> NDArray[np.bool_]:
    """As the router decides: far from everything known, or more likely everyday than anything else."""
    far = weights.closeness(features) < weights.floor
    if OUTSIDE not in weights.classes:
        return np.asarray(far, bool)
    return np.asarray(far | (weights.posterior(features)[:, weights.classes.index(OUTSIDE)] > 0.5), bool)


def _posterior(weights: RouterWeights, routed: Routed, temperature: float) -> NDArray[np.float64]:
    return replace(weights, temperature=temperature).posterior(routed.features).astype(np.float64)


def _losses(weights: RouterWeights, routed: Routed, temperature: float) -> NDArray[np.float64]:
    """Negative log-likelihood (n,) of the right domains."""
    gold = [weights.classes.index(name) for name in routed.domains]
    said = _posterior(weights, routed, temperature)[np.arange(len(gold)), gold]
    return np.asarray(-np.log(np.maximum(said, _LEAST_PROBABILITY)), np.float64)


def _error(weights: RouterWeights, routed: Routed, temperature: float) -> float:
    posterior = _posterior(weights, routed, temperature)
    right = [
        weights.classes[row] == name for row, name in zip(posterior.argmax(1).tolist(), routed.domains, strict=True)
    ]
    return expected_calibration_error(posterior.max(axis=1).tolist(), right)
