"""Which patients a fit never sees, and which choose its epoch: by a hash of names, alike in every home and run."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from corpora.records import Record

__all__ = ["folds_by_patient", "patient_groups", "split_by_patient", "stop_by_patient"]


def patient_groups(records: Iterable[Record]) -> dict[int, str]:
    """By uid, the name under which a record is split: that of its group of patients who must stay together.

    Together stay the records of a patient, of patients of one name in corpora of one domain (a hospital numbers its
    patients once), pictures that a corpus states as `near_duplicates` of each other, and the same file under two names.
    A group goes by that of its patients whose hash is lowest: if one of them is held out, all are, and whoever was held
    out before their twins were known still is.
    """
    records = list(records)
    joined = _Groups()
    for record in records:
        joined.join(record.patient_key, *_ties(record))
    names: dict[str, str] = {}
    for patient in sorted({record.patient_key for record in records}, key=lambda name: (_hash(name), name)):
        names.setdefault(joined.root(patient), patient)
    return {record.uid: names[joined.root(record.patient_key)] for record in records}


def split_by_patient(patients: Sequence[str], share: float = 0.15) -> NDArray[np.bool_]:
    """For each row, whether its patient (or group of patients) is held out, by a hash of the name.

    >>> bool((split_by_patient(["a/1", "a/1", "a/2"])[:2] == split_by_patient(["a/1", "a/1"])).all())
    True
    """
    return np.array([_hash(patient) < share * 1000 for patient in patients], dtype=bool)


def stop_by_patient(
    patients: Sequence[str], share: float = 0.12, held: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """For each row, whether its patient chooses the epoch of a fit; none of those that are held out does.

    `held` (n,) says who is held out, where it is not the usual split.
    """
    chosen = split_by_patient([f"stop/{patient}" for patient in patients], share)
    return np.asarray(chosen & ~(split_by_patient(patients) if held is None else held), dtype=bool)


def folds_by_patient(patients: Sequence[str], folds: int) -> NDArray[np.int64]:
    """For each row, the fold (0 to folds − 1) in which its patient is held out, for cross-validation.

    >>> folds_by_patient(["a/1", "b/2", "a/1"], 5).tolist()
    [4, 1, 4]
    """
    return np.array([zlib.crc32(f"fold/{patient}".encode()) % folds for patient in patients], np.int64)


def _hash(name: str) -> int:
    return zlib.crc32(name.encode()) % 1000


def _ties(record: Record) -> list[str]:
    """What a record shares with those that it must stay with."""
    ties = [f"picture {picture.digest}" for picture in record.pictures if picture.digest]
    if record.patient:
        ties.append(f"patient {record.domain}/{record.patient}")
    stated = record.attributes.get("near_duplicates") or ()
    twins = [stated] if isinstance(stated, str) else [*stated] if isinstance(stated, (list, tuple)) else []
    return ties + [f"record {record.corpus}/{name}" for name in (record.id, *twins)]


class _Groups:
    """Names that belong together (disjoint sets, with halved paths)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        """The name that stands for its group."""
        above = self._above.setdefault(name, name)
        while above != name:
            self._above[name] = self._above[above]
            name, above = above, self._above[above]
        return name

    def join(self, first: str, *others: str) -> None:
        """Make one group of the groups of these names."""
        for other in others:
            self._above[self.root(other)] = self.root(first)
