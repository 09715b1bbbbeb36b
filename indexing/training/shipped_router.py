"""Fitting the two routers that ship: of pictures, and of words."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.domains import TEXTBOOK
from corpora.language import sentences
from corpora.records import Record
from indexing.describe import joint_text
from indexing.encoders.towers import image_tower, text_tower
from indexing.training.everyday_pictures import everyday_pictures
from indexing.training.home_features import HomeFeatures
from indexing.training.router import RouterFit, fit_router
from indexing.training.split import patient_groups, split_by_patient

__all__ = ["OUTSIDE", "OUTSIDE_CORPORA", "fit_routers"]

OUTSIDE = "outside"
OUTSIDE_CORPORA = "photographs"
"""Corpora whose names begin so hold no medical pictures: they teach the router what to turn away."""

_DRAWINGS = ("drawing", "diagram")
_MADE = 270
_MOST_SENTENCES = 1500

Mask = NDArray[np.bool_]


def fit_routers(
    records: Sequence[Record], features: HomeFeatures, medical: Mask, clinical: Sequence[str],
    tuned: Path | None, path: Path,
) -> dict[str, dict[str, float]]:  # fmt: skip
    """Fit both on the features of one tower, write them to `path`, and give their held-out figures."""
    image, text = _of_pictures(features, medical, clinical, tuned), _of_words(records, clinical)
    _save(image, text, path)
    return {"image router": image.figures, "text router": text.figures}


def _of_pictures(features: HomeFeatures, medical: Mask, clinical: Sequence[str], tuned: Path | None) -> RouterFit:
    """Clinical pictures by domain, drawings of textbooks, and what is no medical picture; figures that show a clinical
    picture are left out, since they belong to two classes."""
    patients = np.array(features.patients)
    pictures = np.isin(features.domains, list(clinical)) & medical
    drawings = (features.domains == TEXTBOOK) & np.isin(features.modalities, _DRAWINGS) & medical
    tower = image_tower("cpu", tuned)
    made = [tower.features(tower.prepare(picture)[None]) for picture in everyday_pictures(_MADE)]
    rows = np.concatenate([features.images[pictures], features.images[~medical], features.images[drawings], *made])
    labels = [
        *features.domains[pictures].tolist(),
        *[OUTSIDE] * int((~medical).sum()),
        *[TEXTBOOK] * int(drawings.sum()),
        *[OUTSIDE] * len(made),
    ]
    names = [*patients[pictures], *patients[~medical], *patients[drawings], *(f"made/{n}" for n in range(len(made)))]
    return fit_router(rows, labels, split_by_patient(names), OUTSIDE)


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


def _save(image: RouterFit, text: RouterFit, path: Path) -> None:
    from safetensors.numpy import save_file

    tensors: dict[str, NDArray[np.float16]] = {}
    metadata: dict[str, str] = {}
    for side, fit in (("image", image), ("text", text)):
        tensors |= {f"{side}.{name}": value.astype(np.float16) for name, value in fit.arrays.items()}
        metadata |= {
            f"{side}.classes": ",".join(fit.classes),
            f"{side}.temperature": f"{fit.temperature:.4f}",
            f"{side}.floor": f"{fit.floor:.4f}",
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata)
    path.chmod(0o644)
