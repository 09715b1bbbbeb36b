"""Fits the weights that ship with Curbside on the records of a home: `python -m indexing.training.shipped HOME`.

A head for each clinical domain, a general one over everything (it serves textbooks too), and the router. Figures on
held-out patients go into the weights' metadata and to `weights/figures.json`.
"""

from __future__ import annotations

import json
import sys
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.catalog import Catalog
from corpora.domains import TEXTBOOK
from corpora.home import Home
from corpora.images import ImageStore
from corpora.language import sentences
from corpora.records import Record
from indexing.describe import joint_text
from indexing.encoders.heads import WEIGHTS
from indexing.encoders.towers import image_tower, text_tower
from indexing.training.everyday_pictures import everyday_pictures
from indexing.training.heads import HeadOptions, fit_head, split_by_patient
from indexing.training.home_features import HomeFeatures, home_features
from indexing.training.router import RouterFit, fit_router

__all__ = ["fit_shipped"]

GENERAL = "general"
OUTSIDE = "outside"
_CLINICAL = ("radiology", "ultrasound", "ophthalmology", "dermatology", "pathology")
_PHOTOGRAPHS = "photographs"
_DRAWINGS = ("drawing", "diagram")
_MOST_SENTENCES = 1500

Vectors = NDArray[np.float32]


def fit_shipped(
    home: Home, folder: Path = WEIGHTS, options: HeadOptions = HeadOptions()
) -> dict[str, dict[str, float]]:
    """Fit heads and router on a home and write them to the folder; returns the held-out figures of each.

    A corpus whose name begins with `photographs` counts as outside every domain, and teaches the router alone.
    """
    with Catalog.open(home.catalog_url) as catalog:
        records = list(catalog.records())
    features = home_features(records, ImageStore(home.images))
    figures = _fit_heads(features, folder, options)
    image, text = _image_router(features), _text_router(records)
    figures |= {"image router": image.figures, "text router": text.figures}
    _save_router(image, text, folder / "router.safetensors")
    rounded = {name: {key: round(value, 4) for key, value in row.items()} for name, row in figures.items()}
    (folder / "figures.json").write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
    return rounded


def _fit_heads(features: HomeFeatures, folder: Path, options: HeadOptions) -> dict[str, dict[str, float]]:
    medical = ~_photographs(features)
    held = split_by_patient(features.patients)
    figures = {}
    for name in (*_CLINICAL, GENERAL):
        mine = medical if name == GENERAL else medical & (features.domains == name)
        if not mine.any():
            continue
        head, figures[name] = fit_head(features.pairs(mine & ~held), features.pairs(mine & held), options)
        metadata = {key: f"{value:.4f}" for key, value in figures[name].items()}
        metadata |= {"domain": name, "corpora": ",".join(sorted(set(features.corpora[mine])))}
        head.save(folder / f"{name}.safetensors", metadata)
    return figures


def _image_router(features: HomeFeatures) -> RouterFit:
    """Clinical pictures by domain, drawings of textbooks, and what is no medical picture; figures that show a clinical
    picture are left out, since they belong to two classes."""
    clinical = np.isin(features.domains, _CLINICAL) & (~_photographs(features))
    photographs = _photographs(features)
    drawings = (features.domains == TEXTBOOK) & np.isin(features.modalities, _DRAWINGS) & ~photographs
    tower = image_tower("cpu")
    made = [tower.features(tower.prepare(picture)[None]) for picture in everyday_pictures(210)]
    rows = np.concatenate([features.images[clinical], features.images[photographs], features.images[drawings], *made])
    labels = [
        *features.domains[clinical].tolist(),
        *[OUTSIDE] * int(photographs.sum()),
        *[TEXTBOOK] * int(drawings.sum()),
        *[OUTSIDE] * len(made),
    ]
    patients = np.array(features.patients)
    names = [*patients[clinical], *patients[photographs], *patients[drawings], *(f"made/{n}" for n in range(len(made)))]
    return fit_router(rows, labels, split_by_patient(names), OUTSIDE)


def _photographs(features: HomeFeatures) -> NDArray[np.bool_]:
    return np.char.startswith(features.corpora, _PHOTOGRAPHS)


def _text_router(records: list[Record]) -> RouterFit:
    rng = np.random.default_rng(0)
    said: dict[str, list[str]] = {name: [] for name in (*_CLINICAL, TEXTBOOK)}
    for record in records:
        if not record.corpus.startswith(_PHOTOGRAPHS) and record.domain in said:
            text = record.text or joint_text(record)
            said[record.domain].extend(sentence for sentence in sentences(text) if len(sentence) > 12)
            said[record.domain].extend(_asked(record))
    path = resources.files("indexing.training").joinpath("everyday.txt")
    said[OUTSIDE] = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    texts, labels = [], []
    for name, mine in said.items():
        distinct = sorted(set(mine))
        chosen = [distinct[n] for n in rng.permutation(len(distinct))[:_MOST_SENTENCES]]
        texts.extend(chosen)
        labels.extend([name] * len(chosen))
    vectors = text_tower("cpu").sentence_vectors(texts)
    return fit_router(vectors, labels, split_by_patient(texts), OUTSIDE, dim=128)


def _asked(record: Record) -> list[str]:
    """Questions as people ask them: a router of words must know them, not only reports."""
    asked = [f"Is there {label}?" for label in record.labels[:2]]
    asked += [f"What does {label} look like?" for label in record.labels[:1]]
    return asked if record.kind == "case" else []


def _save_router(image: RouterFit, text: RouterFit, path: Path) -> None:
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


if __name__ == "__main__":
    for row, values in fit_shipped(Home.open(sys.argv[1])).items():
        print(f"{row}: " + ", ".join(f"{name} {value:.3f}" for name, value in values.items()))  # noqa: T201
