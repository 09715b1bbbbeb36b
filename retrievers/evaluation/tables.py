"""The tables of an evaluation as text: the same rows for the terminal, Markdown and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrievers.evaluation.cells import NOTHING, interval_cell
from retrievers.evaluation.comparison import Difference
from retrievers.evaluation.measures import Interval
from retrievers.evaluation.questions import SIDES
from retrievers.evaluation.summary import ALL, TESTED, Standing, Summary
from retrievers.evaluation.variants import WHOLE
from retrievers.evaluation.whole import BEST, MEASURES, RANDOM

__all__ = ["TextTable", "as_markdown", "tables_of"]

_SURE = 0.05


@dataclass(frozen=True)
class TextTable:
    """A table with its title and a sentence about it; `strong` marks rows that are set bold."""

    title: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()


def tables_of(summary: Summary) -> list[TextTable]:
    """All tables; those of variants only where there are any."""
    return [*_ablations(summary), *_contexts(summary), *_routing(summary), *_wholes(summary)]


def as_markdown(tables: Sequence[TextTable], level: int = 2) -> str:
    """Markdown, one section a table.

    >>> print(as_markdown([TextTable("One", "About it.", ("a", "b"), (("x", "1"),))]))
    ## One
    <BLANKLINE>
    About it.
    <BLANKLINE>
    | a | b |
    |---|---|
    | x | 1 |
    """
    sections = []
    for table in tables:
        rows = [
            " | ".join(f"**{cell}**" if cell and number in table.strong else cell for cell in row)
            for number, row in enumerate(table.rows)
        ]
        head = [f"| {' | '.join(table.columns)} |", f"|{'---|' * len(table.columns)}"]
        body = "\n".join([*head, *(f"| {row} |" for row in rows)])
        sections.append(f"{'#' * level} {table.title}\n\n{table.about}\n\n{body}")
    return "\n\n".join(sections)


def _wholes(summary: Summary) -> Iterator[TextTable]:
    for sides in SIDES:
        rows: list[tuple[str, ...]] = []
        strong = []
        best = summary.standing(sides, BEST)
        bounds = {**best.domains, "macro": best.macro} if best else {}
        for name in (RANDOM, WHOLE, BEST):
            one = summary.standing(sides, name)
            if one is None:
                continue
            for domain, measured in (*one.domains.items(), ("macro", one.macro)):
                if name == WHOLE:
                    strong.append(len(rows))
                bound = bounds.get(domain, {})
                rows.append((domain, name, *(_reached(measured[key], bound.get(key)) for key in MEASURES)))
        if rows:
            ordered = sorted(range(len(rows)), key=lambda row: (rows[row][0] == "macro", rows[row][0], row))
            about = "Every measure, with 95 % intervals over patients, beside random evidence and the best order."
            marked = frozenset(place for place, row in enumerate(ordered) if row in strong)
            yield TextTable(
                f"Asked by {sides}", about, ("domain", "", *MEASURES), tuple(rows[row] for row in ordered), marked
            )


def _ablations(summary: Summary) -> Iterator[TextTable]:
    for sides in (ALL, *SIDES):
        standings = [one for one in summary.standings if one.sides == sides]
        if not any(one.gains for one in standings):
            continue
        domains = sorted(standings[0].domains)
        gained = [f"whole − it, {name} (p)" for name in TESTED]
        rows = tuple(_ablation(one, domains) for one in standings)
        asked = "Every question" if sides == ALL else f"Asked by {sides}"
        yield TextTable(
            f"{asked}: the whole and its parts",
            "Mean nDCG@10 of each domain, macro average with its 95 % interval over patients, and what the whole gains "
            f"over the variant; p-values by a paired bootstrap over patients, after Holm; * where below {_SURE:g}.",
            ("variant", *domains, "macro", *gained),
            rows,
            frozenset(number for number, one in enumerate(standings) if one.variant == WHOLE),
        )


def _ablation(one: Standing, domains: Sequence[str]) -> tuple[str, ...]:
    means = [f"{one.domains[name]['nDCG@10'].mean:.3f}" if name in one.domains else NOTHING for name in domains]
    gains = [_difference(one.gains.get(name)) for name in TESTED]
    return (one.variant, *means, _interval(one.macro["nDCG@10"]), *gains)


def _contexts(summary: Summary) -> Iterator[TextTable]:
    if summary.contexts:
        rows = tuple(
            (
                one.sides, one.policy, f"{one.mean_k:.2f}", f"{one.fires:.0%}", f"{one.fixed:.3f}",
                f"{one.precision:.3f}", _difference(one.gain),
            )
            for one in summary.contexts
        )  # fmt: skip
        yield TextTable(
            "The context: policies beside a fixed number",
            "Share of what is kept that is right, at equal mean k; the gain is the macro average over domains.",
            ("asked by", "policy", "mean k", "cuts on", "fixed k", "policy's", "gain (p)"),
            rows,
        )


def _routing(summary: Summary) -> Iterator[TextTable]:
    domains = sorted({domain for one in summary.standings for domain in one.domains})
    rows = [
        (sides, *(_interval(one.get(domain)) for domain in domains)) for sides, one in summary.routing.items() if one
    ]
    said = []
    for sides in SIDES:
        standing = summary.standing(sides)
        for name, interval in standing.text.items() if standing else ():
            said.append((sides, name, str(interval.queries), _interval(interval)))
    leaks = f"{summary.duplicates} near duplicates and {summary.same_patient} records of the asked patient were found."
    about = f"Share of cases sent to their own domain (a figure of a book may show any). {leaks} Both must be 0."
    yield TextTable("Routing", about, ("asked by", *domains), tuple(rows))
    if said:
        yield TextTable(
            "Texts that say the same",
            "Relevant are only other patients' records whose report or caption says the same (cosine above 0.98).",
            ("asked by", "measure", "queries", "whole"),
            tuple(said),
        )


def _reached(one: Interval, best: Interval | None) -> str:
    """Where the best order there is reaches nothing, nothing could be found: that is no zero."""
    return NOTHING if best and not best.mean else _interval(one)


def _interval(one: Interval | None) -> str:
    return interval_cell(one, digits=2)


def _difference(one: Difference | None) -> str:
    if one is None:
        return ""
    p = one.p if one.adjusted is None else one.adjusted
    mark = "*" if p < _SURE else ""
    said = interval_cell(one, change=True, digits=2)
    return f"{said.removesuffix(')')}; {p:.3f}{mark})" if one.has_interval else said
