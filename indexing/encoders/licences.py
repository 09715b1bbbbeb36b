"""Under which licence the weights of an encoder are, and whether the settings allow it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

from corpora.errors import LicenceError, ModelError
from corpora.readers.base import licence_kind
from indexing.encoders.published import (
    LicenceKind,
    WeightsLicence,
    embedded_encoders,
    find_published,
)

__all__ = ["MANIFEST", "licence_of", "require_allowed", "stated_licence"]

MANIFEST = "curbside-encoder.json"
OPEN = "open"
OPEN_HEADS = WeightsLicence("fitted on openly licensed and drawn pictures", "open")
_HUB = "hf-hub:"
_LOCAL = "local-dir:"
_FETCHABLE = ("open_clip", "sentence-transformers", "transformers")
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---", re.DOTALL)
_CARD_LICENCE = re.compile(r"^license:\s*[\"']?([\w.+-]+)", re.MULTILINE)


def licence_of(spec: str, folder: Path = Path(), licences: str = "any") -> WeightsLicence:
    """The licence of an encoder's weights, found without opening them.

    A folder answers by its manifest or its model card, a hub id by the registry; where neither says anything the
    kind is `unclear`. `folder` is where relative paths in the spec start. Under `licences = "open"` the packaged heads
    are those fitted on openly licensed and drawn pictures alone.

    >>> licence_of("open_clip:hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224").kind
    'open'
    """
    kind, _, rest = spec.partition(":")
    if kind == "embedded" and not rest.startswith(_LOCAL):
        known = {one.name: one.licence for one in embedded_encoders()}
        licence = known.get(spec) or known["embedded:{domain}"]
        return OPEN_HEADS if licences == OPEN and licence.kind != OPEN else licence
    name = rest.removeprefix(_LOCAL)
    if not rest.startswith(_HUB) and (folder / name).is_dir():
        return stated_licence(folder / name)
    name = rest.removeprefix(_HUB)
    entry = find_published(name) if "/" in name else None
    return entry.licence if entry else WeightsLicence()


def stated_licence(folder: Path) -> WeightsLicence:
    """What a model's folder says of its licence: its manifest first, then the header of its model card.

    Raises:
        ModelError: the manifest is damaged.
    """
    manifest = folder / MANIFEST
    if manifest.is_file():
        try:
            said = json.loads(manifest.read_text(encoding="utf-8"))["licence"]
            licence = WeightsLicence(str(said["name"]), said["kind"], str(said.get("url", "")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{manifest} is damaged ({error}); fetch or fit the encoder again.") from error
        if licence.kind not in get_args(LicenceKind):
            raise ModelError(f"{manifest} names the licence class {licence.kind!r}; known: {_kinds()}.")
        return licence
    return _card(folder / "README.md")


def require_allowed(spec: str, folder: Path, licences: str) -> None:
    """Let the spec pass, or raise.

    Encoders of this package and of plug-ins are told of `licences` in their context and answer for themselves.

    Raises:
        LicenceError: `licences` is `open` and the weights are not known to be openly licensed.
    """
    if licences != OPEN or spec.partition(":")[0] not in _FETCHABLE:
        return
    licence = licence_of(spec, folder)
    if licence.kind != OPEN:
        raise LicenceError(
            f"The licence of the weights of {spec} is {licence.kind} ({licence.name}), which licences = 'open' "
            "refuses; choose an encoder that 'curbside encoders list' calls open, or set licences = 'any'."
        )


def _card(path: Path) -> WeightsLicence:
    """The licence in the YAML header of a model card, as the hub writes it."""
    try:
        header = _FRONT_MATTER.search(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return WeightsLicence()
    found = _CARD_LICENCE.search(header.group(1)) if header else None
    if found is None:
        return WeightsLicence()
    name = found.group(1)
    return WeightsLicence(name, licence_kind(name))


def _kinds() -> str:
    return ", ".join(get_args(LicenceKind))
