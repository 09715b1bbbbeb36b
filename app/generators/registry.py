"""Which generators there are, opened by a specification that a user can write."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from app.generators.base import Generator
from corpora.errors import InputError, UnknownNameError

__all__ = ["generator_kinds", "open_generator"]

_FACTORIES = {
    "evidence": "app.generators.evidence:EvidenceGenerator",
    "vlm": "app.generators.vlm:open_vlm",
    "server": "app.generators.server:open_server",
}


def generator_kinds() -> list[str]:
    """The first words of every spec that can be opened."""
    return sorted(_FACTORIES)


def open_generator(spec: str, device: str = "cpu", folder: Path = Path()) -> Generator:
    """The generator of that spec: `evidence`, `vlm:<hub id or folder>?quant=nf4`, `server:<url>#<model>`.

    Raises:
        UnknownNameError: the first word names no generator.
        ModelError: a model cannot be opened, or a server cannot be reached.
    """
    kind, _, rest = spec.partition(":")
    if kind not in _FACTORIES:
        raise UnknownNameError("generator", kind, _FACTORIES)
    module, _, name = _FACTORIES[kind].partition(":")
    factory = getattr(import_module(module), name)
    if kind == "evidence":
        generator: Generator = factory()
        return generator
    if not rest:
        raise InputError(f"The generator {spec!r} is incomplete; write {kind}:<where>, see 'curbside doctor'.")
    opened: Generator = factory(rest, device, folder)
    return opened
