"""A drawn case: what one renderer hands to the writer of the teaching corpus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["DrawnCase", "Question", "rng_for"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one case and its true answer; `closed` ones are answered by yes or no."""

    text: str
    answer: str
    kind: Literal["closed", "open"]


@dataclass(frozen=True, slots=True)
class DrawnCase:
    """A simulated case with its report and its ground truth.

    `draw` renders the picture: uint8, (h, w) grey or (h, w, 3) RGB; the same pixels at every call.
    `labels` are findings present, `absent` findings said not to be there, both in the words of the lexicon.
    `day` orders the studies of one patient, in days.
    """

    id: str
    domain: str
    modality: str
    title: str
    report: str
    findings: str
    caption: str
    labels: tuple[str, ...]
    absent: tuple[str, ...]
    patient: str
    study: str
    day: int
    draw: Callable[[], Pixels]
    view: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()


def rng_for(*names: str | int) -> np.random.Generator:
    """A generator of its own for each name, the same on every machine and in every version.

    >>> bool(rng_for("chest", 1).random() == rng_for("chest", 1).random())
    True
    """
    return np.random.Generator(np.random.PCG64([int.from_bytes(str(name).encode(), "big") for name in names]))
