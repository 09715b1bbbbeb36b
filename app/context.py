"""Which of the hits become numbered evidence: like cases and explaining texts in a fair mixture, with the reason."""

from __future__ import annotations

from app.answers import Evidence
from retrievers.found import Found, Hit, Selection

__all__ = ["choose_context"]

_EXPLAINING = 2
_LEAST_RELATED = 0.3
_LEAST_EXPLAINING = 0.5  # beside a picture: "What is the diagnosis?" alone is near to any textbook


def choose_context(found: Found, with_pictures: bool, most: int) -> tuple[tuple[Evidence, ...], Selection]:
    """The evidence, and how it was chosen.

    Beside a picture: the cases nearest by picture, since they vote, then up to two texts or figures that explain; no
    more cases than the selection kept. For a question in words: the selected hits in order, but at most half of them
    cases, so that textbooks have a say.
    """
    if not found.hits:
        return (), found.selection
    hits = _beside_picture(found, most) if with_pictures else _in_words(found, most)
    cases = sum(hit.record.kind == "case" for hit in hits)
    texts = len(hits) - cases
    what = [
        f"{number} {name}{'s' if number != 1 else ''}" for number, name in ((cases, "case"), (texts, "textbook part"))
    ]
    if not hits:
        nothing = f"None of {len(found.hits)} found has to do with the question."
        return (), Selection(found.selection.policy, 0, len(found.hits), nothing)
    told = " and ".join(part for part in what if not part.startswith("0"))
    how = "nearest to the picture" if with_pictures else "nearest to the words"
    if found.reordered:
        how = "in the order asked for"
    reason = f"{len(hits)} of {len(found.hits)} found were used: {told} {how}."
    if _cut(found):
        reason += f" Chosen from the best: {found.selection.reason[0].lower()}{found.selection.reason[1:]}"
    numbered = tuple(Evidence(number, hit) for number, hit in enumerate(hits, 1))
    return numbered, Selection(found.selection.policy, len(hits), len(found.hits), reason)


def _beside_picture(found: Found, most: int) -> list[Hit]:
    cases = [hit for hit in found.hits if hit.record.kind == "case"]
    alike = [hit for hit in cases if hit.similarity("image→image") is not None or hit.relation]
    if not found.reordered:  # else the question, or a re-ranking, asked for this order
        alike.sort(key=lambda hit: -(hit.similarity("image→image") or 0.0))
    explaining = [hit for hit in found.hits if hit.record.kind != "case" and _explains(hit)][:_EXPLAINING]
    room = max(1, most - len(explaining))
    if _cut(found):
        room = min(room, max(1, sum(hit.record.kind == "case" for hit in found.selected)))
    return [*alike[:room], *explaining]


def _cut(found: Found) -> bool:
    """Whether a policy, and not the room alone, kept fewer than were found."""
    return (
        not found.reordered and found.selection.policy != "fixed" and found.selection.kept < found.selection.candidates
    )


def _in_words(found: Found, most: int) -> list[Hit]:
    chosen: list[Hit] = []
    room = {"case": max(1, most // 2), "figure": max(1, most // 3), "passage": most}
    for hit in found.hits[: max(found.selection.kept, 3 * most)]:
        if room[hit.record.kind] and _related(hit) and len(chosen) < most:
            room[hit.record.kind] -= 1
            chosen.append(hit)
    return chosen


def _explains(hit: Hit) -> bool:
    return (hit.similarity("text→text") or 0.0) >= _LEAST_EXPLAINING


def _related(hit: Hit) -> bool:
    """Whether its words have to do with the question; the first two of a list of words always have."""
    similarity = hit.similarity("text→text") or 0.0
    first_by_words = any(rank <= 2 and name.endswith("words") for name, rank in hit.ranks.items())
    return similarity >= _LEAST_RELATED or first_by_words
