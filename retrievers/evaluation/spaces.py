"""What is compared in `eval encoders`: the pictures and texts of one domain, and what each encoder makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.domains import TEXTBOOK
from corpora.errors import InputError, UnknownNameError
from corpora.images import ImageStore
from corpora.records import Record
from indexing.encoders.base import Encoder, unit_rows
from indexing.encoders.embedded import GENERAL as GENERAL_HEAD
from indexing.encoders.heads import load_head, packaged_heads
from indexing.encoders.towers import IMAGE_DIM
from indexing.training.encoder_vectors import picture_vectors, text_vectors
from indexing.training.home_features import HomeFeatures, Row, picture_rows
from indexing.training.pairs import Pairs
from indexing.training.shipped_router import OUTSIDE_CORPORA
from indexing.training.split import split_by_patient

__all__ = [
    "AS_IT_CAME", "DOMAIN", "GENERAL", "OWN", "SENTENCES", "TUNED", "UNTRAINED", "DomainCases", "Space",
    "clinical_tags", "domain_cases", "domain_spaces", "encoder_space", "evaluated_rows", "require_heads",
]  # fmt: skip

OWN = "this home's encoder"
DOMAIN = "domain head"
GENERAL = "general head"
UNTRAINED = "untrained"
TUNED = "tuned tower"
AS_IT_CAME = "tower as it came"
SENTENCES = "texts alone"

_REGION = {"radiology": "location_category"}
_GENERIC = 0.5
_DIM = 256

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class DomainCases:
    """The pictures of one domain: a row each, features of the heads' tower (those of whole pictures first, then of the
    looks that the domain's head takes) and of texts, whether it is asked for.

    `frozen` (n, 2560) are features of the tower as it came, where the heads have a tuned one. `tags` are what makes two
    pictures alike, and `judged_by` says what they are: labels, or the body region.
    """

    domain: str
    rows: Sequence[Row]
    pairs: Pairs
    frozen: Vectors | None
    tags: Sequence[frozenset[str]]
    judged_by: str
    asked: NDArray[np.bool_]


@dataclass(frozen=True)
class Space:
    """Unit vectors (n, k) of a domain's pictures, and of their texts where the encoder has both sides."""

    images: Vectors
    texts: Vectors | None = None


def evaluated_rows(
    records: Iterable[Record],
    store: ImageStore,
    domains: Sequence[str] | None = None,
    drawn: bool = False,
    held_out: bool = False,
) -> list[Row]:
    """The pictures of cases of every clinical domain, and of figures of textbooks.

    Corpora of what is no medical picture are left out, and drawn records unless they are asked for. With `held_out`
    there must be a held-out patient; the pictures of the others are given too, for galleries.

    Raises:
        UnknownNameError: a domain of which the home holds no such picture.
        InputError: the home holds none at all, drawn ones alone that were not asked for, or none of a held-out patient.
    """
    found = [record for record in records if _counts(record)]
    known = {record.domain for record in found}
    for name in domains or ():
        if found and name not in known:
            raise UnknownNameError("domain with pictures in this home", name, known)
    chosen = [one for one in found if (drawn or not one.drawn) and (not domains or one.domain in domains)]
    _require_asked_for(found, chosen, domains)
    rows = picture_rows(chosen, store)
    if not rows:
        raise InputError("This home holds no pictures of cases or figures to ask for; add a corpus.")
    if held_out and not split_by_patient([row.patient for row in rows]).any():
        raise InputError("No patient with a picture to ask for is held out; ask without --held-out.")
    return rows


def require_heads(weights: Path) -> None:
    """Let a folder of heads pass.

    Raises:
        InputError: it holds no general head, which every domain is compared with.
    """
    name = f"{GENERAL_HEAD}.safetensors"
    if not (weights / name).is_file():
        raise InputError(
            f"The folder {weights} holds no set of heads: {name} is missing; an encoder that 'curbside "
            "train-encoder' wrote is measured where curbside.toml names it."
        )


