"""The heat map of `eval robustness`: a row a family, a column a severity, a panel a domain and measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.plots import new_figure, save_figure
from indexing.training.corruptions import SEVERITIES
from retrievers.evaluation.measures import Interval
from retrievers.evaluation.robustness import MEASURES, DomainRobustness

__all__ = ["plot_robustness"]

_TITLES = {"Recall@10": "Recall@10, image→text", "P@5": "P@5, image→image", "routing": "routing accuracy"}
_ROW = 0.24  # inches
_ALL = "mean"


def plot_robustness(results: Sequence[DomainRobustness], path: Path) -> None:
    """Write the PNG. Every cell says its change; colour is the same scale everywhere, red is loss.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    heights = [len(result.families) * _ROW + 0.75 for result in results]
    figure = new_figure(11.0, sum(heights) + 0.9)
    figure.suptitle(
        "Change against the clean picture, by severity (1 mild … 5 severe) · research use, not a medical device",
        fontsize=11,
    )
    grid = figure.subplots(len(results), len(MEASURES), squeeze=False, height_ratios=heights)
    reach = max([0.1, *(float(np.nanmax(np.abs(_cells(r, name)), initial=0.0)) for r in results for name in MEASURES)])
    for result, panels in zip(results, grid, strict=True):
        for column, (name, axes) in enumerate(zip(MEASURES, panels, strict=True)):
            cells = _cells(result, name)
            if name not in result.clean:
                axes.set_axis_off()
                continue
            axes.imshow(cells, cmap="RdBu", vmin=-reach, vmax=reach, aspect="auto")
            axes.set_xticks(range(len(SEVERITIES) + 1), [*map(str, SEVERITIES), _ALL], fontsize=8)
            axes.axvline(len(SEVERITIES) - 0.5, color="white", linewidth=3)
            axes.tick_params(length=0)
            names = [change.family.replace("_", " ") for change in result.families]
            axes.set_yticks(range(len(names)), names if column == 0 else [], fontsize=8)
            clean = result.clean[name]
            axes.set_title(
                f"{result.domain} · {_TITLES[name]}\nclean {clean.mean:.2f}, n = {clean.queries}", fontsize=8.5
            )
            for (row, place), value in np.ndenumerate(cells):
                if np.isfinite(value):
                    colour = "white" if abs(value) > 0.6 * reach else "black"
                    axes.text(
                        place,
                        row,
                        "0" if abs(value) < 0.005 else f"{value:+.2f}",
                        ha="center",
                        va="center",
                        fontsize=7,
                        color=colour,
                    )
    save_figure(figure, path)


def _cells(result: DomainRobustness, name: str) -> NDArray[np.float64]:
    """Changes (families, severities + 1), their mean last; NaN where nothing was judged."""
    rows = [
        [*(_mean(change.severities[at], name) for at in SEVERITIES), _mean(change.mean, name)]
        for change in result.families
    ]
    return np.array(rows, np.float64).reshape(len(result.families), len(SEVERITIES) + 1)


def _mean(intervals: Mapping[str, Interval], name: str) -> float:
    return intervals[name].mean if name in intervals else float("nan")
