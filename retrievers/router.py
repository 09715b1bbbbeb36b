"""Which domain a question belongs to, or none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.domains import TEXTBOOK, packaged_domains
from corpora.errors import ModelError, QueryError, UnknownNameError
from corpora.language import packaged_lexicon
from indexing.encoders.base import projected
from indexing.encoders.heads import WEIGHTS, tower_of
from indexing.encoders.query_features import QueryFeatures
from retrievers.found import DomainFound
from retrievers.query import EMPTY, Query

__all__ = ["OUTSIDE", "Router", "RouterWeights", "load_router"]

OUTSIDE = "outside"
_COVER = 0.95
_OUTSIDE_FROM = 0.3
_SURE_OF_TEXT = 0.6
_LEAST_NAME = 4  # shorter ones are words of their own ("he"), unless the lexicon knows them (CT, MR)
_WORD = re.compile(r"[^\W_]+(?:[-&][^\W_]+)*")
_UNNAMED = 2.0  # temperature of words that name no modality: an effusion is seen by radiographs and by ultrasound
_NAMED = 1000.0  # how much likelier a domain is whose modality the words name: who says CT means no ultrasound

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class RouterWeights:
    """A linear classifier on standardised tower features, with references that tell what is like nothing known.

    `mean`, `scale`: (d,); `project`: (d, p); `weight`: (p, c); `bias`: (c,); `references`: (r, p) unit rows of known
    pictures or texts; a question whose mean cosine to the five nearest of them is below `floor` is outside.
    """

    classes: tuple[str, ...]
    mean: Vectors
    scale: Vectors
    project: Vectors
    weight: Vectors
    bias: Vectors
    references: Vectors
    temperature: float
    floor: float

    def posterior(self, features: Vectors) -> Vectors:
        """Calibrated probabilities (n, c) of features (n, d)."""
        logits = (projected(self.space(features), self.weight) + self.bias) / self.temperature
        exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponent / exponent.sum(axis=1, keepdims=True), np.float32)

    def closeness(self, features: Vectors) -> Vectors:
        """Mean cosine (n,) to the five nearest references."""
        rows = self.space(features)
        rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        return np.asarray(np.sort(projected(rows, self.references.T), axis=1)[:, -5:].mean(axis=1), np.float32)

    def space(self, features: Vectors) -> Vectors:
        """Standardised and projected features (n, p)."""
        return np.asarray(projected((features - self.mean) * self.scale, self.project), np.float32)


class Router:
    """Finds the domains to search. Safe from several threads."""

    def __init__(
        self, image: RouterWeights, text: RouterWeights, device: str = "cpu", tuned: Path | None = None
    ) -> None:
        self._image, self._text = image, text
        self._features = QueryFeatures(device, tuned)

    @property
    def image(self) -> RouterWeights:
        """The classifier of pictures."""
        return self._image

    @property
    def text(self) -> RouterWeights:
        """The classifier of words."""
        return self._text

    @property
    def features(self) -> QueryFeatures:
        """What turns pictures and words into the features that both classify."""
        return self._features

    @property
    def fingerprint(self) -> str:
        """Names everything that was fitted, 16 hexadecimal digits."""
        digest = hashlib.sha256()
        for weights in (self._image, self._text):
            for part in fields(weights):
                value = getattr(weights, part.name)
                digest.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
        return digest.hexdigest()[:16]

    def calibrated(self, temperature: float | None, text_temperature: float | None, floor: float | None) -> Router:
        """This router with other temperatures (of pictures, of words) and floor; None keeps its own."""
        image, text = self._image, self._text
        return Router(
            replace(
                image,
                temperature=image.temperature if temperature is None else temperature,
                floor=image.floor if floor is None else floor,
            ),
            replace(text, temperature=text.temperature if text_temperature is None else text_temperature),
            self._features.device,
            self._features.tuned,
        )

    def route(self, query: Query, domains: Collection[str], text: str | None = None) -> DomainFound:
        """The domain of a question, from its pictures where it has some, else from its text.

        Args:
            query: The question; `query.domain` overrides everything.
            domains: Those that the index holds; nothing else is searched.
            text: What the question's words are read as, where that is not `query.text`.

        Raises:
            QueryError: it has neither text nor picture.
            UnknownNameError: `query.domain` is none of them.
        """
        if not query.text and not query.images:
            raise QueryError(EMPTY)
        if query.domain is not None:
            if query.domain not in domains:
                raise UnknownNameError("domain in this index", query.domain, domains)
            return DomainFound(
                query.domain, 1.0, {query.domain: 1.0}, _with_textbook([query.domain], domains), "chosen by the asker"
            )
        if query.pictures:
            return self._by_picture(query, domains)
        return self._by_text(query.text if text is None else text, domains)

    def strangeness(self, query: Query) -> float:
        """How surely the pictures of a question are no medical ones, 0…1: 1 where nothing known is near them."""
        ranked, near = self._seen(query)
        return 1.0 if near < self._image.floor else ranked.get(OUTSIDE, 0.0)

    def _seen(self, query: Query) -> tuple[dict[str, float], float]:
        """The probability of each class, the likeliest first, and how near the pictures are to known ones."""
        features = np.stack([self._features.image(picture) for picture in query.pictures])
        posterior = self._image.posterior(features).mean(axis=0)
        return _ranked(self._image.classes, posterior), float(self._image.closeness(features).max())

    def _by_picture(self, query: Query, domains: Collection[str]) -> DomainFound:
        ranked, near = self._seen(query)
        outside = ranked.get(OUTSIDE, 0.0)
        if near < self._image.floor or outside > _OUTSIDE_FROM:
            what = "The picture is" if len(query.pictures) == 1 else "The pictures are"
            if near < self._image.floor:
                measured = f"closeness {near:.2f}, needed {self._image.floor:.2f}"
                reason = f"{what} unlike every medical picture known here ({measured})."
            else:
                reason = f"{what} more like an everyday picture than a medical one ({outside:.2f})."
            return DomainFound(None, max(outside, 1.0 - max(near, 0.0)), ranked, (), reason)
        return _covered(ranked, domains, "from the picture")

    def _by_text(self, text: str, domains: Collection[str]) -> DomainFound:
        features = self._features.text(text)[None]
        posterior = self._text.posterior(features)[0]
        named = _named_domains(text)
        posterior = posterior * np.array([_NAMED if name in named else 1.0 for name in self._text.classes])
        ranked = _ranked(self._text.classes, posterior / posterior.sum())
        outside = ranked.get(OUTSIDE, 0.0)
        if outside > _SURE_OF_TEXT:
            return DomainFound(None, outside, ranked, (), "The question does not seem to be about medicine.")
        if not named:
            spread = posterior ** (1 / _UNNAMED)
            ranked = _ranked(self._text.classes, spread / spread.sum())
        return _covered(ranked, domains, "from the words")


def _named_domains(text: str) -> set[str]:
    """The domains one of whose modalities the text names, in the lexicon's spellings too ("on xray", "chest film")."""
    folded = f" {' '.join(_WORD.findall(text.casefold()))} "
    terms = {term.name.casefold() for term in packaged_lexicon().find(text, "modalities")}
    return {
        domain.name
        for domain in packaged_domains()
        for name in (*domain.modalities, *domain.aliases)
        if domain.name != TEXTBOOK
        and (name.casefold() in terms or (len(name) >= _LEAST_NAME and f" {name.casefold()} " in folded))
    }


