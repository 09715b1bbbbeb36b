"""How the heads that ship are fitted: one general head, and for each domain the mean of several that begin at it.

An interrupt (Ctrl-C) ends everything: half a fit must not be in a mean that ships.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from indexing.encoders.heads import Head, Side
from indexing.encoders.looks import WHOLE, Look, looks_of
from indexing.training.heads import BY_LABELS, HeadOptions, fit_head, fit_head_on_both, standard
from indexing.training.pairs import Pairs

__all__ = ["DOMAIN_WAYS", "FIRST", "LOOKS", "WAYS", "fit_domain_head", "fit_general_head", "mean_head", "widened"]

FIRST = HeadOptions(patience=15)
"""The fit that everything begins at."""

WAYS, DOMAIN_WAYS = (
    tuple(
        replace(options, pictures=weight, seed=seed, rate=4e-3, patience=15)
        for seed, weight in enumerate((0.5, 0.5, 1.0, 1.0))
    )
    for options in (HeadOptions(), BY_LABELS)
)
"""The fits whose mean the general head is, and a domain's. A lower rate stays too near to where they begin, a higher
one parts them."""

LOOKS: Mapping[str, tuple[Look, ...]] = {
    "ultrasound": looks_of("whole@224 trimmed@224"),
    "ophthalmology": looks_of("whole@224 evened@448"),
    "dermatology": looks_of("whole@224 balanced@224 centre@224"),
}
"""How the encoders that ship look at the pictures of a domain; of others they see whole pictures alone. What
chose them stands in docs/training.md."""

Vectors = NDArray[np.float32]
Told = Callable[[int, int], None]
"""Told after every fit: fits done, fits."""


def fit_general_head(learned: Pairs, choosing: Pairs, told: Told = lambda *_: None) -> Head:
    """One head over every domain, of clean pictures: the mean of several fits that begin at a first one."""
    start = fit_head(learned, choosing, FIRST, keep=False)
    heads = []
    for options in WAYS:
        heads.append(fit_head(learned, choosing, options, start, keep=False))
        told(len(heads), len(WAYS))
    return mean_head(heads)


def fit_domain_head(
    clean: tuple[Pairs, Pairs],
    worn: tuple[Pairs, Pairs],
    general: Head,
    looks: tuple[Look, ...] = (WHOLE,),
    told: Told = lambda *_: None,
) -> Head:
    """A domain's head, from pairs of the domain alone whose pictures were looked at so.

    `clean` are those to learn from and those, of other patients, that choose the epochs; `worn` the same with their
    pictures corrupted. Every way is fitted on clean pictures, and on clean and worn ones; each fit then learns from the
    patients that chose its epochs too. The mean of all knows worn pictures and is as good as ever on clean ones.
    """
    learned, choosing = clean
    start = widened(general, learned.images, looks)
    heads = []
    for options in DOMAIN_WAYS:
        for fit, more in ((learned, choosing), (learned + worn[0], choosing + worn[1])):
            heads.append(fit_head_on_both(fit, choosing, more, options, start, keep=False)[0])
            told(len(heads), 2 * len(DOMAIN_WAYS))
    return mean_head(heads)


def widened(head: Head, features: Vectors, looks: tuple[Look, ...]) -> Head:
    """The same head, which takes `features` (n, d) of further looks too: they count nothing yet."""
    image, known = head.image, len(head.image.mean)
    if looks == head.looks:
        return head
    mean, scale = standard(features[:, known:])
    nothing = np.zeros((len(mean), 1), np.float32)
    side = replace(
        image,
        mean=np.concatenate([image.mean, mean]),
        scale=np.concatenate([image.scale, scale * np.float32(np.sqrt(len(mean) / known))]).astype(np.float32),
        skip=np.concatenate([image.skip, nothing.repeat(image.skip.shape[1], axis=1)]),
        down=np.concatenate([image.down, nothing.repeat(image.down.shape[1], axis=1)]),
    )
    return Head(side, head.text, "unsaved", looks)


def mean_head(heads: Sequence[Head]) -> Head:
    """The mean of the weights of heads that began at one head, and so stand in one space; better than each of them, at
    the price of one (model soups, Wortsman et al. 2022)."""

    def mean(sides: Sequence[Side]) -> Side:
        return Side(
            **{field.name: np.mean([getattr(side, field.name) for side in sides], axis=0) for field in fields(Side)}
        )

    images, texts = mean([head.image for head in heads]), mean([head.text for head in heads])
    return Head(images, texts, "unsaved", heads[0].looks)
