"""How the heads that ship are fitted: one general head, and for each domain the mean of several that begin at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

import numpy as np

from indexing.encoders.heads import Head, Side
from indexing.training.heads import HeadOptions, Pairs, fit_head

__all__ = ["FIRST", "WAYS", "fit_domain_head", "fit_general_head", "mean_head"]

FIRST = HeadOptions(patience=15)
"""The fit that everything begins at."""

WAYS = tuple(
    HeadOptions(pictures=weight, seed=seed, rate=4e-3, patience=15) for seed, weight in enumerate((0.5, 0.5, 1.0, 1.0))
)
"""The fits whose mean a head is. A lower rate stays too near to where they begin, a higher one parts them."""

Told = Callable[[int, int], None]
"""Told after every fit: fits done, fits."""


def fit_general_head(learned: Pairs, choosing: Pairs, told: Told = lambda *_: None) -> Head:
    """One head over every domain: the mean of several fits that begin at a first one, as a domain's do."""
    return _mean_of(learned, choosing, fit_head(learned, choosing, FIRST), told)


def fit_domain_head(learned: Pairs, choosing: Pairs, general: Head, told: Told = lambda *_: None) -> Head:
    """A domain's head, from pairs of the domain alone; `choosing` are of other patients and choose the epochs."""
    return _mean_of(learned, choosing, general, told)


def mean_head(heads: Sequence[Head]) -> Head:
    """The mean of the weights of heads that began at one head, and so stand in one space; better than each of them, at
    the price of one (model soups, Wortsman et al. 2022)."""

    def mean(sides: Sequence[Side]) -> Side:
        return Side(
            **{field.name: np.mean([getattr(side, field.name) for side in sides], axis=0) for field in fields(Side)}
        )

    return Head(mean([head.image for head in heads]), mean([head.text for head in heads]), digest="unsaved")


def _mean_of(learned: Pairs, choosing: Pairs, start: Head, told: Told) -> Head:
    heads = []
    for options in WAYS:
        heads.append(fit_head(learned, choosing, options, start))
        told(len(heads), len(WAYS))
    return mean_head(heads)
