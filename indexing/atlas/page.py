"""The atlas as one HTML page that loads nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from indexing import pages
from indexing.atlas.drawing import Atlas, Panel

__all__ = ["write_page"]

_FILES = Path(__file__).parent / "page_files"


def write_page(atlas: Atlas, path: Path, by: str = "domain") -> None:
    """Write the page. Texts of records are escaped, and its content policy forbids it to ask any host.

    Args:
        atlas: What to show.
        path: The file to write.
        by: What colours the first panel: domain, label or modality.
    """
    pages.write_page(
        _FILES,
        "atlas",
        path,
        index=atlas.index,
        side=atlas.options.side,
        shown=len(atlas.points),
        available=atlas.available,
        sources=_sources(atlas),
        script=pages.page_file(_FILES, "atlas.js"),
        data=_data(atlas, by),
    )


def _sources(atlas: Atlas) -> list[tuple[str, int, str]]:
    """Each corpus with how many of its entries are shown, and under which licences."""
    names = sorted({point.corpus for point in atlas.points})
    mine = {name: [point for point in atlas.points if point.corpus == name] for name in names}
    return [(name, len(mine[name]), _some(sorted({point.licence for point in mine[name]}))) for name in names]


def _some(names: list[str], most: int = 4) -> str:
    return "; ".join(names[:most]) + (f"; and {len(names) - most} more" if len(names) > most else "")


def _data(atlas: Atlas, by: str) -> dict[str, Any]:
    """What the script reads: names once, points as rows of numbers into them."""
    names = _Numbered()
    points = [
        [
            names(point.corpus), point.record, names(point.domain), names(point.modality), names(point.label),
            [names(label) for label in point.labels], point.text, names(point.licence), small,
        ]
        for point, small in zip(atlas.points, atlas.thumbnails, strict=True)
    ]  # fmt: skip
    panels = [_panel(panel) for panel in atlas.panels]
    return {"names": names.all, "points": points, "panels": panels, "by": by}


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "name": panel.name,
        "space": panel.space,
        "rows": panel.rows,
        "x": _rounded(panel.places[:, 0]),
        "y": _rounded(panel.places[:, 1]),
        "trust": panel.trustworthiness,
        "agreements": panel.agreements,
        "colours": panel.colours,
    }


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(float(value), 4) for value in values]


class _Numbered:
    """Names by number, each kept once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))

    @property
    def all(self) -> list[str]:
        return list(self._numbers)
