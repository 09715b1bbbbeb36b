"""The plot of `eval encoders`: bars with intervals, a panel a direction, a group a domain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from indexing.plots import new_figure, save_figure
from retrievers.evaluation.encoders import Direction, DomainResult
from retrievers.evaluation.measures import Interval
from retrievers.evaluation.spaces import AS_IT_CAME, DOMAIN, GENERAL, OWN, SENTENCES, TUNED, UNTRAINED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_encoders"]

_PANELS = (("image→text", "R@1"), ("image→text", "R@10"), ("text→image", "success@10"), ("image→image", "P@5"))
# Told apart in grey too: what serves is darkest, what knows nothing lightest.
_COLOURS = {
    OWN: "#0b3d2e",
    DOMAIN: "#1f4e8c",
    GENERAL: "#5b9bd5",
    UNTRAINED: "#d5d9e0",
    TUNED: "#e0883a",
    AS_IT_CAME: "#f4c48f",
}
_CHANCE = "chance"
_INK = "#1c2330"
_GROUP = 0.84  # of the distance between two domains


def plot_encoders(results: Sequence[DomainResult], path: Path, held_out: bool) -> None:
    """Write the PNG. Above each group stands by how much what serves the domain beats the general head.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    figure = new_figure(12.0, 7.6)
    asked = "held-out patients" if held_out else "all patients, those that the heads were fitted on among them"
    figure.suptitle(
        f"Domain heads beside what else could serve · {asked} · research use, not a medical device\n"
        "Bars: 95 % intervals over patients. Above: what serves − general head, bold where its interval excludes zero",
        fontsize=10,
    )
    for axes, (name, measure) in zip(figure.subplots(2, 2).ravel(), _PANELS, strict=True):
        _panel(axes, [one for result in results for one in result.directions if one.name == name], measure)
        judged = "label, in radiology body region" if name == "image→image" else ""
        axes.set_title(f"{name}, {measure}" + (f" of the {judged}" if judged else ""), fontsize=10, loc="left")
    handles = {label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels())}  # noqa: B905
    names = [name for name in (*_COLOURS, SENTENCES, _CHANCE) if name in handles]
    shown = [handles[name] for name in names]
    figure.legend(shown, names, loc="outside lower center", ncols=len(names), fontsize=9, frameon=False)
    save_figure(figure, path)


def _panel(axes: Axes, shown: Sequence[Direction], measure: str) -> None:
    names = [name for name in _COLOURS if any(name in one.means for one in shown)]
    width = _GROUP / max(1, len(names))
    for place, one in enumerate(shown):
        mine = [name for name in names if name in one.means]
        left = place - width * (len(mine) - 1) / 2
        for number, name in enumerate(mine):
            _bar(axes, left + number * width, width * 0.92, one.means[name][measure], name)
        half = width * len(mine) / 2
        axes.hlines(
            one.chance[measure], place - half, place + half,
            color=_INK, linewidth=1.4, linestyles=(0, (2, 1.5)), label=_CHANCE,
        )  # fmt: skip
        if SENTENCES in one.means:
            axes.plot(place, one.means[SENTENCES][measure].mean, "D", color="white", markeredgecolor=_INK,
                      markersize=5.5, label=SENTENCES, linestyle="")  # fmt: skip
        _difference(axes, place, one, measure)
    axes.set_ylim(0, 1.16)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "", "0.5", "", "1"], fontsize=8.5)
    axes.set_xticks(range(len(shown)), [f"{one.domain}\nn = {len(one.asked)}" for one in shown], fontsize=8.5)
    axes.tick_params(length=0)
    axes.grid(axis="y", color="#e3e6eb", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#9aa4b2")


def _bar(axes: Axes, x: float, width: float, found: Interval, name: str) -> None:
    reach = [[max(0.0, found.mean - found.low)], [max(0.0, found.high - found.mean)]] if found.has_interval else None
    axes.bar(
        x, found.mean, width, color=_COLOURS[name], label=name, yerr=reach,
        error_kw={"ecolor": _INK, "elinewidth": 0.9, "capsize": 1.8, "capthick": 0.9},
    )  # fmt: skip


def _difference(axes: Axes, place: float, one: Direction, measure: str) -> None:
    """By how much what serves is better than the general head; bold where the interval excludes zero."""
    if one.serving == GENERAL:
        axes.text(place, 1.05, "no head\nof its own", ha="center", va="bottom", fontsize=7.5, color="#5b6472")
        return
    change = one.differences[GENERAL][measure]
    sure = change.has_interval and (change.low > 0 or change.high < 0)
    axes.text(
        place, 1.07, f"{change.mean:+.2f}".replace("-", "−"), ha="center", va="bottom", fontsize=9,
        fontweight="bold" if sure else "normal", color=_INK if sure else "#5b6472",
    )  # fmt: skip
