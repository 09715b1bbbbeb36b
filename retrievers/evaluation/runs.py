"""Runs on disk: a folder with manifest, a line a query, tables and page; and the paired comparison of two of them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from corpora.errors import InputError, SourceError
from corpora.records import Record
from retrievers.evaluation.comparison import Difference, adjusted, macro, macro_difference
from retrievers.evaluation.measures import Interval
from retrievers.retriever import Retriever

__all__ = [
    "Compared",
    "Run",
    "compare_runs",
    "differing",
    "manifest_of",
    "new_folder",
    "open_run",
    "unshared",
    "write_lines",
]

_WAYS = ("sides", "direction", "encoder", "variant")
_BOUNDS = frozenset({"random", "best possible"})
_NO_SETTINGS = frozenset({"created", "seconds", "command"})


@dataclass(frozen=True)
class Run:
    """What a run left: where, with what, and a line a query."""

    path: Path
    manifest: Mapping[str, Any]
    lines: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Compared:
    """Two runs on the questions of one way of asking that both hold; `difference` is the first less the second."""

    way: str
    domains: tuple[str, ...]
    one: Interval
    other: Interval
    difference: Difference
    only_one: int
    only_other: int


def manifest_of(retriever: Retriever, records: Iterable[Record], **settings: Any) -> dict[str, Any]:
    """What a run depends on: index, encoders, calibration, settings, code and data."""
    index = retriever.index.manifest
    data = hashlib.sha256()
    for record in sorted(records, key=lambda one: one.uid):
        data.update(record.content_hash.encode())
    return {
        "index": index.label,
        "digest": index.digest,
        "encoders": dict(index.fingerprints),
        "calibration": retriever.calibration.digest,
        "router": retriever.router.fingerprint,
        "code": version("curbside"),
        "data": data.hexdigest()[:16],
        "created": time.strftime("%Y-%m-%dT%H:%M:%S"),
        **settings,
    }


def new_folder(runs: Path, name: str) -> Path:
    """An empty folder `<time>-<name>` of its own.

    Raises:
        SourceError: it cannot be made.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for number in range(1, 100):
        folder = runs / (f"{stamp}-{name}" if number == 1 else f"{stamp}-{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise SourceError(f"The run {folder} cannot be written: {error.strerror}.") from error
        return folder
    raise SourceError(f"{runs} holds a hundred runs of this second; wait a moment.")


def write_lines(folder: Path, manifest: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> None:
    """`queries.jsonl`, and after it `manifest.json`: a folder with a manifest is whole."""
    with (folder / "queries.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")


def open_run(path: Path) -> Run:
    """The run of a folder.

    Raises:
        SourceError: it is none, or is damaged.
    """
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        with (path / "queries.jsonl").open(encoding="utf-8") as file:
            lines = tuple(json.loads(line) for line in file)
        if not isinstance(manifest, dict) or not all(isinstance(line, dict) for line in lines):
            raise ValueError("a line is no object")
    except OSError as error:
        raise SourceError(
            f"{path} is not the folder of a run: {error.strerror}; name one of the home's runs."
        ) from error
    except ValueError as error:
        raise SourceError(f"The run {path} is damaged ({error}); measure again.") from error
    return Run(path, manifest, lines)


def compare_runs(one: Run, other: Run, measure: str = "nDCG@10", seed: int = 0) -> list[Compared]:
    """The paired test of every way of asking (side or direction, and variant) that both runs hold.

    Args:
        one: A run.
        other: Another, on the same or other records: only what both asked counts.
        measure: A name in the lines of both.
        seed: Of the bootstrap.

    Raises:
        InputError: the runs share no question that has this measure.
    """
    asked = [_asked(run, measure) for run in (one, other)]
    found: list[Compared] = []
    for way in asked[0]:
        mine, theirs = asked[0][way], asked[1].get(way, {})
        shared = sorted(set(mine) & set(theirs))
        if shared:
            values = [_values(shared, side) for side in (mine, theirs)]
            difference = macro_difference(values[0], values[1], seed)
            means = [macro(side, seed) for side in values]
            left = len(mine) - len(shared), len(theirs) - len(shared)
            found.append(Compared(way, tuple(sorted(values[0])), means[0], means[1], difference, *left))
    if not found:
        known = sorted({name for line in one.lines for name, value in line.items() if isinstance(value, float)})
        raise InputError(f"The runs share no question measured by {measure}; the first has: {', '.join(known)}.")
    sure = adjusted([each.difference.p for each in found])
    return [replace(each, difference=replace(each.difference, adjusted=p)) for each, p in zip(found, sure, strict=True)]


def unshared(one: Run, other: Run, measure: str = "nDCG@10") -> list[str]:
    """Ways of asking that both runs hold, but with no question in common."""
    mine, theirs = (_asked(run, measure) for run in (one, other))
    return [way for way in mine if way in theirs and not set(mine[way]) & set(theirs[way])]


def differing(one: Run, other: Run) -> list[str]:
    """What the manifests say otherwise, a line each."""
    first, second = (dict(_flat(run.manifest)) for run in (one, other))
    return [
        f"{name}: {_short(first.get(name))} | {_short(second.get(name))}"
        for name in dict.fromkeys((*first, *second))
        if first.get(name) != second.get(name)
    ]


_Key = tuple[str, str]


def _asked(run: Run, measure: str) -> dict[str, dict[_Key, tuple[float, str]]]:
    """By way of asking and (domain, record): the measure, and whose patient it is."""
    found: dict[str, dict[_Key, tuple[float, str]]] = {}
    for line in run.lines:
        value = line.get(measure)
        if isinstance(value, (int, float)) and "record" in line and line.get("variant") not in _BOUNDS:
            way = " · ".join(str(line[name]) for name in _WAYS if name in line)
            key = str(line.get("domain", "")), str(line["record"])
            found.setdefault(way, {})[key] = float(value), str(line.get("patient") or line["record"])
    return found


def _values(
    shared: Sequence[_Key], measured: Mapping[_Key, tuple[float, str]]
) -> dict[str, tuple[list[float], list[str]]]:
    values: dict[str, tuple[list[float], list[str]]] = {}
    for key in shared:
        numbers, patients = values.setdefault(key[0], ([], []))
        numbers.append(measured[key][0])
        patients.append(measured[key][1])
    return values


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name} ")
        elif name not in _NO_SETTINGS:
            yield f"{before}{name}", value


def _short(value: Any) -> str:
    said = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return said if len(said) <= 60 else f"{hashlib.sha256(said.encode()).hexdigest()[:16]} (digest)"
