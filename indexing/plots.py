"""Figures without a screen: matplotlib, where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from corpora.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["new_figure", "save_figure"]

_DPI = 120


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches; raises `MissingDependencyError` without matplotlib.

    Not through `pyplot`, which keeps every figure and may look for a screen.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingDependencyError("matplotlib", "plots", "Drawing a figure") from error
    return Figure(figsize=(width, height), dpi=_DPI, layout="constrained")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG of 120 pixels an inch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")
