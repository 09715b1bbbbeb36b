"""What a search found, as lines of a terminal and as maps in a folder."""

from __future__ import annotations

from pathlib import Path

from corpora.errors import SourceError
from retrievers.contrast import Contrast
from retrievers.explain import Explanation, maps_over, overlay
from retrievers.found import DomainFound, Found, Hit
from retrievers.query import Query
from retrievers.retriever import Retriever

__all__ = ["contrast_lines", "domain_line", "explained", "found_lines"]

_MOST_LISTS = 3
_STANDS = {
    "explains": "explains",
    "illustrates": "illustrates",
    "same section": "same section as",
    "same study": "same study as",
    "confusable": "easily taken for",
}


def found_lines(found: Found) -> list[str]:
    """The domain, how the question was read, the patient's prior, the hits, and why so many count."""
    lines = [domain_line(found.domain), *_read_as(found)]
    prior = found.timeline.prior if found.timeline else None
    if found.timeline is not None and not found.timeline.studies:
        lines.append(f"No study of patient {found.timeline.patient} may be seen here.")
    if prior is not None and found.timeline is not None:
        lines.append(f"Prior study of day {prior.day}: {_short(found.timeline.regional or found.timeline.whole)}")
    for number, hit in enumerate(found.hits, 1):
        lines += _hit_lines(number, hit)
    return [*lines, found.selection.reason]


def contrast_lines(contrast: Contrast) -> list[str]:
    """The nearest record of each side."""
    if contrast.outside:
        return [f"Outside every domain: {contrast.outside}"]
    lines = [f"{contrast.finding}, among the {contrast.looked} nearest:"]
    for what, hit in (("shows it", contrast.affirming), ("does not", contrast.denying)):
        lines += [f"{what}: none"] if hit is None else [f"{what}:", *_hit_lines(1, hit)]
    return lines


def domain_line(domain: DomainFound) -> str:
    """Which domain, how surely, and how that was decided."""
    if domain.name is None:
        return f"Outside every domain: {domain.reason}"
    return f"Domain: {domain.name} {domain.probability:.2f} ({domain.reason})"


def explained(retriever: Retriever, query: Query, found: Found, folder: Path) -> list[Explanation]:
    """Why each hit was found; maps over pictures are written into the folder as PNG.

    Raises:
        SourceError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"The folder {folder} cannot be made: {error.strerror}.") from error
    told = []
    for number, hit in enumerate(found.hits, 1):
        why = retriever.explain(query, hit)
        for name, picture, made in maps_over(why, query, hit, retriever.images.open):
            overlay(picture, made).save(folder / f"{number:02d}-{name}.png")
        told.append(why)
    return told


def _read_as(found: Found) -> list[str]:
    asked = found.asked
    if asked is None or not asked.text or (not asked.corrections and asked.language == "en"):
        return []
    return [f"Read as: {asked.search_text}"]


def _hit_lines(number: int, hit: Hit) -> list[str]:
    record = hit.record
    best = sorted(hit.ranks.items(), key=lambda item: item[1])[:_MOST_LISTS]
    where = ", ".join(f"{name} #{rank}" for name, rank in best) or _standing(hit)
    drawn = " · drawn, not a patient" if record.drawn else ""
    lines = [f"{number:3}. {record.corpus}/{record.id} · {record.modality or record.kind}{drawn} · {where}"]
    head, sentence = ", ".join(record.labels) or record.title, _short(hit.sentence)
    lines.append(f"     {sentence if sentence.startswith(head) else f'{head}: {sentence}'}")
    for what, others in (("also seen in", hit.duplicates), ("easily taken for", hit.confusable)):
        if others:
            lines.append(f"     {what} {', '.join(others[:_MOST_LISTS])}{' …' if len(others) > _MOST_LISTS else ''}")
    return lines


def _standing(hit: Hit) -> str:
    return f"{_STANDS.get(hit.relation, f'{hit.relation} of')} {hit.neighbour_of}"


def _short(text: str, most: int = 160) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"
