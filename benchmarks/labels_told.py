"""What bounds precision@5 of labels: how surely the features that a domain's head takes tell them at all.

`python -m benchmarks.labels_told HOME [WEIGHTS]`

For each clinical domain of a home one logistic regression a label learns from the real pictures of everyone who is not
held out. It is told the labels (in radiology the body region) outright, which a head never is. How often the label that
it holds likeliest for a held-out picture is right stands beside the precision@5 of its probabilities taken as vectors,
and beside that of the head, both judged as `eval encoders --held-out` does.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from corpora.catalog import Catalog
from corpora.home import Home
from corpora.images import ImageStore
from indexing.encoders.base import unit_rows
from indexing.encoders.heads import load_head, tower_of, weights_folder
from indexing.encoders.towers import image_tower, text_tower
from indexing.training.heads import standard
from indexing.training.home_features import home_features
from indexing.training.shipped import CLINICAL
from indexing.training.shipped_heads import LOOKS
from retrievers.evaluation.encoders import judge_domain
from retrievers.evaluation.spaces import DOMAIN, DomainCases, Space, domain_cases, evaluated_rows

TOLD = "told the labels"


@dataclass(frozen=True)
class Bound:
    """Of one domain: held-out pictures that ask, labels, how often the likeliest is right, and the two precisions@5."""

    domain: str
    pictures: int
    labels: int
    first_right: float
    told: float
    head: float


def run(home: Home, weights: Path, strength: float = 30.0) -> Iterator[Bound]:
    """The bound of each clinical domain; `strength` is the regression's C (rows of features have about unit length)."""
    store = ImageStore(home.images)
    with Catalog.open(home.catalog_url) as catalog:
        rows = [row for row in evaluated_rows(catalog.records(), store) if row.record.domain in CLINICAL]
    tower, cache = image_tower("cpu", tower_of(weights)), home.models / "features"
    features = home_features(rows, store, tower, text_tower("cpu"), cache, looks=LOOKS)
    for cases in domain_cases(rows, features, None, held_out=True):
        if cases.asked.any():
            yield _bound(cases, weights, strength)


def _bound(cases: DomainCases, weights: Path, strength: float) -> Bound:
    head = load_head(cases.domain, weights)
    tagged = np.array([bool(tags) for tags in cases.tags])
    names = sorted({tag for tags, asked in zip(cases.tags, cases.asked, strict=True) if not asked for tag in tags})
    seen = cases.pairs.images[:, : len(head.image.mean)]  # further columns are other domains' looks
    chances = _told(seen, cases.tags, names, ~cases.asked & tagged, strength)
    spaces = {
        DOMAIN: Space(head.image(cases.pairs.images), head.text(cases.pairs.texts)),
        TOLD: Space(unit_rows(np.sqrt(chances))),
    }
    found = judge_domain(cases, spaces).directions[-1]
    right = [names[chances[row].argmax()] in cases.tags[row] for row in found.asked.tolist()]
    told, ours = (found.means[name]["P@5"].mean for name in (TOLD, DOMAIN))
    return Bound(cases.domain, len(right), len(names), float(np.mean(right)), told, ours)


def _told(
    images: NDArray[np.float32],
    tags: Sequence[Collection[str]],
    names: list[str],
    learned: NDArray[np.bool_],
    strength: float,
) -> NDArray[np.float32]:
    """The probability of each label for each picture (n, labels), by features (n, d)."""
    mean, scale = standard(images[learned])
    x = (images - mean) * scale
    y = np.array([[name in mine for name in names] for mine in tags])
    model: Any = OneVsRestClassifier(LogisticRegression(C=strength, max_iter=500))
    result: NDArray[np.float32] = model.fit(x[learned], y[learned]).predict_proba(x).astype(np.float32)
    return result


if __name__ == "__main__":
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else weights_folder()
    print(f"{'domain':14} pictures  labels  first right  P@5 told  P@5 head")
    for bound in run(Home.open(sys.argv[1]), folder):
        told = f"{bound.first_right:11.3f}  {bound.told:8.3f}  {bound.head:8.3f}"
        print(f"{bound.domain:14} {bound.pictures:8}  {bound.labels:6}  {told}", flush=True)
