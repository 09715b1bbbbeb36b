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

__all__ = ["Calibration", "DomainCalibration", "Part", "RouterCalibration"]

FORMAT = 1

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
    are. `weights` of lists by their sides ("image→image", "words"); a list that is not named keeps its own.
    """

    shift: float = 0.0
    gap: tuple[float, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    def towards_texts(self, images: Vectors) -> Vectors:
        """Picture vectors (n, d) that are to be compared with texts: x − λΔ, unit rows."""
        return self._moved(images, -self.shift)

    def towards_images(self, texts: Vectors) -> Vectors:
        """Text vectors (n, d) that are to be compared with pictures: y + λΔ, unit rows."""
        return self._moved(texts, self.shift)

    def _moved(self, vectors: Vectors, share: float) -> Vectors:
        return unit_rows(vectors + share * np.asarray(self.gap, np.float32)) if share else vectors


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
    `ratio` is the threshold of the selection policy `ratio`, None where it is not in force.
    """

    version: str = ""
    encoders: Mapping[str, str] = field(default_factory=dict)
    router: RouterCalibration = RouterCalibration()
    ratio: float | None = None
    domains: Mapping[str, DomainCalibration] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    seed: int = 0
    share: float = 0.0
    created: str = ""

    @property
    def digest(self) -> str:
        """Names what is in force, 16 hexadecimal digits; empty where nothing is.

        >>> Calibration().digest, len(Calibration(ratio=1.5).digest)
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

    def to_json(self) -> str:
        """Indented JSON."""
        return json.dumps({"format": FORMAT, **asdict(self), "digest": self.digest}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """The inverse of `to_json`; raises `CalibrationError` where the text is damaged or of a newer Curbside."""
        try:
            values = json.loads(text)
            if values.pop("format") > FORMAT:
                raise CalibrationError("The calibration was written by a newer Curbside; update Curbside.")
            digest = values.pop("digest")
            values["router"] = RouterCalibration(**values["router"])
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
            "ratio": self.ratio,
            "domains": {name: asdict(one) for name, one in self.domains.items() if one.shift or one.weights},
        }

    def _check(self) -> None:
        own = self.router
        positive = [value for value in (own.temperature, own.text_temperature, self.ratio) if value is not None]
        weights = [value for one in self.domains.values() for value in one.weights.values()]
        others = [value for one in self.domains.values() for value in (one.shift, *one.gap)]
        if own.floor is not None:
            others.append(own.floor)
        if not all(math.isfinite(value) for value in (*positive, *weights, *others)):
            raise ValueError("a number is not finite")
        if min(positive, default=1) <= 0 or min(weights, default=0) < 0:
            raise ValueError("a number has the wrong sign")
        if any(self._in_force()["router"]) and not own.fingerprint:
            raise ValueError("it does not name its router")


def _domain(values: Mapping[str, Any]) -> DomainCalibration:
    return DomainCalibration(float(values["shift"]), tuple(values["gap"]), dict(values["weights"]))
