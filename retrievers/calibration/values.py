"""The calibration of a home as a value: what is in force, and the figures that put it there."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora.errors import CalibrationError
from indexing.encoders.base import unit_rows
from retrievers.fusion import Fusion, LearnedWeights, ReciprocalRank, fusion_method
from retrievers.relevance import FEATURES, RelevanceModel
from retrievers.selection import FixedK, Gap, Mass, Policy, RiskControlled, TopRatio

__all__ = ["Calibration", "DomainCalibration", "Part", "RouterCalibration", "SelectionCalibration"]

FORMAT = 2

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RouterCalibration:
    """What replaces the router's own numbers; None leaves them.

    `temperature` of pictures and of `text_temperature` of words divide the logits; `floor` is the closeness below which
    a picture is outside. `fingerprint` names the router that they were fitted on.
    """

    temperature: float | None = None
    text_temperature: float | None = None
    floor: float | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class DomainCalibration:
    """What is in force in one domain.

    `shift` is λ and `gap` is Δ (d,), the mean picture vector less the mean text vector; λ = 0 leaves vectors as they
    are. `weights` of lists by their sides ("image→image", "words"); a list that is not named keeps its own. `learned`
    are the weights of the fusion `learned`, `relevance` the models by what is asked ("picture", "words").
    """

    shift: float = 0.0
    gap: tuple[float, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    learned: Mapping[str, float] = field(default_factory=dict)
    relevance: Mapping[str, RelevanceModel] = field(default_factory=dict)

    @property
    def in_force(self) -> bool:
        """Whether anything of it changes a search."""
        return bool(self.shift or self.weights or self.learned or self.relevance)

    def towards_texts(self, images: Vectors) -> Vectors:
        """Picture vectors (n, d) that are to be compared with texts: x − λΔ, unit rows."""
        return self._moved(images, -self.shift)

    def towards_images(self, texts: Vectors) -> Vectors:
        """Text vectors (n, d) that are to be compared with pictures: y + λΔ, unit rows."""
        return self._moved(texts, self.shift)

    def _moved(self, vectors: Vectors, share: float) -> Vectors:
        return unit_rows(vectors + share * np.asarray(self.gap, np.float32)) if share else vectors


@dataclass(frozen=True, slots=True)
class SelectionCalibration:
    """Which selection policy won (`policy`, empty where none did), and the fitted value of each.

    A policy that did not win is off, but whoever names it in the settings gets it with its fitted value. `k`, `alpha`,
    `delta` and `questions` are those of the risk-controlled number of hits; k is 0 where no number passed the test.
    """

    policy: str = ""
    gap: float | None = None
    ratio: float | None = None
    mass: float | None = None
    k: int = 0
    alpha: float = 0.0
    delta: float = 0.0
    questions: int = 0

    def winner(self) -> Policy:
        """The policy that won, else a fixed number."""
        named: dict[str, Policy] = {"gap": Gap(), "ratio": TopRatio(), "mass": Mass()}
        return self.fitted(named.get(self.policy, FixedK()))

    def fitted(self, policy: Policy) -> Policy:
        """The policy with the value that was fitted for it, where one was."""
        if isinstance(policy, Gap) and self.gap is not None:
            return Gap(self.gap)
        if isinstance(policy, TopRatio) and self.ratio is not None:
            return TopRatio(self.ratio)
        if isinstance(policy, Mass) and self.mass is not None:
            return Mass(self.mass)
        if isinstance(policy, RiskControlled) and self.k:
            return RiskControlled(self.k, self.alpha, self.delta, self.questions)
        return policy


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the table: what was fitted, and how it did on patients that did not fit it.

    `before`, `after` are means of `measure`; `gain` is their difference, better upwards, with its 95 % interval over
    patients (`low`, `high`); all are None where nothing could be measured. `notes` are further figures.
    """

    name: str
    domain: str
    measure: str
    kept: bool
    reason: str
    value: str = ""
    before: float | None = None
    after: float | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    queries: int = 0
    patients: int = 0
    notes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Calibration:
    """What is in force in a home, for which index and encoders, with the figures of every part that was tried.

    `version` is the label of the index version it was fitted on, `encoders` are that version's fingerprints by spec;
    `fusion` names the fusion that won over reciprocal ranks, empty where none did.
    """

    version: str = ""
    encoders: Mapping[str, str] = field(default_factory=dict)
    router: RouterCalibration = RouterCalibration()
    selection: SelectionCalibration = SelectionCalibration()
    fusion: str = ""
    domains: Mapping[str, DomainCalibration] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    seed: int = 0
    share: float = 0.0
    created: str = ""

    @property
    def digest(self) -> str:
        """Names what is in force, 16 hexadecimal digits; empty where nothing is.

        >>> Calibration().digest, len(Calibration(fusion="standardised").digest)
        ('', 16)
        """
        values = self._in_force()
        if not any(values.values()):
            return ""
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

    def mismatch(self, encoders: Mapping[str, str], router: str) -> str:
        """Why it cannot serve an index of these encoders and a router of this fingerprint; empty where it can."""
        for spec, fingerprint in self.encoders.items():
            if encoders.get(spec) != fingerprint:
                had = encoders.get(spec, "none of that name")
                return f"It was fitted with the encoder {fingerprint}, the index has {had}; run: curbside calibrate."
        if self.router.fingerprint not in ("", router):
            return "It was fitted on another router than the one installed; run: curbside calibrate."
        return ""

    def chosen_fusion(self) -> Fusion:
        """The fusion that won, else that of reciprocal ranks."""
        return self.fitted(fusion_method(self.fusion) if self.fusion else ReciprocalRank())

    def fitted(self, fusion: Fusion) -> Fusion:
        """The fusion with the weights that were learned for it, where any were."""
        if isinstance(fusion, LearnedWeights) and not fusion.weights:
            return LearnedWeights({name: one.learned for name, one in self.domains.items() if one.learned})
        return fusion

    def to_json(self) -> str:
        """Indented JSON."""
        return json.dumps({"format": FORMAT, **asdict(self), "digest": self.digest}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """The inverse of `to_json`; raises `CalibrationError` where the text is damaged or of a newer Curbside."""
        try:
            values = json.loads(text)
            written = values.pop("format")
            if written > FORMAT:
                raise CalibrationError("The calibration was written by a newer Curbside; update Curbside.")
            if written < FORMAT:
                raise CalibrationError("The calibration was written by an earlier Curbside; run: curbside calibrate.")
            digest = values.pop("digest")
            values["router"] = RouterCalibration(**values["router"])
            values["selection"] = SelectionCalibration(**values["selection"])
            values["domains"] = {name: _domain(one) for name, one in values["domains"].items()}
            values["parts"] = tuple(Part(**part) for part in values["parts"])
            calibration = cls(**values)
            calibration._check()
            if calibration.digest != digest:
                raise ValueError("its values are not those that were stored")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CalibrationError(f"The calibration is damaged ({error}); run: curbside calibrate.") from error
        return calibration

    def _in_force(self) -> dict[str, Any]:
        router = {
            one.name: getattr(self.router, one.name) for one in fields(RouterCalibration) if one.name != "fingerprint"
        }
        return {
            "router": {name: value for name, value in router.items() if value is not None},
            "selection": asdict(self.selection) if self.selection != SelectionCalibration() else {},
            "fusion": self.fusion,
            "domains": {name: asdict(one) for name, one in self.domains.items() if one.in_force},
        }

    def _check(self) -> None:
        own = self.router
        chosen = self.selection
        positive = [
            value
            for value in (own.temperature, own.text_temperature, chosen.gap, chosen.ratio, chosen.mass)
            if value is not None
        ]
        weights = [v for one in self.domains.values() for v in (*one.weights.values(), *one.learned.values())]
        others = [value for one in self.domains.values() for value in (one.shift, *one.gap)]
        models = [model for one in self.domains.values() for model in one.relevance.values()]
        others += [value for model in models for value in (model.bias, *model.weights, *model.mean, *model.scale)]
        others += [chosen.k, chosen.alpha, chosen.delta]
        if own.floor is not None:
            others.append(own.floor)
        if not all(math.isfinite(value) for value in (*positive, *weights, *others)):
            raise ValueError("a number is not finite")
        if min(positive, default=1) <= 0 or min(weights, default=0) < 0:
            raise ValueError("a number has the wrong sign")
        if any(self._in_force()["router"]) and not own.fingerprint:
            raise ValueError("it does not name its router")
        if any(len(values) != len(FEATURES) for one in models for values in (one.weights, one.mean, one.scale)):
            raise ValueError("a model of relevance has the wrong length")
        if any(value <= 0 for one in models for value in one.scale):
            raise ValueError("a model of relevance has the wrong sign")
        if chosen.policy not in ("", "gap", "ratio", "mass"):
            raise ValueError(f"there is no selection policy {chosen.policy!r}")
        if self.fusion not in ("", "standardised", "learned"):
            raise ValueError(f"there is no fusion {self.fusion!r}")


def _domain(values: Mapping[str, Any]) -> DomainCalibration:
    models = {
        asked: RelevanceModel(
            tuple(model["weights"]), float(model["bias"]), tuple(model["mean"]), tuple(model["scale"])
        )
        for asked, model in values["relevance"].items()
    }
    return DomainCalibration(
        float(values["shift"]), tuple(values["gap"]), dict(values["weights"]), dict(values["learned"]), models
    )
