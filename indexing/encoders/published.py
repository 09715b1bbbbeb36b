"""The registry of encoders: those that others publish, and those of this package, as `published.toml` states them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from corpora.errors import UnknownNameError

__all__ = ["Published", "WeightsLicence", "embedded_encoders", "find_published", "published_encoders"]

LicenceKind = Literal["open", "non-commercial", "terms", "research", "unclear"]
Loader = Literal["open_clip", "transformers", "embedded", "none"]


@dataclass(frozen=True, slots=True)
class WeightsLicence:
    """Under which terms weights may be used; only the kind `open` passes the setting `licences = "open"`."""

    name: str = "not stated"
    kind: LicenceKind = "unclear"
    url: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """One encoder of the registry; a number that is not known is 0.

    `dims` are those of the common space, `pixels` the side of its pictures, `tokens` the longest text,
    `parameters` millions. `loader` says what opens it; `none` comes with the reason in `why`. `weights` names the file
    of weights where it has no usual name, `architecture` the open_clip configuration where the repository has none.
    """

    name: str
    title: str
    domains: tuple[str, ...]
    licence: WeightsLicence
    hub: str = ""
    dims: int = 0
    pixels: int = 0
    tokens: int = 0
    parameters: float = 0.0
    score: float = 0.0
    loader: Loader = "embedded"
    why: str = ""
    weights: str = ""
    architecture: str = ""
    note: str = ""


def published_encoders() -> tuple[Published, ...]:
    """The encoders that others publish.

    >>> [one.name for one in published_encoders()][:2]
    ['biomedclip', 'bmc-clip']
    """
    return _read()[0]


def embedded_encoders() -> tuple[Published, ...]:
    """The encoders of this package; `{domain}` in a name stands for each domain."""
    return _read()[1]


def find_published(name: str) -> Published | None:
    """The entry of that name or hub id, in any case of letters; None where the registry has none.

    >>> find_published("BiomedCLIP").licence.kind
    'open'

    Raises:
        UnknownNameError: a name without organisation that the registry does not hold.
    """
    folded = name.casefold()
    for entry in published_encoders():
        if folded in (entry.name.casefold(), entry.hub.casefold()):
            return entry
    if "/" not in name:
        raise UnknownNameError("published encoder", name, [entry.name for entry in published_encoders()])
    return None


@cache
def _read() -> tuple[tuple[Published, ...], tuple[Published, ...]]:
    text = resources.files("indexing.encoders").joinpath("published.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return tuple(map(_entry, tables["published"])), tuple(map(_entry, tables["embedded"]))


def _entry(table: dict[str, Any]) -> Published:
    values = {**table, "domains": tuple(table["domains"])}
    licence = WeightsLicence(values.pop("licence"), values.pop("kind"), values.pop("licence_url", ""))
    return Published(licence=licence, **values)
