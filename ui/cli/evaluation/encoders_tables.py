"""The tables of `eval encoders`: one a direction, and one of what is gained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill

from rich.table import Table

from retrievers.evaluation.cells import NOTHING, interval_cell
from retrievers.evaluation.encoders import DIRECTIONS, Direction, DomainResult
from retrievers.evaluation.measures import Interval
from retrievers.evaluation.spaces import AS_IT_CAME, DOMAIN, GENERAL, OWN, SENTENCES, TUNED, UNTRAINED

__all__ = ["encoder_tables"]

_STACKED = 9  # the width of an interval under its mean


def encoder_tables(results: Sequence[DomainResult]) -> Iterator[Table]:
    """A table a direction that has queries."""
    for name in DIRECTIONS:
        shown = [one for result in results for one in result.directions if one.name == name]
        if shown and name == "image→image":
            yield _within(shown)
            yield _gained(shown)
        elif shown:
            yield _across(name, shown)


def _across(name: str, shown: Sequence[Direction]) -> Table:
    """Intervals stand beside their means, under them where a home's own encoder makes the columns many.

    Columns then stand close, so that all have room on a screen of 100.
    """
    names, compared = _named(shown, (OWN, DOMAIN, GENERAL, UNTRAINED)), _compared(shown, (GENERAL,))
    stacked = OWN in names
    heads = [*names, *_differences(shown, compared)]
    table = _table(name, "", "chance", *(fill(head, _STACKED) if stacked else head for head in heads))
    table.collapse_padding = stacked
    for one in shown:
        size = f"{len(one.asked)} in {one.gallery}"
        for number, measure in enumerate(DIRECTIONS[name]):
            means = [
                interval_cell(one.means.get(encoder, {}).get(measure), digits=2, stacked=stacked) for encoder in names
            ]
            gains = [
                interval_cell(_gain(one, other, measure), change=True, digits=2, stacked=stacked) for other in compared
            ]
            label = (one.domain, size, "")[number]
            table.add_row(label, measure, f"{one.chance[measure]:.3f}", *means, *gains)
    return table


def _within(shown: Sequence[Direction]) -> Table:
    names = _named(shown, (OWN, DOMAIN, GENERAL, UNTRAINED, TUNED, AS_IT_CAME, SENTENCES))
    table = _table("image→image\nP@5", "chance", "best", *(fill(name, _STACKED) for name in names))
    table.collapse_padding = True
    for one in shown:
        asked, best = f"{one.domain}\n{len(one.asked)} in {one.gallery}\nby {one.judged_by}", one.best["P@5"]
        if _answerable(one):
            cells = [interval_cell(one.means.get(name, {}).get("P@5"), digits=2, stacked=True) for name in names]
            table.add_row(asked, f"{one.chance['P@5']:.3f}", f"{best:.2f}", *cells)
        else:
            table.add_row(asked, *[NOTHING] * (2 + len(names)))
    return table


def _gained(shown: Sequence[Direction]) -> Table:
    """Of image→image: what the serving encoder gains over others."""
    compared = _compared(shown, (GENERAL, AS_IT_CAME))
    table = _table("image→image, P@5", *_differences(shown, compared))
    for one in shown:
        gains = [_gain(one, other, "P@5") if _answerable(one) else None for other in compared]
        table.add_row(one.domain, *(interval_cell(gain, change=True, digits=2) for gain in gains))
    return table


def _answerable(one: Direction) -> bool:
    """Whether any asked picture has a like one of another patient."""
    return one.best["P@5"] > 0


def _table(*heads: str) -> Table:
    table = Table(*heads, box=None, show_edge=False, pad_edge=False)
    table.columns[0].no_wrap = True
    return table


def _named(shown: Sequence[Direction], order: Sequence[str]) -> list[str]:
    return [name for name in order if any(name in one.means for one in shown)]


def _compared(shown: Sequence[Direction], others: Sequence[str]) -> list[str]:
    """What the serving encoder is compared with; a home's own encoder also with the head that ships."""
    own = (DOMAIN,) if any(one.serving == OWN for one in shown) else ()
    return [name for name in (*others, *own) if any(name in one.means for one in shown)]


def _differences(shown: Sequence[Direction], compared: Sequence[str]) -> list[str]:
    serving = "serving" if any(one.serving == OWN for one in shown) else "domain"
    return [f"{serving} − {name.removesuffix(' head')}" for name in compared]


def _gain(one: Direction, other: str, measure: str) -> Interval | None:
    """What the encoder that serves gains; the general head alone gains nothing of its own."""
    return None if one.serving == GENERAL else one.differences.get(other, {}).get(measure)