def _ranked(classes: Sequence[str], posterior: Vectors) -> dict[str, float]:
    return {classes[row]: round(float(posterior[row]), 4) for row in np.argsort(-posterior)}


def _covered(ranked: Mapping[str, float], domains: Collection[str], how: str) -> DomainFound:
    """The smallest set of domains that together hold 0.95 of what is not outside."""
    inside = {name: value for name, value in ranked.items() if name in domains}
    total = sum(inside.values())
    if total <= 0.05:
        best = next(iter(ranked))
        return DomainFound(None, ranked[best], ranked, (), f"It belongs to {best}, of which this home holds nothing.")
    chosen: list[str] = []
    for name in inside:
        chosen.append(name)
        if sum(inside[name] for name in chosen) >= _COVER * total:
            break
    best = chosen[0]
    return DomainFound(best, round(inside[best] / total, 4), ranked, _with_textbook(chosen, domains), how)


def _with_textbook(chosen: list[str], domains: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*chosen, *([TEXTBOOK] if TEXTBOOK in domains else [])]))


@cache
def load_router(path: Path = WEIGHTS / "router.safetensors", device: str = "cpu") -> Router:
    """The router of that file, on the tower beside it; raises `ModelError` where its file is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
        return Router(
            _part("image", tensors, metadata), _part("text", tensors, metadata), device, tower_of(path.parent)
        )
    except (OSError, KeyError, SafetensorError, TypeError) as error:
        raise ModelError(f"The router {path.name} cannot be read ({error}); install Curbside again.") from error


def _part(side: str, tensors: Mapping[str, Vectors], metadata: Mapping[str, str]) -> RouterWeights:
    arrays = {name: tensors[f"{side}.{name}"] for name in ("mean", "scale", "project", "weight", "bias", "references")}
    return RouterWeights(
        classes=tuple(metadata[f"{side}.classes"].split(",")),
        temperature=float(metadata[f"{side}.temperature"]),
        floor=float(metadata[f"{side}.floor"]),
        **arrays,
    )
