"""Which encoders there are, and which one serves which domain."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from corpora.errors import InputError, UnknownNameError
from indexing.encoders.base import Encoder, EncoderContext, Factory
from indexing.encoders.heads import packaged_heads
from indexing.encoders.licences import require_allowed

__all__ = ["EncoderPlan", "encoder_kinds", "open_encoder", "require_named"]

_FACTORIES = {
    "embedded": "indexing.encoders.embedded:open_embedded",
    "open_clip": "indexing.encoders.clip:open_clip_encoder",
    "sentence-transformers": "indexing.encoders.sentences:open_sentence_encoder",
    "transformers": "indexing.encoders.transformers_clip:open_transformers_encoder",
}
_opened: dict[tuple[str, str, Path, str], Encoder] = {}
_lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class EncoderPlan:
    """Which encoder serves which domain, and which one compares text with text.

    `joint` maps a domain to a spec; others take `default`, in which `{domain}` stands for the name. `licences` is
    `any`, or `open` to refuse weights that are not openly licensed.

    >>> EncoderPlan(joint={"dermatology": "open_clip:local-dir:skin"}).joint_spec("radiology")
    'embedded:radiology'
    """

    joint: Mapping[str, str] = field(default_factory=dict)
    default: str = "embedded:{domain}"
    sentence: str = "embedded:sentence"
    licences: str = "any"

    def joint_spec(self, domain: str) -> str:
        """The spec of the encoder whose space pictures and texts of that domain share."""
        return self.joint.get(domain) or self.default.replace("{domain}", domain)


def require_named(spec: str, domains: Iterable[str]) -> None:
    """Let a spec pass, unless it names an embedded encoder that is neither a packaged one nor one of the `domains`.

    A domain without a head of its own is seen through the general one; so would be a name that was misspelt.

    Raises:
        UnknownNameError: with the names that there are.
    """
    kind, _, name = spec.partition(":")
    if kind != "embedded" or not name or name == "{domain}" or name.startswith("local-dir:"):
        return
    known = {*packaged_heads(), "sentence", *domains}
    if name not in known:
        raise UnknownNameError("embedded encoder", name, known)


def encoder_kinds() -> list[str]:
    """The first words of every spec that can be opened."""
    return sorted({*_FACTORIES, *(entry.name for entry in entry_points(group="curbside.encoders"))})


def open_encoder(spec: str, device: str = "cpu", folder: Path = Path(), licences: str = "any") -> Encoder:
    """The encoder of that spec, opened once a process.

    Args:
        spec: `embedded:radiology`, `open_clip:hf-hub:…`, `open_clip:local-dir:…`, `transformers:…`,
            `sentence-transformers:…`.
        device: `cpu`, `cuda`, `cuda:1`.
        folder: Where relative paths in the spec start (the home).
        licences: `any`, or `open` to refuse weights that are not openly licensed.

    Raises:
        UnknownNameError: the first word names no encoder.
        LicenceError: the weights' licence is not one that `licences` allows.
        ModelError: weights are missing or damaged.
    """
    key = (spec, device, folder, licences)
    with _lock:
        if key not in _opened:
            kind, _, rest = spec.partition(":")
            if not rest:
                raise InputError(f"The encoder {spec!r} is incomplete; write kind:name, as in embedded:radiology.")
            factory = _factory(kind)
            require_allowed(spec, folder, licences)
            _opened[key] = factory(rest, EncoderContext(device, folder, licences))
        return _opened[key]


def _factory(kind: str) -> Factory:
    if kind in _FACTORIES:
        module, _, name = _FACTORIES[kind].partition(":")
        factory: Factory = getattr(import_module(module), name)
        return factory
    for entry in entry_points(group="curbside.encoders"):
        if entry.name == kind:
            loaded: Factory = entry.load()
            return loaded
    raise UnknownNameError("encoder", kind, encoder_kinds())
