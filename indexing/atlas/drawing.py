"""From an index to an atlas: a panel a domain in its own space, and one of all domains in a space they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError, SourceError, UnknownNameError
from corpora.images import ImageStore
from corpora.records import Record
from indexing.atlas.layout import agreement, lay_out
from indexing.atlas.points import Point, choose_entries, thumbnail
from indexing.describe import joint_text
from indexing.encoders.base import Encoder
from indexing.opened import OpenedIndex, OpenedSide

__all__ = ["COLOURS", "SIDES", "Atlas", "AtlasOptions", "Panel", "draw_atlas"]

SIDES = ("image", "text")
COLOURS = ("domain", "label", "modality")

_BATCH = 16

Vectors = NDArray[np.float32]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class AtlasOptions:
    """What is drawn: which side, of which corpora and domains (all where None), how many entries, from which seed."""

    side: str = "image"
    corpora: tuple[str, ...] | None = None
    domains: tuple[str, ...] | None = None
    most: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class Panel:
    """One plane. `rows` are numbers of the atlas' points, `places` (n, 2) within −1…1, `space` the encoder.

    `agreements` gives for `domain`, `label`, `modality` how often the five nearest neighbours in the space, those of
    other patients, bear the same name, and how often random ones would. `trustworthiness` says how far the plane keeps
    neighbourhoods. `colours` are those of the three that differ within the panel.
    """

    name: str
    space: str
    rows: tuple[int, ...]
    places: Vectors
    trustworthiness: float | None
    agreements: Mapping[str, tuple[float, float]]
    colours: tuple[str, ...]

    def told_apart(self, by: str) -> str:
        """What to colour this panel by where `by` is wished: that, or the first of label, modality that differs."""
        found = [name for name in (by, "label", "modality") if name in self.colours]
        return found[0] if found else "modality"


@dataclass(frozen=True)
class Atlas:
    """Points, their thumbnails (data URIs, "" without picture), panels, and what they were drawn from.

    `available` is how many entries the chosen corpora and domains have; `points` may be a sample of them.
    """

    index: str
    options: AtlasOptions
    points: tuple[Point, ...]
    thumbnails: tuple[str, ...]
    panels: tuple[Panel, ...]
    available: int


def draw_atlas(
    index: OpenedIndex,
    records: Mapping[int, Record],
    store: ImageStore,
    common: Callable[[], Encoder],
    options: AtlasOptions = AtlasOptions(),
    progress: Progress = lambda done, total, stage: None,
) -> Atlas:
    """Choose entries, and lay out each domain's in the space they are stored in, and all of them in a common one.

    Vectors of two domains may be compared only where one encoder made both. Where it did, the common panel uses them;
    else the chosen pictures (or texts) are encoded again with the encoder that `common` opens.

    Raises:
        InputError: the side is unknown, or nothing is left to draw.
        UnknownNameError: a domain or corpus that is not in the index.
    """
    sides = _sides(index, options)
    entries, available = choose_entries(
        sides, _wanted(records, options), options.most, np.random.default_rng(options.seed)
    )
    if not entries:
        raise InputError(f"Nothing to draw: no {options.side} of the chosen corpora and domains is indexed.")
    points = tuple(point for one in entries for point in one.points)
    stored = np.concatenate([one.vectors for one in entries]) if len({one.encoder for one in entries}) == 1 else None
    again = common() if stored is None else None
    thumbnails, encoded = _pictures(points, store, again if options.side == "image" else None, progress)
    if encoded is None and again is not None:
        encoded = again.encode_texts([joint_text(records[point.uid]) for point in points])
    shared = encoded if stored is None else stored
    panels = []
    if len(entries) > 1 and shared is not None:
        progress(0, 0, "placing all domains")
        space = entries[0].encoder if again is None else again.spec
        panels.append(_panel("all domains", space, np.arange(len(points)), shared, points, options.seed))
    first = 0
    for one in entries:
        progress(0, 0, f"placing {one.domain}")
        rows = np.arange(first, first + len(one.points))
        panels.append(_panel(one.domain, one.encoder, rows, one.vectors, points, options.seed))
        first += len(one.points)
    return Atlas(index.manifest.label, options, points, thumbnails, tuple(panels), available)


def _sides(index: OpenedIndex, options: AtlasOptions) -> list[OpenedSide]:
    if options.side not in SIDES:
        raise InputError(f"There is no side {options.side!r}; give image or text.")
    if options.most < 1:
        raise InputError(f"At most {options.most} points cannot be drawn; give 1 or more.")
    unknown = sorted(set(options.domains or ()) - set(index.domains))
    if unknown:
        raise UnknownNameError("domain in this index", unknown[0], index.domains)
    chosen = options.domains or index.domains
    return [
        index.sides[name, options.side]
        for name in index.domains
        if name in chosen and (name, options.side) in index.sides
    ]


def _wanted(records: Mapping[int, Record], options: AtlasOptions) -> Mapping[int, Record]:
    if options.corpora is None:
        return records
    known = {record.corpus for record in records.values()}
    unknown = sorted(set(options.corpora) - known)
    if unknown:
        raise UnknownNameError("corpus", unknown[0], known)
    return {uid: record for uid, record in records.items() if record.corpus in options.corpora}


def _pictures(
    points: Sequence[Point], store: ImageStore, encoder: Encoder | None, progress: Progress
) -> tuple[tuple[str, ...], Vectors | None]:
    """Thumbnails, and with an encoder the pictures' vectors (n, dim), a zero row for one that cannot be read."""
    small: list[str] = []
    vectors = None if encoder is None else np.zeros((len(points), encoder.dim), np.float32)
    held: list[tuple[int, Vectors]] = []

    def encode() -> None:
        if encoder is not None and vectors is not None and held:
            vectors[[row for row, _ in held]] = encoder.encode_prepared(np.stack([one for _, one in held]))
            held.clear()

    for row, point in enumerate(points):
        try:
            image = store.open(point.picture) if point.picture else None
        except SourceError:
            image = None
        small.append("" if image is None else thumbnail(image))
        if image is not None and encoder is not None:
            held.append((row, encoder.prepare(image)))
        if len(held) == _BATCH:
            encode()
        progress(row + 1, len(points), "reading pictures")
    encode()
    return tuple(small), vectors


def _panel(
    name: str, space: str, rows: NDArray[np.intp], vectors: Vectors, points: Sequence[Point], seed: int
) -> Panel:
    read = np.abs(vectors).sum(axis=1) > 0
    rows, vectors = rows[read], vectors[read]
    placed = lay_out(vectors, seed)
    mine = [points[row] for row in rows.tolist()]
    names = {by: [point.name(by) for point in mine] for by in COLOURS}
    patients = [point.patient for point in mine]
    agreements = {by: agreement(vectors, of, patients) for by, of in names.items()}
    colours = tuple(by for by, of in names.items() if len(set(of)) > 1)
    return Panel(name, space, tuple(rows.tolist()), placed.places, placed.trustworthiness, agreements, colours)
