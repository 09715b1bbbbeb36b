"""A site adapter for one domain: fitted on stored vectors, judged on patients that no fit has seen."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from corpora.catalog import Catalog
from corpora.errors import InputError, UnknownNameError
from corpora.home import Home
from indexing.encoders.adapted import SiteAdapter, adapters_of
from indexing.shards import IndexFolder
from indexing.training.site_adapter import (
    STOP_SHARE,
    AdapterOptions,
    FittedAdapter,
    Progress,
    Split,
    StoredPairs,
    fit_adapter,
    measure,
    split_rows,
)
from retrievers.calibration.judging import LEAST_PATIENTS, Row, judged, refused
from retrievers.calibration.values import Part

__all__ = ["AdapterReport", "fit_site_adapter"]

_MEASURES = ("R@10 image→text", "R@10 text→image", "P@5 label")
_MOST_JUDGED = 3000
_PLAIN = AdapterOptions()


@dataclass(frozen=True)
class AdapterReport:
    """What was tried: the figures, and the adapter where it won (not yet in force).

    `patients` counts those that fitted, stopped and judged; `notes` of the part hold each measure before and after.
    """

    part: Part
    adapter: SiteAdapter | None
    index: str
    patients: tuple[int, int, int]
    seconds: float


def fit_site_adapter(
    home: Home,
    domain: str,
    *,
    index: str = "default",
    corpora: Sequence[str] = (),
    share: float = 0.15,
    options: AdapterOptions = _PLAIN,
    progress: Progress = lambda done, total, stage: None,
) -> AdapterReport:
    """Fit an adapter to a domain's own records and judge it against what is in force now.

    No encoder is loaded and no picture is opened: vectors and records are all it needs. Nothing is published.

    Args:
        home: Whose records and index.
        domain: Which domain.
        index: Which index.
        corpora: Corpora that fit; all where empty. Every corpus of the domain judges, since the adapter serves all.
        share: Of patients that judge, by the hash that every fit holds out; no shipped fit has seen those of 0.15.
        options: Of the fit; its seed also chooses the patients that stop it, and draws the bootstrap.
        progress: Called with what is done, what there is, and what is being done.

    Raises:
        InputError: a share that is not above 0 and below 1, or too few patients.
        UnknownNameError: the index has no such domain, or the catalogue no such corpus.
        IndexMissingError: nothing is indexed.
    """
    if not 0 < share < 1:
        raise InputError(f"share is {share:g}; it must be above 0 and below 1.")
    started = time.monotonic()
    folder = IndexFolder(home, index)
    manifest = folder.manifest()
    if domain not in manifest.records:
        raise UnknownNameError(f"domain in {manifest.label}", domain, manifest.records)
    with Catalog.open(home.catalog_url) as catalog:
        for name in corpora:
            catalog.corpus(name)
        records = {record.uid: record for record in catalog.records(domain=domain)}
    version = folder.version(manifest.version)
    now = adapters_of(version, manifest).get(domain)
    pairs = StoredPairs.read(version, manifest, domain, records)
    split = _restricted(split_rows(pairs.patients, share, options.seed), pairs, corpora)
    counts = _counted(split, pairs)
    _require_enough(domain, corpora, pairs, counts, share)
    row = Row("site adapter", domain, "mean of " + ", ".join(_MEASURES))
    adapter = None
    fitted = fit_adapter(pairs, split.fit, split.stop, options, progress)
    if fitted is None:
        part = refused(row, "no map does better than the encoder itself on the stopping patients")
    else:
        part = _judged(row, pairs, split.judge, fitted, now, options)
        spec = next(side.encoder for side in manifest.sides if (side.domain, side.side) == (domain, "text"))
        adapter = SiteAdapter(fitted.image, fitted.text, spec, manifest.encoders[spec]) if part.kept else None
    if adapter is not None:
        told = {"corpora": sorted(corpora), "share": share, "options": asdict(options), "index": manifest.label}
        adapter = replace(adapter, notes={**told, "patients": list(counts), "part": asdict(part)})
    return AdapterReport(part, adapter, manifest.label, counts, round(time.monotonic() - started, 1))


def _restricted(split: Split, pairs: StoredPairs, corpora: Sequence[str]) -> Split:
    if not corpora:
        return split
    mine = np.isin(np.array(pairs.corpora, dtype=object).astype(str), list(corpora))
    return replace(split, fit=split.fit[mine[split.fit]], stop=split.stop[mine[split.stop]])


def _counted(split: Split, pairs: StoredPairs) -> tuple[int, int, int]:
    fit, stop, judge = (len(np.unique(pairs.people[rows])) for rows in (split.fit, split.stop, split.judge))
    return fit, stop, judge


def _require_enough(
    domain: str, corpora: Sequence[str], pairs: StoredPairs, counts: tuple[int, int, int], share: float
) -> None:
    fit, stop, judge = counts
    if min(fit, judge) >= LEAST_PATIENTS and stop:
        return
    least = math.ceil(LEAST_PATIENTS / min(share, (1 - share) * (1 - STOP_SHARE)))
    where = f" (those that fit and stop it of {', '.join(corpora)} alone)" if corpora else ""
    raise InputError(
        f"A site adapter needs {LEAST_PATIENTS} patients to fit it, one to say when to stop, and {LEAST_PATIENTS} to "
        f"judge it, so at least {least} where {share:.0%} judge; {domain} has {len(np.unique(pairs.people))} with a "
        f"picture and a text{where}: {fit} to fit, {stop} to say when to stop, {judge} to judge."
    )


def _judged(
    row: Row,
    pairs: StoredPairs,
    rows: NDArray[np.int64],
    fitted: FittedAdapter,
    now: SiteAdapter | None,
    options: AdapterOptions,
) -> Part:
    if len(rows) > _MOST_JUDGED:
        rows = np.sort(np.random.default_rng(options.seed).choice(rows, _MOST_JUDGED, replace=False))
    before = measure(pairs, rows, *((now.image, now.text) if now is not None else ()))
    after = measure(pairs, rows, fitted.image, fitted.text)
    patients = [pairs.patients[n] for n in rows.tolist()]
    value = f"rank {fitted.image.down.shape[1]}, epoch {fitted.epoch}"
    own, bent = (np.asarray(np.nanmean(found, axis=1), np.float64) for found in (before, after))
    return judged(row, value, own, bent, patients, seed=options.seed, notes=_notes(before, after))


def _notes(before: NDArray[np.float64], after: NDArray[np.float64]) -> Mapping[str, float]:
    """Each measure before and after; a label that nobody shares leaves its measure out."""
    return {
        f"{name} {when}": round(float(np.nanmean(found[:, column])), 4)
        for column, name in enumerate(_MEASURES)
        for when, found in (("before", before), ("after", after))
        if not np.isnan(found[:, column]).all()
    }
