"""The gap between pictures and texts: how far a question is moved across it.

Pictures and texts of a contrastive space lie in two cones (Liang et al., NeurIPS 2022), Δ = mean(pictures) −
mean(texts). Moving both towards each other, x − λ/2·Δ and y + λ/2·Δ, and comparing them by distance gives the same
order as moving only the question by the whole of it, since |(x − λ/2·Δ) − (y + λ/2·Δ)| = |(x − λ·Δ) − y|; and as stored
vectors have length 1, that is the order of cosines with x − λ·Δ. So only the question moves: this is exact, costs
nothing, works with every kind of vector index, and no stored vector is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpora.records import Record
from indexing.describe import joint_text
from indexing.opened import OpenedIndex
from indexing.training.objective import numbered
from retrievers.calibration.judging import Row, judged, refused, too_few
from retrievers.calibration.values import DomainCalibration, Part

__all__ = ["GapPairs", "fit_gap", "pairs_of"]

_GRID = tuple(round(step / 10, 1) for step in range(11))
_K = 10

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class GapPairs:
    """Pictures with their texts, one row a record of a domain.

    `images`, `texts`: (n, d) unit rows; `said` numbers the texts (equal ones alike) and `patients` the patients, (n,).
    """

    images: Vectors
    texts: Vectors
    said: NDArray[np.int64]
    patients: NDArray[np.int64]

    def recalls(self, rows: NDArray[np.int64], moved: DomainCalibration, k: int = _K) -> NDArray[np.float64]:
        """For each row, the mean over both directions of: is the own text (picture) among the k nearest? (q,)

        Equal texts count as one and as right; other records of the same patient are not in the gallery.
        """
        found = [
            self._found(rows, moved.towards_texts(self.images[rows]) @ self.texts.T, k, distinct=True),
            self._found(rows, moved.towards_images(self.texts[rows]) @ self.images.T, k, distinct=False),
        ]
        return np.asarray(np.mean(found, axis=0), np.float64)

    def _found(self, rows: NDArray[np.int64], scores: Vectors, k: int, *, distinct: bool) -> NDArray[np.float64]:
        result = np.zeros(len(rows))
        for place, row in enumerate(rows.tolist()):
            right = self.said == self.said[row]
            hidden = (self.patients == self.patients[row]) & (np.arange(len(self.said)) != row)
            best = scores[place, right & ~hidden].max()
            better = ~right & ~hidden & (scores[place] > best)
            result[place] = (len(set(self.said[better].tolist())) if distinct else better.sum()) < k
        return result


def pairs_of(
    index: OpenedIndex, domain: str, records: Sequence[Record], groups: Mapping[int, str]
) -> tuple[GapPairs, list[Record]]:
    """The first picture's and the text's stored vectors of each record that has both, with those records.

    `groups` names by uid the patient, or group of patients, of each.
    """
    sides = [index.sides.get((domain, side)) for side in ("image", "text")]
    rows: list[tuple[Record, Vectors, Vectors]] = []
    for record in records:
        image, text = (None if side is None else side.vector(record.uid) for side in sides)
        if record.pictures and image is not None and text is not None:
            rows.append((record, image, text))
    kept = [record for record, _, _ in rows]
    pairs = GapPairs(
        np.stack([image for _, image, _ in rows]) if rows else np.zeros((0, 1), np.float32),
        np.stack([text for _, _, text in rows]) if rows else np.zeros((0, 1), np.float32),
        numbered([joint_text(record) for record in kept]),
        numbered([groups[record.uid] for record in kept]),
    )
    return pairs, kept


def fit_gap(
    domain: str,
    pairs: GapPairs,
    fitting: NDArray[np.int64],
    judging: NDArray[np.int64],
    names: Sequence[str],
    *,
    seed: int = 0,
    grid: Sequence[float] = _GRID,
) -> tuple[Part, DomainCalibration | None]:
    """λ of best recall on the fitting rows, judged on the judging rows.

    Args:
        domain: For the table.
        pairs: Every pair of the domain: the gallery.
        fitting: Rows that choose λ.
        judging: Rows that judge it; they have no part in Δ.
        names: The patient of each row.
        seed: Of the bootstrap.
        grid: Values of λ; the smallest of equally good ones is taken.

    Returns:
        The part, and λ with Δ where it is kept.
    """
    row = Row("gap", domain, f"Recall@{_K}")
    asked = [names[place] for place in judging.tolist()]
    short = too_few(row, [names[place] for place in fitting.tolist()], asked)
    if short is not None:
        return short, None
    seen = np.ones(len(pairs.said), bool)
    seen[judging] = False
    gap = tuple(np.round(pairs.images[seen].mean(axis=0) - pairs.texts[seen].mean(axis=0), 6).tolist())
    candidates = [DomainCalibration(shift, gap) for shift in grid]
    best = max(candidates, key=lambda one: (float(pairs.recalls(fitting, one).mean()), -one.shift))
    if best.shift == 0:
        return refused(row, "leaving the vectors as they are is best on the fitting patients"), None
    before, after = pairs.recalls(judging, DomainCalibration()), pairs.recalls(judging, best)
    notes = {"length of the gap": round(float(np.linalg.norm(gap)), 4)}
    part = judged(row, f"λ = {best.shift:g}", before, after, asked, seed=seed, notes=notes)
    return part, best if part.kept else None
