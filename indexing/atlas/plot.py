"""The atlas as PNG: the same panels, side by side."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from indexing.atlas.drawing import Atlas, Panel
from indexing.plots import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["write_plot"]

_COLUMNS = 3
_MOST_NAMES = 9
_LONGEST = 26
# Told apart by people with any colour vision as far as ten can be (after Paul Tol's and Okabe's schemes).
_PALETTE = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#44bb99", "#7755bb", "#997700",
)  # fmt: skip
_OTHER = "#b8bcc4"


def write_plot(atlas: Atlas, path: Path, by: str = "domain") -> None:
    """Write the PNG; the common panel is coloured `by`, a domain's own by label where `by` is domain.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    columns = min(_COLUMNS, len(atlas.panels))
    rows = -(-len(atlas.panels) // columns)
    figure = new_figure(6.2 * columns, 4.3 * rows + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(grid, atlas.panels, strict=False):
        _scatter(axes, atlas, panel, panel.told_apart(by))
    for axes in grid[len(atlas.panels) :]:
        axes.set_axis_off()
    told = (
        f"{atlas.options.side} vectors of {atlas.index}: {len(atlas.points)} of {atlas.available}",
        "t-SNE: near is alike, far apart says little",
        "research use, not a medical device",
    )
    figure.suptitle((" · " if columns > 1 else "\n").join(told), fontsize=10)
    save_figure(figure, path)


def _scatter(axes: Axes, atlas: Atlas, panel: Panel, by: str) -> None:
    names = [atlas.points[row].name(by) or "not stated" for row in panel.rows]
    counts = Counter(names)
    most = [name for name, _ in counts.most_common(_MOST_NAMES if len(counts) > _MOST_NAMES + 1 else len(counts))]
    size = float(np.clip(4000 / max(len(names), 1), 6, 40))
    rest = np.array([name not in most for name in names], bool)
    x, y = panel.places[:, 0], panel.places[:, 1]
    if rest.any():
        label = f"{len(counts) - len(most)} others ({rest.sum()})"
        axes.scatter(x[rest], y[rest], s=size, c=_OTHER, linewidths=0, label=label)
    for number, name in enumerate(most):
        mine = np.array([other == name for other in names], bool)
        label = f"{name if len(name) <= _LONGEST else name[: _LONGEST - 1] + '…'} ({counts[name]})"
        colour = _PALETTE[number % len(_PALETTE)]
        axes.scatter(x[mine], y[mine], s=size, c=colour, linewidths=0, alpha=0.85, label=label)
    same, chance = panel.agreements[by]
    alike = f"of 5 nearest {same:.0%} alike, chance {chance:.0%}" if 0 < chance < 1 else ""
    axes.set_title("\n".join((f"{panel.name} by {by}", panel.space, alike)), fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", adjustable="datalim")
    for spine in axes.spines.values():
        spine.set_color("#d0d3d9")
    handles, labels = axes.get_legend_handles_labels()
    if rest.any():  # drawn first, so that they lie below; told last
        handles, labels = [*handles[1:], handles[0]], [*labels[1:], labels[0]]
    beside = (1.0, 0.5)
    axes.legend(handles, labels, loc="center left", bbox_to_anchor=beside, fontsize=7.5, frameon=False, markerscale=1.4)
