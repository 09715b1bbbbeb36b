"""`curbside train-encoder`: an encoder of a site's own, from the records of its home."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from corpora.catalog import Catalog
from corpora.errors import InputError, LicenceError, ModelError, UnknownNameError
from corpora.home import Home
from corpora.images import ImageStore
from indexing.encoders.heads import tower_of, weights_folder
from indexing.encoders.licences import OPEN
from indexing.encoders.looks import looks_named
from indexing.encoders.towers import image_tower, require_device
from indexing.training.bases import Base, encoder_base, packaged_base, served_figures
from indexing.training.fitted_folder import CHOSE, THEN_LEARNED, Fit, licence_of_records, require_free, write_fitted
from indexing.training.heads import BY_LABELS, HeadOptions, fit_head_on_both
from indexing.training.home_features import Row, picture_rows
from indexing.training.home_tower import Say, fit_tower
from indexing.training.pairs import figures_of
from indexing.training.split import split_by_patient, stop_by_patient
from indexing.training.tower import TowerOptions, Tuned

__all__ = ["TrainOptions", "Trained", "train_encoder"]

LEAST_PATIENTS = 40


@dataclass(frozen=True)
class TrainOptions:
    """What is fitted: the `domain`, on which `corpora` (all of the domain where empty), how.

    `mode` adapter leaves the tower and fits a head on features computed once; tower tunes the tower's upper blocks
    before. `on` names an encoder whose vectors the head takes instead of the packaged towers' features. `serving` is
    the spec of the encoder that serves the domain now, against which the fit is measured; empty, or where it cannot be
    opened: the one that ships.
    """

    domain: str
    corpora: tuple[str, ...] = ()
    mode: Literal["adapter", "tower"] = "adapter"
    on: str = ""
    serving: str = ""
    device: str = "cpu"
    licences: str = "any"
    head: HeadOptions = replace(BY_LABELS, rate=5e-4, epochs=40)
    tower: TowerOptions = TowerOptions()


@dataclass(frozen=True)
class Trained:
    """The folder that was written, the spec that opens it, and figures on held-out patients.

    `before` are those of what served (`before_is`), `as_it_came` those of the encoder beneath the head, where that is
    another. `interrupted`: Ctrl-C ended the fit. `taken_up`: so many epochs of a tuning were done in an earlier run.
    """

    folder: Path
    spec: str
    before: dict[str, float]
    after: dict[str, float]
    pictures: int
    patients: int
    before_is: str = ""
    as_it_came: dict[str, float] | None = None
    interrupted: bool = False
    taken_up: int = 0


@dataclass(frozen=True)
class _Split:
    """Rows that are never learned from, rows that choose the epoch, and the rest."""

    held: NDArray[np.bool_]
    stop: NDArray[np.bool_]

    @property
    def fit(self) -> NDArray[np.bool_]:
        return ~self.held & ~self.stop


def train_encoder(home: Home, options: TrainOptions, folder: Path, say: Say = lambda *_: None) -> Trained:
    """Fit an encoder on the pictures of a domain and write it to `folder`.

    Patients whose hash falls below 15 % are never learned from: on them what serves is measured, and then the fit. Of
    the others 12 % choose the epoch, and the head then learns as long from them too. Ctrl-C ends a fit early and keeps
    its best epoch; a tuning that was killed is taken up again.

    Raises:
        InputError: too few patients, or tuning on top of an encoder that is not the packaged one.
        UnknownNameError: a corpus that is not here, or a domain without pictures here.
        SettingsError: a device that is not here.
        SourceError: the folder exists.
        LicenceError: `options.on`, or a record of the corpora, is not allowed by `options.licences`.
    """
    if options.on and options.mode == "tower":
        raise InputError("Only the packaged tower can be tuned; leave --on out, or use --mode adapter.")
    require_free(folder)
    require_device(options.device)
    rows = _rows(home, options)
    split = _split(rows, options.domain)
    base, tuned = _base(home, rows, split, options, say)
    judged = base.features.pairs(split.held)
    beneath = figures_of(judged.images, judged.texts, judged) if options.on else None
    serving = options.serving or f"embedded:{options.domain}"
    if beneath and options.on == serving:
        before, before_is, beneath = beneath, f"{serving}, which served", None
    else:
        judges = [rows[n] for n in np.flatnonzero(split.held).tolist()]
        before, before_is = _before(home, judges, serving, options, say)
    learned, choosing = base.features.pairs_of((split.fit, split.stop))
    head, on_both = fit_head_on_both(
        learned,
        choosing,
        choosing,
        options.head,
        base.start,
        lambda done, most, loss, score: say("fitting", done, most, f"loss {loss:.3f}, validation {score:.3f}"),
        base.looks,
    )
    after = figures_of(head.image(judged.images), head.text(judged.texts), judged)
    trained = Trained(
        folder,
        f"embedded:local-dir:{_named(folder, home)}",
        before,
        after,
        len(rows),
        len({row.patient for row in rows}),
        before_is,
        beneath,
        not (on_both and tuned.whole),
        tuned.taken_up,
    )
    write_fitted(folder, head, base.tower, _told(options, rows, split, base, trained, on_both))
    return trained


def _before(
    home: Home, judges: list[Row], serving: str, options: TrainOptions, say: Say
) -> tuple[dict[str, float], str]:
    """What the encoder that serves reaches on these rows, and what that is.

    Where it cannot be opened that of the package stands for it: a fit may be the remedy, and must not be forbidden.
    """

    def reached(spec: str) -> dict[str, float]:
        return served_figures(home, judges, spec, options.licences, options.device, say)

    try:
        return reached(serving), f"{serving}, which served"
    except ModelError as error:
        shipped = reached(f"embedded:{options.domain}")
        return shipped, f"the encoder that ships, since {serving} cannot serve: {error}"


def _named(folder: Path, home: Home) -> str:
    """The folder as specs name it: from the home on, where it lies there."""
    inside = folder.resolve().is_relative_to(home.path.resolve())
    return folder.resolve().relative_to(home.path.resolve()).as_posix() if inside else str(folder.resolve())


def _rows(home: Home, options: TrainOptions) -> list[Row]:
    with Catalog.open(home.catalog_url) as catalog:
        records = list(catalog.records())
    known = {record.corpus for record in records}
    for name in options.corpora:
        if name not in known:
            raise UnknownNameError("corpus in this home", name, sorted(known))
    domains = {record.domain for record in records if record.pictures}
    if options.domain not in domains:
        raise UnknownNameError("domain with pictures in this home", options.domain, sorted(domains))
    chosen = [
        record
        for record in records
        if record.domain == options.domain and (not options.corpora or record.corpus in options.corpora)
    ]
    closed = {record.corpus for record in chosen if not record.drawn and record.licence.kind != OPEN}
    if options.licences == OPEN and closed:
        raise LicenceError(
            f"Under licences = 'open' nothing is fitted on {', '.join(sorted(closed))}, whose licences are not open; "
            "name open corpora with --corpus, or set licences = 'any'."
        )
    return picture_rows(chosen, ImageStore(home.images))


def _split(rows: list[Row], domain: str) -> _Split:
    patients = [row.patient for row in rows]
    split = _Split(split_by_patient(patients), stop_by_patient(patients))
    parts = [len({patients[n] for n in np.flatnonzero(part)}) for part in (split.held, split.stop, split.fit)]
    if sum(parts) < LEAST_PATIENTS or min(parts) < 2:
        raise InputError(
            f"{domain} has pictures of {sum(parts)} patients here, of which {parts[0]} are held out and {parts[1]} "
            f"choose the epoch; a fit needs {LEAST_PATIENTS}, and two of each."
        )
    return split


def _base(home: Home, rows: list[Row], split: _Split, options: TrainOptions, say: Say) -> tuple[Base, Tuned]:
    """What the head is fitted on, and how the tuning of a tower beneath it went."""
    if options.on:
        return encoder_base(home, rows, options.on, options.licences, options.device, say), Tuned(True)
    path, tuned = None, Tuned(True)
    if options.mode == "tower":
        path = home.models / "work" / f"{options.domain}.safetensors"
        tower = image_tower(options.device, tower_of(weights_folder(options.licences)))
        store = ImageStore(home.images)
        seen = np.flatnonzero(~split.held)
        parts = (split.fit[seen], split.stop[seen])
        tuned = fit_tower([rows[n] for n in seen.tolist()], parts, tower, store, path, options.tower, say)
    return packaged_base(home, rows, path, options.licences, options.device, say), tuned


def _told(options: TrainOptions, rows: list[Row], split: _Split, base: Base, trained: Trained, on_both: bool) -> Fit:
    learned = [rows[n] for n in np.flatnonzero(~split.held if on_both else split.fit)]
    records = [row.record for row in learned]
    settings: dict[str, Any] = asdict(options.head)
    towers = {"tower": "tuned on these pictures", "adapter": "as it ships"}
    if options.mode == "tower":
        settings["tower"] = asdict(options.tower)
    return Fit(
        domain=options.domain,
        mode=options.mode,
        on=base.on,
        seed=options.head.seed,
        records=records,
        patients=len({row.patient for row in learned}),
        licence=licence_of_records(records, base.licence),
        tower=f"that of {options.on}" if options.on else towers[options.mode],
        options=settings,
        before=trained.before,
        after=trained.after,
        baseline=trained.before_is,
        as_it_came=trained.as_it_came,
        on_fingerprint=base.fingerprint,
        looks="" if options.on else looks_named(base.looks),
        choosing=THEN_LEARNED if on_both else CHOSE,
        interrupted=trained.interrupted,
        taken_up=trained.taken_up,
    )
