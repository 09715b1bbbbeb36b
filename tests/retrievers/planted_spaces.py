"""Pictures and texts whose right answers can be counted by hand, and spaces of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from corpora.images import ImageStore
from corpora.records import Picture, Record
from indexing.describe import joint_text
from indexing.encoders.base import unit_rows
from indexing.training.home_features import HomeFeatures, Row, features_of
from retrievers.evaluation.encoders import Direction, DomainResult, judge_domain
from retrievers.evaluation.spaces import Space, domain_cases, evaluated_rows
from tests.conftest import picture, png_bytes

CASES = 24
GROUPS = 4


def made(number: int, store: ImageStore, **changes: Any) -> Record:
    """Case number n: label of group n mod 4, two cases a patient, a text of its own."""
    digest, width, height = store.add(png_bytes(picture(number)))
    one = Record(
        id=f"case-{number}",
        corpus="small",
        kind="case",
        domain="ultrasound",
        modality="B-mode ultrasound",
        report=f"Finding {number % GROUPS}, grade {number}.",
        labels=("breast", f"group {number % GROUPS}"),
        patient=f"p{number // 2}",
        pictures=(Picture(digest=digest, width=width, height=height),),
    )
    return replace(one, **changes)


def cases(store: ImageStore) -> list[Record]:
    """All of them."""
    return [made(number, store) for number in range(CASES)]


def planted(records: Sequence[Record], store: ImageStore) -> tuple[list[Row], HomeFeatures]:
    """Rows, with features of which every picture and every text has a direction of its own."""
    rows = evaluated_rows(records, store)
    texts = list(dict.fromkeys(joint_text(row.record) for row in rows))
    own = np.eye(len(texts), dtype=np.float32)[[texts.index(joint_text(row.record)) for row in rows]]
    return rows, features_of(rows, own, own)


def judged(
    records: Sequence[Record], store: ImageStore, spaces: dict[str, Space], held_out: bool = False
) -> DomainResult:
    rows, features = planted(records, store)
    (cases,) = domain_cases(rows, features, None, held_out)
    return judge_domain(cases, spaces)


def by_name(result: DomainResult) -> dict[str, Direction]:
    return {one.name: one for one in result.directions}


def perfect() -> Space:
    """A picture lies on its own text, and near those of its group."""
    group = np.eye(GROUPS)[np.arange(CASES) % GROUPS]
    vectors = unit_rows(np.concatenate([2 * np.eye(CASES), group], axis=1))
    return Space(vectors, vectors)


def dead() -> Space:
    return Space(np.ones((CASES, 1), np.float32), np.ones((CASES, 1), np.float32))
