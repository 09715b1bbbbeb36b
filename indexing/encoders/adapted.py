"""A site adapter: a small linear map that bends the space of an encoder towards a site's own records.

Stored vectors stay those of the encoder. A version of an index that has an adapter carries it as one file beside a
domain's vectors, `<domain>/adapter.safetensors`; whoever opens the version sees the vectors through it, and so are the
questions. Only pictures and texts of the joint space are bent; sentences are not.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpora.errors import EncoderMismatchError, IndexDamagedError, IndexUnusableError
from indexing.encoders.base import Encoder, unit_rows
from indexing.shards import IndexFolder, Manifest, load_rows

__all__ = [
    "ADAPTED_SIDES",
    "ADAPTER",
    "AdaptedEncoder",
    "Projection",
    "SiteAdapter",
    "adapters_of",
    "carried_adapters",
    "side_vectors",
]

ADAPTER = "adapter.safetensors"
ADAPTED_SIDES = ("image", "text")
_BLOCK = 1 << 16
_ONE_KEY = "adapter"  # a second one would make the order of the header, and so the digest, a matter of chance

Vectors = NDArray[np.float32]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)  # arrays have no one answer to ==
class Projection:
    """The identity plus a map of low rank: x + x·down·up, unit rows. `down` (d, r) and `up` (r, d), float32.

    >>> Projection.identity(2)(np.array([[3.0, 4.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """

    down: Vectors
    up: Vectors

    @classmethod
    def identity(cls, dim: int) -> Projection:
        """The map that leaves unit vectors as they are."""
        return cls(np.zeros((dim, 1), np.float32), np.zeros((1, dim), np.float32))

    def __call__(self, vectors: NDArray[np.floating]) -> Vectors:
        """Unit vectors (n, d) of unit vectors (n, d)."""
        rows = np.asarray(vectors, np.float32)
        return unit_rows(rows + rows @ self.down @ self.up)


@dataclass(frozen=True, eq=False)
class SiteAdapter:
    """The maps of both sides of a domain, for one encoder.

    `spec` and `encoder` are the specification and the fingerprint of the encoder whose vectors it bends; `notes` tells
    how it was fitted and judged. `digest` names the file that it came from.
    """

    image: Projection
    text: Projection
    spec: str
    encoder: str
    notes: Mapping[str, object] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of SHA-256 over the file; the same fit gives the same."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:16]

    def projected(self, side: str, vectors: NDArray[np.floating]) -> NDArray[np.floating]:
        """The vectors (n, d) of a side, `image` or `text`, in blocks and of the type that they came in."""
        project = getattr(self, side)
        bent = np.empty_like(vectors)
        for start in range(0, len(vectors), _BLOCK):
            bent[start : start + _BLOCK] = project(vectors[start : start + _BLOCK])
        return bent

    def to_bytes(self) -> bytes:
        """As safetensors, float32, the rest as JSON in its header."""
        from safetensors.numpy import save

        told = {"spec": self.spec, "encoder": self.encoder, "notes": dict(self.notes)}
        tensors = {
            f"{side}.{part}": np.ascontiguousarray(getattr(getattr(self, side), part), np.float32)
            for side in ADAPTED_SIDES
            for part in ("down", "up")
        }
        data: bytes = save(tensors, {_ONE_KEY: json.dumps(told, ensure_ascii=False)})
        return data

    @classmethod
    def load(cls, path: Path) -> SiteAdapter:
        """The inverse of `to_bytes`; raises `IndexDamagedError` where the file is missing or damaged."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="np") as stored:
                told = json.loads((stored.metadata() or {})[_ONE_KEY])
                image, text = (
                    Projection(stored.get_tensor(f"{side}.down"), stored.get_tensor(f"{side}.up"))
                    for side in ADAPTED_SIDES
                )
            return cls(image, text, told["spec"], told["encoder"], told["notes"])
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise IndexDamagedError(f"{path} cannot be read; run: curbside index verify.") from error


class AdaptedEncoder:
    """An encoder seen through an adapter. As safe from several threads as the encoder itself."""

    def __init__(self, base: Encoder, adapter: SiteAdapter) -> None:
        if (base.spec, base.fingerprint) != (adapter.spec, adapter.encoder):
            raise EncoderMismatchError(
                f"The site adapter was fitted to {adapter.encoder}, not to {base.fingerprint}; run 'curbside index "
                "build' to embed again without it, or set the encoder that it was fitted to."
            )
        self._base, self._adapter = base, adapter
        self.spec, self.dim, self.has_images = base.spec, base.dim, base.has_images
        self.fingerprint = f"{base.fingerprint}+{adapter.digest}"

    def prepare(self, image: Image.Image) -> Vectors:
        """One picture as the array (c, h, w) that the encoder takes."""
        return self._base.prepare(image)

    def encode_prepared(self, batch: Vectors) -> Vectors:
        """Unit vectors (n, dim) of prepared pictures."""
        return self._adapter.image(self._base.encode_prepared(batch))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Unit vectors (n, dim) of pictures."""
        return self._adapter.image(self._base.encode_images(images))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dim) of texts."""
        return self._adapter.text(self._base.encode_texts(texts))


def adapters_of(path: Path, manifest: Manifest) -> dict[str, SiteAdapter]:
    """The adapters of a version by domain.

    Raises:
        IndexDamagedError: a file is missing, damaged, or not the one that the manifest names.
    """
    found = {domain: SiteAdapter.load(path / domain / ADAPTER) for domain in manifest.adapters}
    for domain, adapter in found.items():
        if adapter.digest != manifest.adapters[domain]:
            raise IndexDamagedError(f"The adapter of {domain} in {manifest.label} was changed; build the index again.")
    return found


def carried_adapters(folder: IndexFolder, encoders: Mapping[str, Encoder]) -> dict[str, SiteAdapter]:
    """Those of the published version that fit the domains' joint encoders: what a new version takes over.

    One that was fitted to another encoder is left behind, with a warning in the log.
    """
    try:
        manifest = folder.manifest()
        found = adapters_of(folder.version(manifest.version), manifest)
    except IndexUnusableError:  # a build mends what is damaged; it starts without adapters
        return {}
    kept: dict[str, SiteAdapter] = {}
    for domain, adapter in found.items():
        joint = encoders.get(domain)
        if joint is None:  # its records are gone
            continue
        if (joint.spec, joint.fingerprint) == (adapter.spec, adapter.encoder):
            kept[domain] = adapter
        else:
            _log.warning("The site adapter of %s was fitted to another encoder and is left behind.", domain)
    return kept


def side_vectors(folder: Path, side: str, adapter: SiteAdapter | None) -> NDArray[np.floating]:
    """The vectors (n, d) of a side's folder, float16, through the adapter where there is one and the side is bent."""
    stored = load_rows(folder, "vectors")
    return adapter.projected(side, stored) if adapter is not None and side in ADAPTED_SIDES else stored
