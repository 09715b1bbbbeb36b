"""Fitting the two routers that ship: of pictures, and of words.

That of pictures learns from each picture as it is and under two corruptions: noise, blur or a bad copy makes no picture
strange (docs/robustness.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.domains import TEXTBOOK
from corpora.language import sentences
from corpora.records import Record
from indexing.describe import joint_text
from indexing.encoders.towers import IMAGE_DIM, image_tower, text_tower
from indexing.training.everyday_pictures import everyday_pictures
from indexing.training.home_features import HomeFeatures
from indexing.training.router import RouterFit, fit_router
from indexing.training.split import patient_groups, split_by_patient

__all__ = ["OUTSIDE", "OUTSIDE_CORPORA", "fit_picture_router", "fit_routers"]

OUTSIDE = "outside"
OUTSIDE_CORPORA = "photographs"
"""Corpora whose names begin so hold no medical pictures: they teach the router what to turn away."""

_DRAWINGS = ("drawing", "diagram")
_MADE = 540
_MOST_SENTENCES = 1500

_SIDES = ("image", "text")

Mask = NDArray[np.bool_]
Vectors = NDArray[np.float32]


def fit_routers(
    records: Sequence[Record], features: HomeFeatures, corrupted: Sequence[Vectors], medical: Mask,
    clinical: Sequence[str], tuned: Path | None, path: Path,
) -> dict[str, dict[str, float]]:  # fmt: skip
    """Fit both on the features of one tower, write them to `path`, and give their held-out figures.

    `corrupted` are features (n, 2560) of the same pictures under corruptions. A router sees whole pictures alone.
    """
    image = _of_pictures(features, corrupted, medical, clinical, tuned)
    text = _of_words(records, clinical)
    _save({"image": image, "text": text}, path)
    return {"image router": image.figures, "text router": text.figures}


def fit_picture_router(
    features: HomeFeatures, corrupted: Sequence[Vectors], medical: Mask, clinical: Sequence[str],
    tuned: Path | None, path: Path,
) -> dict[str, float]:  # fmt: skip
    """Fit that of pictures alone anew in the file `path`, whose router of words stays; its held-out figures."""
    image = _of_pictures(features, corrupted, medical, clinical, tuned)
    _save({"image": image}, path)
    return image.figures


def _of_pictures(
    features: HomeFeatures, corrupted: Sequence[Vectors], medical: Mask, clinical: Sequence[str], tuned: Path | None
) -> RouterFit:
    """Clinical pictures by domain, drawings of textbooks, and what is no medical picture; figures that show a clinical
    picture are left out, since they belong to two classes. Corrupted pictures are learned from, and judge nothing."""
    patients = np.array(features.patients)
    pictures = np.isin(features.domains, list(clinical)) & medical
    drawings = (features.domains == TEXTBOOK) & np.isin(features.modalities, _DRAWINGS) & medical
    classes = np.where(pictures, features.domains, np.where(drawings, TEXTBOOK, np.where(medical, "", OUTSIDE)))
    used = classes != ""
    learned = used & ~split_by_patient(patients.tolist())
    tower = image_tower("cpu", tuned)
    made = [tower.features(tower.prepare(picture)[None]) for picture in everyday_pictures(_MADE)]
    held = [
        *split_by_patient(patients[used].tolist()),
        *split_by_patient([f"made/{n}" for n in range(_MADE)]),
        *[False] * int(learned.sum() * len(corrupted)),
    ]
    return fit_router(
        np.concatenate([features.images[used, :IMAGE_DIM], *made, *(other[learned] for other in corrupted)]),
        [*classes[used].tolist(), *[OUTSIDE] * _MADE, *classes[learned].tolist() * len(corrupted)],
        np.array(held),
        OUTSIDE,
        dim=256,
        references=512,
    )


def _of_words(records: Sequence[Record], clinical: Sequence[str]) -> RouterFit:
    """Sentences by domain, and lines that are not about medicine. A sentence is held out where every record that says
    it is: split by record, not by sentence, since a report's sentences know each other's domain."""
    rng = np.random.default_rng(0)
    medical = [record for record in records if not record.corpus.startswith(OUTSIDE_CORPORA)]
    said, learned = _said(medical, (*clinical, TEXTBOOK))
    path = resources.files("indexing.training").joinpath("everyday.txt")
    everyday = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    said[OUTSIDE] = set(everyday)
    learned.update(line for line, held in zip(everyday, split_by_patient(everyday), strict=True) if not held)
    texts, labels = [], []
    for name, mine in said.items():
        distinct = sorted(mine)
        chosen = [distinct[n] for n in rng.permutation(len(distinct))[:_MOST_SENTENCES]]
        texts.extend(chosen)
        labels.extend([name] * len(chosen))
    vectors = text_tower("cpu").sentence_vectors(texts)
    return fit_router(vectors, labels, np.array([text not in learned for text in texts]), OUTSIDE, dim=128)


def _said(records: Sequence[Record], domains: Sequence[str]) -> tuple[dict[str, set[str]], set[str]]:
    """The sentences of each domain, and those that a record says which is not held out."""
    groups = patient_groups(records)
    said: dict[str, set[str]] = {name: set() for name in domains}
    learned: set[str] = set()
    for record in records:
        if record.domain not in said:
            continue
        text = record.text or joint_text(record)
        mine = {sentence for sentence in sentences(text) if len(sentence) > 12} | set(_asked(record))
        said[record.domain] |= mine
        if not split_by_patient([groups[record.uid]])[0]:
            learned |= mine
    return said, learned


def _asked(record: Record) -> list[str]:
    """Questions as people ask them: a router of words must know them, not only reports."""
    asked = [f"Is there {label}?" for label in record.labels[:2]]
    asked += [f"What does {label} look like?" for label in record.labels[:1]]
    return asked if record.kind == "case" else []


def _save(fits: Mapping[str, RouterFit], path: Path) -> None:
    """Write these sides; one that is not given stays as it is in the file."""
    from safetensors import safe_open
    from safetensors.numpy import save_file

    tensors: dict[str, NDArray[np.float16]] = {}
    metadata: dict[str, str] = {}
    if len(fits) < len(_SIDES):
        with safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for side, fit in fits.items():
        tensors |= {f"{side}.{name}": value.astype(np.float16) for name, value in fit.arrays.items()}
        metadata |= {
            f"{side}.classes": ",".join(fit.classes),
            f"{side}.temperature": f"{fit.temperature:.4f}",
            f"{side}.floor": f"{fit.floor:.4f}",
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata)
    path.chmod(0o644)
