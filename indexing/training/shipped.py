"""Fits the weights that ship with Curbside on the records of a home: `python -m indexing.training.shipped HOME`.

`… HOME --routers` fits the routers of pictures alone anew, `… HOME --words` those of words.

A tower tuned on every clinical domain at once, a general head over everything, a head for each domain that begins at
the general one, and the router; then the same without the tower on openly licensed and drawn pictures alone
(`weights/open`). A tower that was tuned before can be given as a second argument.
Figures on held-out patients go to `weights/figures.json`, model cards to the folder that is asked for.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.catalog import Catalog
from corpora.domains import TEXTBOOK
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Record
from indexing.encoders.embedded import GENERAL
from indexing.encoders.heads import WEIGHTS, Head, load_head
from indexing.encoders.looks import WHOLE, Look, looks_named
from indexing.encoders.published import WeightsLicence
from indexing.encoders.towers import image_tower, text_tower
from indexing.training.corrupted_features import corrupted_features, worn
from indexing.training.fitted_folder import CHOSE, THEN_LEARNED, Fit, licence_of_records, model_card
from indexing.training.home_features import HomeFeatures, Row, home_features, picture_rows
from indexing.training.home_tower import Say, fit_tower
from indexing.training.pairs import figures_of
from indexing.training.shipped_heads import DOMAIN_WAYS, LOOKS, WAYS, fit_domain_head, fit_general_head
from indexing.training.shipped_router import OUTSIDE_CORPORA, fit_picture_router, fit_routers, fit_word_router
from indexing.training.split import split_by_patient, stop_by_patient
from indexing.training.tower import TowerOptions

__all__ = ["CLINICAL", "fit_shipped", "fit_shipped_picture_routers", "fit_shipped_word_routers"]

CLINICAL = ("radiology", "ultrasound", "ophthalmology", "dermatology", "pathology")
_CORRUPTIONS = 2
_FREE = WeightsLicence("EfficientNet-Lite0 Apache-2.0, all-MiniLM-L6-v2 MIT", "open")

Figures = dict[str, dict[str, float]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class _Data:
    """The records of the home, the rows of their pictures, and how the pictures of a domain are looked at."""

    home: Home
    records: list[Record]
    rows: list[Row]
    looks: Mapping[str, tuple[Look, ...]]

    @property
    def patients(self) -> list[str]:
        return [row.patient for row in self.rows]

    @property
    def domains(self) -> NDArray[np.str_]:
        return np.array([row.record.domain for row in self.rows])

    def chosen(self, mask: Mask) -> _Data:
        """Those rows, and the records that stand behind them or have no picture."""
        rows = [row for row, kept in zip(self.rows, mask.tolist(), strict=True) if kept]
        kept = {row.record.uid for row in rows}
        return replace(self, rows=rows, records=[r for r in self.records if not r.pictures or r.uid in kept])

    def features(self, tuned: Path | None, say: Say) -> HomeFeatures:
        store, cache = ImageStore(self.home.images), self.home.models / "features"
        return home_features(
            self.rows, store, image_tower("cpu", tuned), text_tower("cpu"), cache,
            lambda done, most: say("features", done, most, ""), self.looks,
        )  # fmt: skip

    def corrupted(self, tuned: Path | None, say: Say) -> list[NDArray[np.float32]]:
        """Features of the pictures under corruptions, drawn anew each time, for routers."""
        store, tower = ImageStore(self.home.images), image_tower("cpu", tuned)
        return [
            corrupted_features(
                self.rows, store, tower, seed, lambda done, most: say("corrupted features", done, most, "")
            )
            for seed in range(_CORRUPTIONS)
        ]

    def worn(self, features: HomeFeatures, chosen: Mask, domain: str, tuned: Path | None, say: Say) -> HomeFeatures:
        """The features with those of chosen pictures of a domain corrupted, and nothing of others."""
        return worn(
            features, self.rows, chosen, ImageStore(self.home.images), image_tower("cpu", tuned),
            self.looks.get(domain, (WHOLE,)), _CORRUPTIONS,
            lambda done, most: say("corrupted features", done, most, ""),
        )  # fmt: skip


def fit_shipped_picture_routers(home: Home, folder: Path = WEIGHTS, say: Say = lambda *_: None) -> Figures:
    """Fit the picture routers of both sets in the folder anew, on their towers; heads and routers of words stay."""
    data = _read(home)
    figures: Figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    for prefix, chosen, place, tuned in (
        ("", data, folder, folder / "tower.safetensors"),
        ("open: ", _open_part(data), folder / "open", None),
    ):
        told = _named(say, place.name)
        chosen = replace(chosen, looks={})  # a router sees whole pictures alone
        features, corrupted = chosen.features(tuned, told), chosen.corrupted(tuned, told)
        path, medical = place / "router.safetensors", ~_outside(chosen)
        found = fit_picture_router(features, corrupted, medical, CLINICAL, tuned, path)
        figures[f"{prefix}image router"] = {name: round(value, 4) for name, value in found.items()}
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return figures


def fit_shipped_word_routers(home: Home, folder: Path = WEIGHTS) -> Figures:
    """Fit the routers of words of both sets in the folder anew; heads and routers of pictures stay."""
    data = _read(home)
    figures: Figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    for prefix, chosen, place in (("", data, folder), ("open: ", _open_part(data), folder / "open")):
        found = fit_word_router(chosen.records, CLINICAL, place / "router.safetensors")
        figures[f"{prefix}text router"] = {name: round(value, 4) for name, value in found.items()}
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return figures


def fit_shipped(
    home: Home,
    folder: Path = WEIGHTS,
    cards: Path | None = None,
    tower: Path | None = None,
    say: Say = lambda *_: None,
) -> Figures:
    """Fit everything on a home and write it to the folder; returns the held-out figures of each part.

    `tower` is a tuned tower to fit heads on; where None, one is tuned first, which takes most of the time.

    A corpus whose name begins with `photographs` counts as outside every domain, and teaches the router alone.
    """
    data = _read(home)
    tuned = tower or _tuned(data, say)
    folder.mkdir(parents=True, exist_ok=True)
    if tuned.resolve() != (folder / "tower.safetensors").resolve():
        shutil.copyfile(tuned, folder / "tower.safetensors")
    figures = _fit_set(data, folder, folder / "tower.safetensors", cards, _named(say, "all"))
    opened = _fit_set(_open_part(data), folder / "open", None, None, _named(say, "open"))
    figures |= {f"open: {name}": values for name, values in opened.items()}
    rounded = {name: {key: round(value, 4) for key, value in row.items()} for name, row in figures.items()}
    (folder / "figures.json").write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
    return rounded


def _read(home: Home) -> _Data:
    with Catalog.open(home.catalog_url) as catalog:
        records = list(catalog.records())
    return _Data(home, records, picture_rows(records, ImageStore(home.images)), LOOKS)


def _open_part(data: _Data) -> _Data:
    """What `weights/open` may learn from. Its heads see whole pictures alone: both sets must not outgrow 40 MB."""
    free = np.array([row.record.drawn or row.record.licence.kind == "open" for row in data.rows])
    return replace(data.chosen(free | _outside(data)), looks={})


def _tuned(data: _Data, say: Say) -> Path:
    """A tower tuned on the pictures of the clinical domains."""
    path = data.home.models / "work" / "shipped.safetensors"
    clinical = data.chosen(np.isin(data.domains, CLINICAL) & ~_outside(data))
    stop, held = stop_by_patient(clinical.patients), split_by_patient(clinical.patients)
    split, store = (~held & ~stop, stop), ImageStore(data.home.images)
    tuned = fit_tower(clinical.rows, split, image_tower("cpu"), store, path, TowerOptions(), _named(say, "tower"))
    if not tuned.whole:
        raise KeyboardInterrupt  # half a tuning does not ship
    return path


def _fit_set(data: _Data, folder: Path, tuned: Path | None, cards: Path | None, say: Say) -> Figures:
    """Heads and router of one set of weights."""
    features = data.features(tuned, say)
    stop, held = stop_by_patient(features.patients), split_by_patient(features.patients)
    medical = ~_outside(data)
    figures: Figures = {}
    general: Head | None = None
    for name in (GENERAL, *CLINICAL, TEXTBOOK):
        mine = medical & ((features.domains == name) | (name == GENERAL))
        if not (mine & held).any() or not (mine & stop).any():
            continue
        parts, told = (mine & ~held & ~stop, mine & stop), _named(say, name)
        looks = data.looks.get(name, (WHOLE,))
        clean, judged = features.pairs_of(parts, len(looks)), features.pairs(mine & held, len(looks))
        if general is None:
            head = fit_general_head(*clean, _fits_told(told))
        else:
            copies = data.worn(features, parts[0] | parts[1], name, tuned, told).pairs_of(parts)
            head = fit_domain_head(clean, copies, general, looks, _fits_told(told))
        head.save(folder / f"{name}.safetensors", {"domain": name})
        general = general or load_head(GENERAL, folder)  # as it ships: each domain's can be fitted again by itself
        before = figures_of(general.image(judged.images), general.text(judged.texts), judged)
        figures[name] = after = figures_of(head.image(judged.images), head.text(judged.texts), judged)
        figures[name] |= {f"general {key}": value for key, value in before.items() if "@" in key}
        if cards is not None:
            _write_card(cards, name, data, parts[0] if name == GENERAL else mine & ~held, tuned, before, after)
    corrupted, path = data.corrupted(tuned, say), folder / "router.safetensors"
    return figures | fit_routers(data.records, features, corrupted, medical, CLINICAL, tuned, path)


def _fits_told(say: Say) -> Callable[[int, int], None]:
    return lambda done, most: say("head", done, most, "")


def _write_card(
    cards: Path, name: str, data: _Data, learned: Mask, tuned: Path | None,
    before: dict[str, float], after: dict[str, float],
) -> None:  # fmt: skip
    rows: Sequence[Row] = [data.rows[n] for n in np.flatnonzero(learned).tolist()]
    records = [row.record for row in rows]
    fit = Fit(
        domain=name,
        mode="tower" if tuned else "adapter",
        on="embedded",
        seed=WAYS[0].seed,
        records=records,
        patients=len({row.patient for row in rows}),
        licence=licence_of_records(records, _FREE),
        tower="tuned on all clinical domains" if tuned else "as its package brings it",
        options={"mean of": [asdict(options) for options in (WAYS if name == GENERAL else DOMAIN_WAYS)]},
        choosing=CHOSE if name == GENERAL else THEN_LEARNED,
        before=before,
        after=after,
        baseline="the general projection, fitted on all domains together",
        looks=looks_named(data.looks.get(name, (WHOLE,))),
    )
    cards.mkdir(parents=True, exist_ok=True)
    (cards / f"{name}.md").write_text(model_card(fit), encoding="utf-8")


def _outside(data: _Data) -> Mask:
    return np.array([row.record.corpus.startswith(OUTSIDE_CORPORA) for row in data.rows])


def _named(say: Say, name: str) -> Say:
    return lambda stage, done, most, detail: say(f"{name}: {stage}", done, most, detail)


def _printer() -> Say:
    """Prints what has a detail, and of long stages every tenth."""
    tenths: dict[str, int] = {}

    def say(stage: str, done: int, most: int, detail: str) -> None:
        tenth = 10 * done // max(most, 1)
        if detail or tenth != tenths.get(stage, 0):
            print(f"{stage} {done}/{most} {detail}".rstrip(), flush=True)  # noqa: T201
        tenths[stage] = tenth

    return say


if __name__ == "__main__":
    where, *more = sys.argv[1:]
    if more == ["--routers"]:
        found = fit_shipped_picture_routers(Home.open(where), say=_printer())
    elif more == ["--words"]:
        found = fit_shipped_word_routers(Home.open(where))
    else:
        given = Path(more[0]) if more else None
        found = fit_shipped(Home.open(where), cards=Path("docs/model-cards"), tower=given, say=_printer())
    for row, values in found.items():
        print(f"{row}: " + ", ".join(f"{name} {value:.3f}" for name, value in values.items()))  # noqa: T201
