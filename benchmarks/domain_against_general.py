"""Each domain's head against the general one, cross-validated: every patient of a home asks once.

`python -m benchmarks.domain_against_general HOME [FOLDS [WEIGHTS]]`, where WEIGHTS is a folder whose tower is taken.

The heads are fitted anew for every fold by the recipe of those that ship, on real clinical pictures alone, with the
features of the tower that ships, and asked for patients whom neither head has seen. The tower has seen those who are
not held out everywhere: what is compared are heads, and both stand on the same tower.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.catalog import Catalog
from corpora.home import Home
from corpora.images import ImageStore
from indexing.encoders.heads import Head, tower_of, weights_folder
from indexing.encoders.looks import WHOLE
from indexing.encoders.towers import image_tower, text_tower
from indexing.training.corrupted_features import worn
from indexing.training.home_features import HomeFeatures, Row, home_features, picture_rows
from indexing.training.pairs import Pairs
from indexing.training.shipped import CLINICAL
from indexing.training.shipped_heads import LOOKS, fit_domain_head, fit_general_head
from indexing.training.shipped_router import OUTSIDE_CORPORA
from indexing.training.split import folds_by_patient, stop_by_patient
from retrievers.evaluation.encoders import judge_domain
from retrievers.evaluation.measures import Interval, bootstrap_mean, paired_difference
from retrievers.evaluation.spaces import DOMAIN, GENERAL, DomainCases, Space, clinical_tags

Key = tuple[str, str, str]
Values = dict[Key, list[tuple[str, float, float]]]
"""By domain, direction and measure: patient, the domain's value and the general one's, of every query."""


def run(home: Home, folds: int = 5, weights: Path | None = None) -> dict[Key, tuple[Interval, Interval, Interval]]:
    """Domain, general, and their paired difference, with 95 % intervals over patients (bootstrap)."""
    rows, features, copies = _data(home, tower_of(weights or weights_folder()))
    fold = folds_by_patient(features.patients, folds)
    values: Values = defaultdict(list)
    for number in range(folds):
        asked = fold == number
        stop = stop_by_patient(features.patients, held=asked)
        general = fit_general_head(features.pairs(~asked & ~stop, looks=1), features.pairs(stop, looks=1))
        for domain in copies:
            mine = features.domains == domain
            looks = LOOKS.get(domain, (WHOLE,))
            parts = (mine & ~asked & ~stop, mine & stop)
            head = fit_domain_head(features.pairs_of(parts, len(looks)), copies[domain].pairs_of(parts), general, looks)
            for key, told in _asked(domain, rows, features, asked, {DOMAIN: head, GENERAL: general}):
                values[key].extend(told)
        print(f"fold {number + 1} of {folds}", flush=True)
    return {key: _compared(told) for key, told in values.items()}


def _data(home: Home, tuned: Path | None) -> tuple[list[Row], HomeFeatures, dict[str, HomeFeatures]]:
    """The rows, their features, and by domain those of its pictures corrupted."""
    store = ImageStore(home.images)
    with Catalog.open(home.catalog_url) as catalog:
        records = list(catalog.records())
    rows = [
        row
        for row in picture_rows(records, store)
        if row.record.domain in CLINICAL and not row.record.corpus.startswith(OUTSIDE_CORPORA) and not row.record.drawn
    ]
    tower, cache = image_tower("cpu", tuned), home.models / "features"
    features = home_features(rows, store, tower, text_tower("cpu"), cache, looks=LOOKS)
    copies = {}
    for domain in (name for name in CLINICAL if (features.domains == name).any()):
        copies[domain] = worn(features, rows, features.domains == domain, store, tower, LOOKS.get(domain, (WHOLE,)))
        print(f"{domain}: pictures corrupted", flush=True)
    return rows, features, copies


def _asked(
    domain: str, rows: list[Row], features: HomeFeatures, asked: NDArray[np.bool_], heads: Mapping[str, Head]
) -> Iterator[tuple[Key, list[tuple[str, float, float]]]]:
    """What the pictures of the domain that are asked for found among all of them."""
    mine = features.domains == domain
    pairs: Pairs = features.pairs(mine)
    kept = [rows[n] for n in np.flatnonzero(mine).tolist()]
    tags, judged_by = clinical_tags(domain, kept)
    cases = DomainCases(domain, kept, pairs, None, tags, judged_by, asked[mine])
    spaces = {name: Space(head.image(pairs.images), head.text(pairs.texts)) for name, head in heads.items()}
    for direction in judge_domain(cases, spaces).directions:
        patients = [pairs.patients[row] for row in direction.asked.tolist()]
        ours, theirs = (direction.answers[name].values for name in (DOMAIN, GENERAL))
        for measure in ours:
            told = zip(patients, ours[measure].tolist(), theirs[measure].tolist(), strict=True)
            yield (domain, direction.name, measure), list(told)


def _compared(told: list[tuple[str, float, float]]) -> tuple[Interval, Interval, Interval]:
    patients = [patient for patient, _, _ in told]
    ours, theirs = [one for _, one, _ in told], [other for _, _, other in told]
    return bootstrap_mean(ours, patients), bootstrap_mean(theirs, patients), paired_difference(ours, theirs, patients)


if __name__ == "__main__":
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    found = run(Home.open(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5, folder)
    for (domain, direction, measure), (ours, theirs, more) in sorted(found.items()):
        told = f"{domain:14} {direction:12} {measure:10} {ours.mean:.3f}  {theirs.mean:.3f}  "
        print(f"{told}{more.mean:+.3f} ({more.low:+.3f} … {more.high:+.3f}) of {ours.queries}")
