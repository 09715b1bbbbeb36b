"""What a head is fitted on: the packaged towers, or the vectors of any other encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpora.home import Home
from corpora.images import ImageStore
from indexing.encoders.base import Encoder
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

__all__ = ["Base", "encoder_base", "packaged_base", "served_figures"]


@dataclass(frozen=True)
class Base:
    """The features a head is fitted on, and where it starts.

    `tower` is the tuned tower's file (None: as the package brings it), `on` the spec of another encoder, or `embedded`;
    `fingerprint` is that of the other encoder. `looks` are those at pictures that the features are of.
    """

    on: str
    features: HomeFeatures
    start: Head | None
    tower: Path | None
    licence: WeightsLicence
    fingerprint: str = ""
    looks: tuple[Look, ...] = (WHOLE,)


def packaged_base(home: Home, rows: Sequence[Row], tuned: Path | None, licences: str, device: str, say: Say) -> Base:
    """Features of the packaged towers; `tuned` is a tower tuned for this fit, else the shipped one serves."""
    weights, domain = weights_folder(licences), rows[0].record.domain
    head = _shipped_head(domain, weights)
    licence = licence_of(f"embedded:{domain}", licences=licences)
    if tuned is None:
        features = _packaged_features(home, rows, head, image_tower(device, tower_of(weights)), say)
        return Base("embedded", features, head, tower_of(weights), licence, looks=head.looks)
    fresh = ImageTower(device, tuned)  # not the one that is remembered: an earlier fit may have had the same name
    return Base("embedded", _packaged_features(home, rows, head, fresh, say), None, tuned, licence, looks=head.looks)


def encoder_base(home: Home, rows: Sequence[Row], spec: str, licences: str, device: str, say: Say) -> Base:
    """The vectors of another encoder."""
    encoder = open_encoder(spec, device, home.path, licences)
    licence = licence_of(spec, home.path, licences)
    return Base(spec, _encoder_features(home, rows, encoder, say), None, None, licence, encoder.fingerprint)


def served_figures(
    home: Home, rows: Sequence[Row], spec: str, licences: str, device: str, say: Say
) -> dict[str, float]:
    """What the encoder of that spec reaches on these rows, all of one domain.

    Raises:
        ModelError: it cannot be opened, or takes no pictures.
        LicenceError: `licences` refuses its weights.
    """
    weights, domain = weights_folder(licences), rows[0].record.domain
    everything = np.ones(len(rows), bool)
    if spec != f"embedded:{domain}":
        features = _encoder_features(home, rows, open_encoder(spec, device, home.path, licences), say)
        judged = features.pairs(everything)
        return figures_of(judged.images, judged.texts, judged)
    head = _shipped_head(domain, weights)  # whose features are kept from one fit to the next
    judged = _packaged_features(home, rows, head, image_tower(device, tower_of(weights)), say).pairs(everything)
    return figures_of(head.image(judged.images), head.text(judged.texts), judged)


def _shipped_head(domain: str, weights: Path) -> Head:
    return load_head(domain if domain in packaged_heads(weights) else GENERAL, weights)


def _packaged_features(home: Home, rows: Sequence[Row], head: Head, tower: ImageTower, say: Say) -> HomeFeatures:
    return home_features(
        rows, ImageStore(home.images), tower, text_tower(tower.device), home.models / "features",
        lambda done, most: say("features", done, most, ""), {rows[0].record.domain: head.looks},
    )  # fmt: skip


def _encoder_features(home: Home, rows: Sequence[Row], encoder: Encoder, say: Say) -> HomeFeatures:
    return features_of(
        rows,
        picture_vectors(encoder, rows, ImageStore(home.images), lambda done, most: say("features", done, most, "")),
        text_vectors(encoder, rows),
        label_texts((row.record.labels for row in rows), encoder.encode_texts),
    )
