"""What a head is fitted on: the packaged towers, or the vectors of any other encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.home import Home
from corpora.images import ImageStore
from indexing.encoders.embedded import GENERAL
from indexing.encoders.heads import Head, load_head, packaged_heads, tower_of, weights_folder
from indexing.encoders.licences import licence_of
from indexing.encoders.looks import WHOLE, Look
from indexing.encoders.published import WeightsLicence
from indexing.encoders.registry import open_encoder
from indexing.encoders.towers import ImageTower, image_tower, text_tower
from indexing.training.encoder_vectors import picture_vectors, text_vectors
from indexing.training.home_features import HomeFeatures, Row, features_of, home_features, label_texts
from indexing.training.home_tower import Say
from indexing.training.pairs import figures_of

__all__ = ["Base", "encoder_base", "packaged_base"]


@dataclass(frozen=True)
class Base:
    """The features a head is fitted on, where it starts, and what served before, with its held-out figures.

    `tower` is the tuned tower's file (None: as the package brings it), `on` the spec of another encoder, or `embedded`;
    `fingerprint` is that of the other encoder. `looks` are those at pictures that the features are of.
    """

    on: str
    features: HomeFeatures
    start: Head | None
    tower: Path | None
    licence: WeightsLicence
    before: dict[str, float]
    baseline: str
    fingerprint: str = ""
    looks: tuple[Look, ...] = (WHOLE,)


def packaged_base(
    home: Home, rows: Sequence[Row], held: NDArray[np.bool_], tuned: Path | None, licences: str, device: str, say: Say
) -> Base:
    """Features of the packaged towers; `tuned` is a tower tuned for this fit, else the shipped one serves."""
    weights, domain = weights_folder(licences), rows[0].record.domain
    shipped_tower = tower_of(weights)
    head = load_head(domain if domain in packaged_heads(weights) else GENERAL, weights)
    store, cache = ImageStore(home.images), home.models / "features"

    def seen_by(tower: ImageTower) -> HomeFeatures:
        return home_features(
            rows, store, tower, text_tower(device), cache,
            lambda done, most: say("features", done, most, ""), {domain: head.looks},
        )  # fmt: skip

    shipped = seen_by(image_tower(device, shipped_tower))
    judged = shipped.pairs(held)
    before = figures_of(head.image(judged.images), head.text(judged.texts), judged)
    licence, baseline = licence_of(f"embedded:{domain}", licences=licences), "the encoder that ships for this domain"
    if tuned is None:
        return Base("embedded", shipped, head, shipped_tower, licence, before, baseline, looks=head.looks)
    fresh = ImageTower(device, tuned)  # not the one that is remembered: an earlier fit may have had the same name
    return Base("embedded", seen_by(fresh), None, tuned, licence, before, baseline, looks=head.looks)


def encoder_base(
    home: Home, rows: Sequence[Row], held: NDArray[np.bool_], spec: str, licences: str, device: str, say: Say
) -> Base:
    """The vectors of another encoder, which are what served before."""
    encoder = open_encoder(spec, device, home.path, licences)
    features = features_of(
        rows,
        picture_vectors(encoder, rows, ImageStore(home.images), lambda done, most: say("features", done, most, "")),
        text_vectors(encoder, rows),
        label_texts((row.record.labels for row in rows), encoder.encode_texts),
    )
    judged = features.pairs(held)
    before = figures_of(judged.images, judged.texts, judged)
    licence = licence_of(spec, home.path, licences)
    return Base(spec, features, None, None, licence, before, f"{spec} as it came", encoder.fingerprint)
