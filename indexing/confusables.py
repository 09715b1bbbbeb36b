"""Confusable pairs: cases that lie close in the space of pictures and yet show something else.

After MediConfusion (M. S. Sepehri et al. 2024), whose pairs of radiographs look alike to an encoder and not to a
radiologist. Mined when an index is built, from stored vectors; a hit that has such a twin says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.catalog import Catalog
from corpora.errors import IndexDamagedError
from corpora.records import Record
from indexing.shards import load_rows, write_array
from indexing.vectors.base import VectorIndex

__all__ = ["Confusables", "LabelledCase", "mine_confusables", "write_confusables"]

_NEAREST = 5
_AT_A_TIME = 512
_CLOSE = 0.8
_FILE = "confusable"

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelledCase:
    """Whose case it is, and its labels."""

    patient: str
    labels: frozenset[str]

    @classmethod
    def of(cls, record: Record) -> LabelledCase | None:
        """None where the record is no case, or has no label."""
        if record.kind != "case" or not record.labels:
            return None
        return cls(record.patient_key, frozenset(label.casefold() for label in record.labels))


class Confusables:
    """The confusable records of a domain. Immutable.

    Args:
        pairs: (n, 2) numbers of records, each pair once, the smaller number first.
    """

    def __init__(self, pairs: Ids) -> None:
        self.pairs = pairs
        self._of: dict[int, tuple[int, ...]] = {}
        for one, other in pairs.tolist():
            self._of[one] = (*self._of.get(one, ()), other)
            self._of[other] = (*self._of.get(other, ()), one)

    def __len__(self) -> int:
        return len(self.pairs)

    def of(self, record: int) -> tuple[int, ...]:
        """The records that this one is easily taken for."""
        return self._of.get(record, ())

    def save(self, folder: Path) -> None:
        """Write into the folder of a domain's pictures."""
        write_array(folder / f"{_FILE}-00000.npy", self.pairs)

    @classmethod
    def load(cls, folder: Path) -> Confusables:
        """The inverse of `save`; none where the index was built before pairs were mined."""
        path = folder / f"{_FILE}-00000.npy"
        if not path.is_file():
            return cls(np.zeros((0, 2), np.int64))
        try:
            pairs: Ids = np.load(path)
        except (OSError, ValueError, EOFError) as error:
            raise IndexDamagedError(f"{path} cannot be read; run: curbside index verify.") from error
        return cls(pairs)


def mine_confusables(
    index: VectorIndex, vectors: NDArray[np.floating], ids: Ids, owners: Ids, cases: Mapping[int, LabelledCase]
) -> Confusables:
    """Pairs of cases of two patients that are among each other's five nearest, at a cosine of 0.8 or more, without a
    label in common.

    Args:
        index: Over the domain's pictures.
        vectors: (n, d) of the same pictures.
        ids: (n,) their entry ids.
        owners: (n,) the record of each.
        cases: By number; records that are not among them have no pair.
    """
    owner_of = dict(zip(ids.tolist(), owners.tolist(), strict=True))
    near: dict[int, set[int]] = {}
    for start in range(0, len(vectors), _AT_A_TIME):
        rows = np.asarray(vectors[start : start + _AT_A_TIME], np.float32)
        scores, found = index.search(rows, min(_NEAREST + 1, len(index)))
        for place, owner in enumerate(owners[start : start + len(rows)].tolist()):
            close = found[place][scores[place] >= _CLOSE].tolist()
            near.setdefault(owner, set()).update(owner_of[entry] for entry in close if entry in owner_of)
    pairs = [
        (one, other)
        for one, others in near.items()
        for other in others
        if one < other and one in near[other] and _told_apart(cases.get(one), cases.get(other))
    ]
    return Confusables(np.array(sorted(pairs), np.int64).reshape(-1, 2))


def write_confusables(folder: Path, index: VectorIndex, vectors: NDArray[np.floating], catalog: Catalog) -> None:
    """Mine the pictures whose shards lie in a side's folder and write the pairs beside them."""
    owners = load_rows(folder, "records")
    cases = {
        uid: case
        for uid, record in catalog.get(np.unique(owners).tolist()).items()
        if (case := LabelledCase.of(record))
    }
    mine_confusables(index, vectors, load_rows(folder, "ids"), owners, cases).save(folder)


def _told_apart(one: LabelledCase | None, other: LabelledCase | None) -> bool:
    return one is not None and other is not None and one.patient != other.patient and not one.labels & other.labels
