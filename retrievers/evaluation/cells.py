"""How a mean and its interval read in a table."""

from __future__ import annotations

from retrievers.evaluation.comparison import Difference
from retrievers.evaluation.measures import Interval

__all__ = ["NOTHING", "interval_cell"]

_FEW = ("1 patient in a domain", "1 patient")
NOTHING = "–"
"""Where there was nothing to ask or to answer: that is no zero."""


def interval_cell(
    one: Interval | Difference | None, *, change: bool = False, digits: int = 3, stacked: bool = False
) -> str:
    """The mean with its interval, or with the word that it is of one patient, who has none.

    A change shows its signs; `stacked` puts the interval under the mean, where columns are many.

    >>> interval_cell(Interval(0.8, 0.7, 0.9, 12, 6)), interval_cell(Interval(0.8, 0.8, 0.8, 2, 1))
    ('0.800 (0.700–0.900)', '0.800 (1 patient)')
    """
    if one is None or not one.queries:
        return NOTHING
    sign, between = ("+", "…") if change else ("", "–")
    reach = f"{one.low:{sign}.{digits}f}{between}{one.high:{sign}.{digits}f}"
    mean, beside = f"{one.mean:{sign}.3f}", reach if one.has_interval else _FEW[one.patients]
    return f"{mean}\n{beside}" if stacked else f"{mean} ({beside})"
