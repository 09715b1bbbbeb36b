"""Tower features of a home's records, computed once."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import SourceError
from corpora.images import ImageStore
from corpora.records import Record
from indexing.describe import joint_text, place_of
from indexing.encoders.looks import WHOLE, Look, width_of
from indexing.encoders.towers import IMAGE_DIM, TEXT_DIM, ImageTower, TextTower
from indexing.training.pairs import Pairs
from indexing.training.split import patient_groups

__all__ = ["HomeFeatures", "Row", "features_of", "home_features", "label_texts", "picture_rows", "text_features"]

_BATCH = 16
_WORDINGS = ("{}", "image: {}", "a picture that shows {}", "{} is seen", "image of a patient with {}")
_TAGS = ("asymmetry", "pigment_network", "streaks", "blue_whitish_veil", "dots_globules", "regression_areas")

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Row:
    """One readable picture of a record; `group` names the patients it is split with, where it is not its own alone."""

    record: Record
    digest: str
    group: str = ""

    @property
    def patient(self) -> str:
        """The name by which patients are split."""
        return self.group or self.record.patient_key

    @property
    def tags(self) -> frozenset[str]:
        """Labels, modality, place and what else a record says of how its picture looks."""
        said = self.record.attributes
        looks = (f"{name}: {said[name]}" for name in _TAGS if said.get(name))
        return frozenset((*self.record.labels, self.record.modality, *place_of(self.record), *looks))


@dataclass(frozen=True)
class HomeFeatures:
    """One row a picture: features of picture (n, 2560, and 1280 for each further look) and text (n, 384), what the text
    says, labels, patient, domain, corpus, modality. Where a domain has fewer looks than another, zeros stand.
    """

    images: Vectors
    texts: Vectors
    said: list[str]
    labels: list[frozenset[str]]
    patients: list[str]
    domains: NDArray[np.str_]
    corpora: NDArray[np.str_]
    modalities: NDArray[np.str_]
    label_texts: Mapping[str, Vectors] = field(default_factory=dict)

    def pairs(self, chosen: NDArray[np.bool_], looks: int | None = None) -> Pairs:
        """The chosen rows as training pairs, with so many looks at each picture, or all that there are."""
        images = self.images if looks is None else self.images[:, : width_of(looks, IMAGE_DIM)]
        every = Pairs(
            images, self.texts, self.said, self.labels, self.patients, self.modalities.tolist(), self.label_texts
        )
        return every.rows(np.flatnonzero(chosen))

    def pairs_of(
        self, parts: tuple[NDArray[np.bool_], NDArray[np.bool_]], looks: int | None = None
    ) -> tuple[Pairs, Pairs]:
        """The pairs of two parts: those to learn from, say, and those that choose."""
        learned, choosing = parts
        return self.pairs(learned, looks), self.pairs(choosing, looks)


def picture_rows(records: Iterable[Record], store: ImageStore) -> list[Row]:
    """A row for every picture, with its patient's group among these records; those without pictures are passed over.

    Raises:
        SourceError: a picture is not in the store.
    """
    records = list(records)
    groups = patient_groups(records)
    rows = [
        Row(record, picture.digest, groups[record.uid])
        for record in records
        for picture in record.pictures
        if picture.digest
    ]
    for row in rows:
        store.path(row.digest)
    return rows


def home_features(
    rows: Sequence[Row],
    store: ImageStore,
    tower: ImageTower,
    sentences: TextTower,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    looks: Mapping[str, Sequence[Look]] | None = None,
) -> HomeFeatures:
    """Features of the rows; those of pictures are kept in the folder `cache`, one file a tower and look, and looked up
    there. `looks` says of a domain how its pictures are looked at; where it says nothing, as they are.

    Raises:
        SourceError: a picture of the store cannot be read.
    """
    wanted: dict[tuple[int, Look], list[int]] = {}
    for number, row in enumerate(rows):
        for place, look in enumerate((looks or {}).get(row.record.domain, (WHOLE,))):
            wanted.setdefault((place, look), []).append(number)
    ends = [width_of(looks, IMAGE_DIM) for looks in range(1, 2 + max((place for place, _ in wanted), default=0))]
    images = np.zeros((len(rows), ends[-1]), np.float32)
    for (place, look), numbers in wanted.items():
        digests = [rows[number].digest for number in numbers]
        seen = _picture_features(digests, store, tower, look, cache, progress)
        begin = ends[place - 1] if place else 0
        images[numbers, begin : ends[place]] = seen[:, : ends[place] - begin]
    texts = text_features([joint_text(row.record) for row in rows], sentences)
    return features_of(rows, images, texts, label_texts((row.record.labels for row in rows), sentences.features))


def features_of(
    rows: Sequence[Row], images: Vectors, texts: Vectors, label_texts: Mapping[str, Vectors] | None = None
) -> HomeFeatures:
    """The rows with features of their pictures (n, d), their texts (n, e) and of their labels as texts (e,)."""
    return HomeFeatures(
        images,
        texts,
        [joint_text(row.record) for row in rows],
        [frozenset(row.record.labels) for row in rows],
        [row.patient for row in rows],
        np.array([row.record.domain for row in rows]),
        np.array([row.record.corpus for row in rows]),
        np.array([row.record.modality for row in rows]),
        label_texts or {},
    )


def text_features(said: Sequence[str], sentences: TextTower) -> Vectors:
    """Features (n, 384) of the texts, each distinct one computed once."""
    distinct = list(dict.fromkeys(said))
    if not distinct:
        return np.zeros((0, TEXT_DIM), np.float32)
    place = {text: number for number, text in enumerate(distinct)}
    return sentences.features(distinct)[[place[text] for text in said]]


def label_texts(labels: Iterable[Iterable[str]], encode: Callable[[list[str]], Vectors]) -> dict[str, Vectors]:
    """Features (e,) of each label as a text: the mean of several wordings (UniMed-CLIP, Khattak et al. 2024).

    `encode` gives features (m, e) of texts.
    """
    names = sorted({label for mine in labels for label in mine})
    if not names:
        return {}
    said = encode([wording.format(name) for name in names for wording in _WORDINGS])
    return dict(zip(names, said.reshape(len(names), len(_WORDINGS), -1).mean(axis=1), strict=True))


def _picture_features(
    digests: Sequence[str],
    store: ImageStore,
    tower: ImageTower,
    look: Look,
    cache: Path | None,
    progress: Callable[[int, int], None] | None,
) -> Vectors:
    """Features (n, 2560) of one look at these pictures."""
    seen = tower.digest if look == WHOLE else f"{tower.digest}-{look}"
    path = cache / f"{seen}.npz" if cache else None
    known = _cached(path)
    missing = [digest for digest in dict.fromkeys(digests) if digest not in known]
    before = len(known)
    try:
        for start in range(0, len(missing), _BATCH):
            part = missing[start : start + _BATCH]
            features = tower.features(np.stack([look.prepare(_open(store, digest)) for digest in part]))
            known |= dict(zip(part, features, strict=True))
            if progress:
                progress(min(start + _BATCH, len(missing)), len(missing))
    finally:  # what was computed until an interrupt is kept
        if path is not None and len(known) > before:
            _keep(known, path)
    return np.stack([known[digest] for digest in digests])


def _keep(known: Mapping[str, Vectors], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.partial.npz")
    np.savez(partial, digests=np.array(list(known)), features=np.stack(list(known.values())))
    partial.replace(path)


def _open(store: ImageStore, digest: str) -> Image.Image:
    try:
        return store.open(digest)
    except SourceError as error:
        raise SourceError(
            f"{error} The fit needs every picture; remove the record, or add its corpus again."
        ) from error


def _cached(path: Path | None) -> dict[str, Vectors]:
    """What was computed before; a damaged file counts as none."""
    if path is None or not path.is_file():
        return {}
    try:
        with path.open("rb") as file, np.load(file) as stored:  # a damaged file is left open if NumPy opened it
            return dict(zip(stored["digests"].tolist(), stored["features"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
