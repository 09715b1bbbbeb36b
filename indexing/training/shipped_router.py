"""Fitting the two routers that ship: of pictures, and of words.

That of pictures learns from each picture as it is and under two corruptions: noise, blur or a bad copy makes no picture
strange (docs/robustness.md).
"""

from __future__ import annotations

from collections import Counter
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

__all__ = ["OUTSIDE", "OUTSIDE_CORPORA", "fit_picture_router", "fit_routers", "fit_word_router"]

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


def fit_word_router(records: Sequence[Record], clinical: Sequence[str], path: Path) -> dict[str, float]:
    """Fit that of words alone anew in the file `path`, whose router of pictures stays; its held-out figures."""
    text = _of_words(records, clinical)
    _save({"text": text}, path)
    return text.figures


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
    """Sentences by domain, questions for findings, and lines that are not about medicine.

    A line is held out where every record that says it is: split by record, not by sentence, since a report's sentences
    know each other's domain. A question counts half the root of how many records of the domain it may be asked of: who
    asks for a finding asks where it is common.
    """
    rng = np.random.default_rng(0)
    medical = [record for record in records if not record.corpus.startswith(OUTSIDE_CORPORA)]
    said, asked = _said(medical, (*clinical, TEXTBOOK))
    learned = {line for lines in said.values() for line, teachers in lines.items() if teachers}
    rows: list[tuple[str, str, float]] = []
    for name, lines in said.items():
        distinct = sorted(lines)
        some = {distinct[n] for n in rng.permutation(len(distinct))[:_MOST_SENTENCES]} | (asked & lines.keys())
        # What only held-out records of this domain say, and others of another one, teaches and judges nothing.
        kept = [line for line in sorted(some) if lines[line] or line not in learned]
        rows += [(line, name, max(1, lines[line]) ** 0.5 / 2 if line in asked else 1.0) for line in kept]
    path = resources.files("indexing.training").joinpath("everyday.txt")
    everyday = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    rows += [(line, OUTSIDE, 1.0) for line in everyday]
    learned.update(line for line, held in zip(everyday, split_by_patient(everyday), strict=True) if not held)
    texts = [line for line, _, _ in rows]
    return fit_router(
        text_tower("cpu").sentence_vectors(texts),
        [name for _, name, _ in rows],
        np.array([line not in learned for line in texts]),
        OUTSIDE,
        dim=128,
        weights=np.array([weight for _, _, weight in rows], np.float32),
        strength=0.2,
    )


def _said(records: Sequence[Record], domains: Sequence[str]) -> tuple[dict[str, Counter[str]], set[str]]:
    """The lines of each domain with how many records say each that are not held out, and which of them are asked."""
    groups = patient_groups(records)
    said: dict[str, Counter[str]] = {name: Counter() for name in domains}
    asked: set[str] = set()
    for record in records:
        if record.domain not in said:
            continue
        text = record.text or joint_text(record)
        questions = set(_asked(record))
        asked |= questions
        teaches = int(not split_by_patient([groups[record.uid]])[0])
        for line in {sentence for sentence in sentences(text) if len(sentence) > 12} | questions:
            said[record.domain][line] += teaches
    return said, asked


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
