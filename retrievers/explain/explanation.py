"""Why a hit was found: its places in the lists, the sentence that matched, and where the pictures are alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from corpora.records import Region
from indexing.encoders import Encoder
from retrievers.explain.maps import SimilarityMap, occlusion_map, strongest_region
from retrievers.found import Hit
from retrievers.query import Query

__all__ = ["Explanation", "explain_hit", "maps_over"]


@dataclass(frozen=True)
class Explanation:
    """What made a hit.

    `found_by` says for each list that found it, best place first, its name, the place and the similarity. Maps are None
    where there is nothing to compare: `asked_map` lies over the question's first picture and `hit_map` over the hit's,
    each against the other picture; `words_map` lies over the hit's picture, against the question's words. `region` is
    the part of the question's picture that made the match, in its pixels.
    """

    record: str
    found_by: tuple[tuple[str, int, float], ...]
    sentence: str
    asked_map: SimilarityMap | None = None
    hit_map: SimilarityMap | None = None
    words_map: SimilarityMap | None = None
    region: Region | None = None


def explain_hit(
    query: Query, text: str, hit: Hit, encoder: Encoder, opened: Callable[[str], Image.Image]
) -> Explanation:
    """The explanation of one hit.

    Args:
        query: The question that found it.
        text: What its words were read as.
        hit: One of its hits.
        encoder: Of the hit's domain.
        opened: A stored picture by its digest.
    """
    found_by = sorted(
        ((name, rank, hit.similarities[name]) for name, rank in hit.ranks.items()), key=lambda one: (one[1], one[0])
    )
    plain = Explanation(f"{hit.record.corpus}/{hit.record.id}", tuple(found_by), hit.sentence)
    asked = query.pictures[0] if query.pictures else None
    shown = opened(hit.record.pictures[hit.picture].digest) if hit.record.pictures else None
    if not encoder.has_images or shown is None:
        return plain
    words = None if not text else occlusion_map(encoder, shown, encoder.encode_texts([text])[0])
    if asked is None:
        return Explanation(plain.record, plain.found_by, plain.sentence, words_map=words)
    vectors = encoder.encode_images([asked, shown])
    asked_map = occlusion_map(encoder, asked, vectors[1])
    return Explanation(
        plain.record,
        plain.found_by,
        plain.sentence,
        asked_map,
        occlusion_map(encoder, shown, vectors[0]),
        words,
        _in_whole(strongest_region(asked_map, asked.size), query.region),
    )


def maps_over(
    explanation: Explanation, query: Query, hit: Hit, opened: Callable[[str], Image.Image]
) -> list[tuple[str, Image.Image, SimilarityMap]]:
    """Each map with the picture it lies over: "asked" over the question's, "found" and "words" over the hit's."""
    asked = query.pictures[0] if query.pictures else None
    shown = opened(hit.record.pictures[hit.picture].digest) if hit.record.pictures else None
    every = (
        ("asked", asked, explanation.asked_map),
        ("found", shown, explanation.hit_map),
        ("words", shown, explanation.words_map),
    )
    return [(name, picture, made) for name, picture, made in every if picture is not None and made is not None]


def _in_whole(found: Region | None, cut: Region | None) -> Region | None:
    """The region in pixels of the whole picture where the question was about a part of it."""
    if found is None or cut is None:
        return found
    return Region(found.x0 + cut.x0, found.y0 + cut.y0, found.x1 + cut.x0, found.y1 + cut.y0)
