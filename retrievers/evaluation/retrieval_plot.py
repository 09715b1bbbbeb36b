"""The plot of `eval retrieval`: the whole retriever and its parts, a panel a side from which it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from indexing.plots import new_figure, save_figure
from retrievers.evaluation.questions import SIDES
from retrievers.evaluation.summary import ALL, Standing, Summary
from retrievers.evaluation.variants import WHOLE
from retrievers.evaluation.whole import BEST, RANDOM

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_retrieval"]

_MEASURE = "nDCG@10"
_WHOLE, _SAME, _BEHIND, _AHEAD, _INK = "#1f4e8c", "#b8c0cc", "#5b9bd5", "#e0883a", "#1c2330"
_SURE = 0.05
_TITLES = {ALL: "every question"}


def plot_retrieval(summary: Summary, path: Path, held_out: bool) -> None:
    """Write the PNG: macro means with 95 % intervals over patients; the lines are the whole's and chance's.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    sides = [name for name in (ALL, *SIDES) if summary.standing(name)]
    names = list(dict.fromkeys(one.variant for one in summary.standings if one.variant not in (RANDOM, BEST)))
    figure = new_figure(2.6 + 2.2 * len(sides), 1.5 + 0.27 * max(3, len(names)))
    asked = "held-out patients" if held_out else "all patients, those that the encoders were fitted on among them"
    figure.suptitle(
        f"The whole retriever and its parts · {asked} · research use, not a medical device\n"
        f"Macro {_MEASURE} over domains, 95 % intervals over patients. Blue: the whole is ahead; orange: the whole is "
        "behind (after Holm); grey: neither",
        fontsize=9,
    )
    panels = figure.subplots(1, len(sides), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, sides, strict=True):
        _panel(axes, summary, name, names)
        axes.set_title(_TITLES.get(name, name), fontsize=9.5, loc="left")
    panels[0].set_yticks(range(len(names)), names, fontsize=8.5)
    panels[0].invert_yaxis()
    save_figure(figure, path)


def _panel(axes: Axes, summary: Summary, sides: str, names: list[str]) -> None:
    for row, name in enumerate(names):
        one = summary.standing(sides, name)
        if one is None:
            continue
        mean = one.macro[_MEASURE]
        axes.barh(row, mean.mean, height=0.7, color=_colour(one))
        if mean.has_interval:
            axes.hlines(row, mean.low, mean.high, color=_INK, linewidth=1.0)
        axes.text(max(mean.high, mean.mean) + 0.015, row, f"{mean.mean:.2f}", va="center", fontsize=7.5, color=_INK)
    whole, chance = summary.standing(sides), summary.standing(sides, RANDOM)
    if whole is not None:
        axes.axvline(whole.macro[_MEASURE].mean, color=_WHOLE, linewidth=1.0, zorder=0)
    if chance is not None:
        axes.axvline(chance.macro[_MEASURE].mean, color=_INK, linewidth=1.0, linestyle=(0, (2, 2)))
    axes.set_xlim(0, 1.12)
    axes.set_xticks([0, 0.5, 1.0], ["0", "0.5", "1"], fontsize=8)
    axes.tick_params(length=0)
    axes.grid(axis="x", color="#e3e6eb", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _colour(one: Standing) -> str:
    if one.variant == WHOLE:
        return _WHOLE
    gain = one.gains[_MEASURE]
    if (gain.p if gain.adjusted is None else gain.adjusted) >= _SURE:
        return _SAME
    return _BEHIND if gain.mean > 0 else _AHEAD
