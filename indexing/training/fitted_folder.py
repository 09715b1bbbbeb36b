"""What a fit leaves behind: a folder with weights, manifest and model card, that opens as an encoder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from corpora.errors import SourceError
from corpora.records import Record
from indexing.encoders.embedded import FITTED_HEAD
from indexing.encoders.file_digests import digests_of
from indexing.encoders.heads import Head
from indexing.encoders.licences import MANIFEST
from indexing.encoders.published import WeightsLicence

__all__ = ["CHOSE", "THEN_LEARNED", "Fit", "licence_of_records", "model_card", "require_free", "write_fitted"]

CHOSE = "chose the epoch"
THEN_LEARNED = "chose the epoch, and were learned from after that"


@dataclass(frozen=True)
class Fit:
    """What is told of a fit: where from, how, and what it reached on held-out patients before and after.

    `baseline` says what was measured before, `as_it_came` holds the figures of the encoder beneath the head where that
    is another one. `looks` are those of the head at pictures; empty where another encoder (`on`) looks at them.
    `choosing` says what the patients did who are neither learned from alone nor held out. `interrupted`: Ctrl-C ended
    the fit; `taken_up`: so many epochs of a tuning came from an earlier run.
    """

    domain: str
    mode: str
    on: str
    seed: int
    records: Sequence[Record]
    patients: int
    licence: WeightsLicence
    tower: str
    options: Mapping[str, Any]
    before: Mapping[str, float]
    after: Mapping[str, float]
    baseline: str
    on_fingerprint: str = ""
    looks: str = ""
    choosing: str = CHOSE
    as_it_came: Mapping[str, float] | None = None
    interrupted: bool = False
    taken_up: int = 0

    @property
    def run(self) -> str:
        """How the fit went, in words."""
        ended = "ended early by Ctrl-C; the best epoch so far was kept" if self.interrupted else "ran to its end"
        return f"{ended}; epochs of the tuning done in an earlier run: {self.taken_up}" if self.taken_up else ended

    @property
    def corpora(self) -> dict[str, int]:
        """How many records of which corpus."""
        return dict(sorted(Counter(record.corpus for record in self.records).items()))

    @property
    def data_digest(self) -> str:
        """SHA-256 over the contents of all records, in order of their names."""
        hashes = sorted(f"{record.corpus}/{record.id} {record.content_hash}" for record in self.records)
        return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def licence_of_records(records: Sequence[Record], base: WeightsLicence) -> WeightsLicence:
    """Weights are as free as the least free of what they were fitted on, and of what they started from."""
    kinds = {record.licence.kind for record in records if not record.drawn}
    for kind in ("non-commercial", "unclear"):
        if kind in kinds:
            names = sorted({record.corpus for record in records if record.licence.kind == kind and not record.drawn})
            return WeightsLicence(f"fitted on {', '.join(names)}", kind)
    if base.kind != "open":
        return base
    return WeightsLicence("fitted on openly licensed and drawn records", "open")


def require_free(folder: Path) -> None:
    """Let a folder pass that is not there yet, and make those above it.

    Raises:
        SourceError: something of that name is there already, or nothing can be written there.
    """
    if folder.exists():
        raise SourceError(f"{folder} is there already; name another folder with --to, or remove it.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"{folder} cannot be made ({error.strerror}); name another folder with --to.") from error
    if not os.access(folder.parent, os.W_OK):
        raise SourceError(f"Nothing may be written into {folder.parent}; name another folder with --to.")


def write_fitted(folder: Path, head: Head, tower: Path | None, fit: Fit) -> None:
    """The folder, whole or not at all.

    Raises:
        SourceError: something of that name is there already, or nothing can be written there.
    """
    require_free(folder)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    head.save(partial / f"{FITTED_HEAD}.safetensors", {"domain": fit.domain})
    if tower is not None:
        shutil.copyfile(tower, partial / "tower.safetensors")
    files = digests_of(partial, partial.iterdir())
    (partial / MANIFEST).write_text(
        json.dumps(_manifest(fit, head.dim, files), indent=1, ensure_ascii=False), encoding="utf-8"
    )
    (partial / "README.md").write_text(model_card(fit), encoding="utf-8")
    partial.rename(folder)


def model_card(fit: Fit) -> str:
    """The model card of a fit, Markdown."""
    template = Template(resources.files("indexing.training").joinpath("model_card.md").read_text(encoding="utf-8"))
    figures = {
        f"{when}{short}": f"{values[name]:.3f}" if name in values else "–"
        for when, values in (("before", fit.before), ("after", fit.after))
        for short, name in (("1", "recall@1"), ("5", "recall@5"), ("10", "recall@10"), ("p", "label precision@5"))
    }
    base = "EfficientNet-Lite0 and all-MiniLM-L6-v2 features" if fit.on == "embedded" else f"vectors of {fit.on}"
    return template.substitute(
        figures,
        title=f"Curbside encoder: {fit.domain}",
        what=f"Two small projections that bring {base} of pictures and texts into one space of {fit.domain}.",
        domain=fit.domain,
        pictures=len(fit.records),
        patients=fit.patients,
        corpora=", ".join(f"{name} ({count})" for name, count in fit.corpora.items()),
        licence=fit.licence.name,
        kind=fit.licence.kind,
        mode=fit.mode,
        seed=fit.seed,
        tower=fit.tower,
        looks=fit.looks or f"as {fit.on} does",
        held=int(fit.after.get("pictures", 0)),
        texts=int(fit.after.get("texts", 0)),
        baseline=fit.baseline,
        choosing=fit.choosing,
        run=fit.run,
        beneath=_beneath(fit),
    )


def _beneath(fit: Fit) -> str:
    """What the encoder beneath the head reaches alone, where that is not what was measured before."""
    if not fit.as_it_came:
        return ""
    figures = ", ".join(f"{name} {fit.as_it_came[name]:.3f}" for name in sorted(fit.as_it_came) if "@" in name)
    return f"\n{fit.on} as it came reaches {figures} there.\n"


def _manifest(fit: Fit, dim: int, files: Mapping[str, str]) -> dict[str, Any]:
    return {
        "source": f"fitted here: {fit.domain}, {fit.mode}",
        "dim": dim,
        "licence": {"name": fit.licence.name, "kind": fit.licence.kind},
        "domain": fit.domain,
        "mode": fit.mode,
        "on": fit.on,
        "on_fingerprint": fit.on_fingerprint,
        "seed": fit.seed,
        "options": dict(fit.options),
        "looks": fit.looks,
        "files": dict(files),
        "data": {
            "corpora": fit.corpora,
            "pictures": len(fit.records),
            "patients": fit.patients,
            "digest": fit.data_digest,
        },
        "tower": fit.tower,
        "run": {"interrupted": fit.interrupted, "epochs_taken_up": fit.taken_up},
        "figures": {
            "before": dict(fit.before),
            "after": dict(fit.after),
            "before_is": fit.baseline,
            **({"as_it_came": dict(fit.as_it_came)} if fit.as_it_came else {}),
        },
    }