def domain_cases(
    rows: Sequence[Row], features: HomeFeatures, frozen: HomeFeatures | None, held_out: bool
) -> Iterator[DomainCases]:
    """The rows by domain, textbooks last. `features` and `frozen` have these rows."""
    for domain in sorted(set(features.domains.tolist()), key=lambda name: (name == TEXTBOOK, name)):
        mine = features.domains == domain
        pairs = features.pairs(mine)
        kept = [rows[row] for row in np.flatnonzero(mine).tolist()]
        tags, judged_by = clinical_tags(domain, kept)
        asked = split_by_patient(pairs.patients) if held_out else np.ones(len(kept), bool)
        yield DomainCases(domain, kept, pairs, None if frozen is None else frozen.images[mine], tags, judged_by, asked)


def domain_spaces(cases: DomainCases, weights: Path) -> dict[str, Space]:
    """What each encoder makes of them. The one that serves the domain comes first: its own head, else the general one.

    The general head and the untrained projection (random and orthogonal, of standardised features) have the same tower
    as the domain's head, and see whole pictures. Towers are compared by their standardised features; these and the
    sentence encoder have one side only: `images` of the latter are the pictures' texts.
    """
    pairs = cases.pairs
    tower, words = _standardised(pairs.images[:, :IMAGE_DIM]), _standardised(pairs.texts)
    heads = [(DOMAIN, cases.domain)] if cases.domain in packaged_heads(weights) else []
    spaces = {}
    for name, file in (*heads, (GENERAL, GENERAL_HEAD)):
        head = load_head(file, weights)
        spaces[name] = Space(head.image(pairs.images), head.text(pairs.texts))
    spaces[UNTRAINED] = Space(_projected(tower, seed=0), _projected(words, seed=1))
    if cases.frozen is not None:
        spaces[TUNED] = Space(unit_rows(tower))
        tower = _standardised(cases.frozen)
    spaces[AS_IT_CAME] = Space(unit_rows(tower))
    spaces[SENTENCES] = Space(unit_rows(pairs.texts))
    return spaces


def encoder_space(
    encoder: Encoder,
    rows: Sequence[Row],
    store: ImageStore,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Space:
    """What another encoder makes of a domain's pictures and texts.

    Raises:
        ModelError: it takes texts only.
        SourceError: a picture cannot be read.
    """
    return Space(picture_vectors(encoder, rows, store, progress), text_vectors(encoder, rows))


def _require_asked_for(found: Sequence[Record], chosen: Sequence[Record], domains: Sequence[str] | None) -> None:
    """Drawn pictures alone, which nobody asked for, are told as such."""
    left = {record.domain for record in chosen}
    alone = [name for name in domains or () if name not in left]
    if found and (alone or not chosen):
        where = f"{', '.join(alone)} in this home" if alone else "this home"
        raise InputError(f"Every picture of {where} is drawn: --drawn takes simulated ones too.")


def _counts(record: Record) -> bool:
    if not record.pictures or record.corpus.startswith(OUTSIDE_CORPORA):
        return False
    return record.kind == ("figure" if record.domain == TEXTBOOK else "case")


def clinical_tags(domain: str, rows: Sequence[Row]) -> tuple[list[frozenset[str]], str]:
    """What makes pictures alike: the body region in radiology, where records state it; else labels, without those that
    most pictures carry."""
    name = _REGION.get(domain, "")
    regions = [frozenset({str(row.record.attributes[name])} if row.record.attributes.get(name) else ()) for row in rows]
    if any(regions):
        return regions, "body region"
    counts = Counter(label for row in rows for label in set(row.record.labels))
    generic = {label for label, count in counts.items() if count > _GENERIC * len(rows)}
    return [frozenset(row.record.labels) - generic for row in rows], "labels"


def _standardised(features: Vectors) -> Vectors:
    spread = features.std(axis=0)
    scaled: Vectors = ((features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)).astype(np.float32)
    return scaled


def _projected(features: Vectors, seed: int) -> Vectors:
    """Unit vectors (n, 256) of features (n, d) under a random orthogonal projection, the same in every run."""
    width = features.shape[1]
    drawn = np.random.default_rng(seed).standard_normal((width, min(_DIM, width)))
    return unit_rows(features @ np.linalg.qr(drawn)[0].astype(np.float32))
