"""Domain heads: what turns tower features into one space of pictures and texts, stored as safetensors."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.errors import ModelError, UnknownNameError
from indexing.encoders.base import projected, unit_rows
from indexing.encoders.looks import WHOLE, Look, looks_named, looks_of

__all__ = ["WEIGHTS", "Head", "Side", "load_head", "packaged_heads", "tower_of", "weights_folder"]

WEIGHTS = Path(__file__).parent / "weights"
_ONE_KEY = "head"  # a second one would make the order of the header, and so the digest, a matter of chance

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Side:
    """One half of a head: standardise, project straight, and add a small non-linear correction.

    `mean`, `scale`: (d,); `skip`: (d, k); `down`: (d, h); `up`: (h, k). With x the standardised features
    the output is x·skip + tanh(x·down)·up, shape (n, k).
    """

    mean: Vectors
    scale: Vectors
    skip: Vectors
    down: Vectors
    up: Vectors

    def __call__(self, features: Vectors) -> Vectors:
        """Unit vectors (n, k) of tower features (n, d); further looks, beyond d, are passed over."""
        x = (features[:, : len(self.mean)] - self.mean) * self.scale
        return unit_rows(projected(x, self.skip) + projected(np.tanh(projected(x, self.down)), self.up))


@dataclass(frozen=True)
class Head:
    """The two sides of one domain's space, the digest of the file they came from, and how it looks at pictures."""

    image: Side
    text: Side
    digest: str
    looks: tuple[Look, ...] = (WHOLE,)

    @property
    def dim(self) -> int:
        """The number of dimensions of the common space."""
        return int(self.image.skip.shape[1])

    def save(self, path: Path, metadata: dict[str, str]) -> None:
        """Write the head as float16 safetensors; its looks and a model card's facts go into the file's metadata."""
        from safetensors.numpy import save_file

        path.parent.mkdir(parents=True, exist_ok=True)
        tensors = {
            f"{side}.{field.name}": np.ascontiguousarray(getattr(getattr(self, side), field.name), dtype=np.float16)
            for side in ("image", "text")
            for field in fields(Side)
        }
        told = json.dumps(metadata | {"looks": looks_named(self.looks)}, sort_keys=True)
        save_file(tensors, path, {_ONE_KEY: told})
        path.chmod(0o644)  # the library writes files that only their owner may read


def weights_folder(licences: str = "any") -> Path:
    """The packaged weights: all of them, or for `open` those fitted on openly licensed and drawn pictures alone."""
    return WEIGHTS / "open" if licences == "open" else WEIGHTS


def tower_of(folder: Path) -> Path | None:
    """The tuned tower that the heads of a folder were fitted on; None: the tower as it came."""
    path = folder / "tower.safetensors"
    return path if path.is_file() else None


def packaged_heads(folder: Path = WEIGHTS) -> list[str]:
    """The domains that have a head of their own in this package."""
    return sorted(path.stem for path in folder.glob("*.safetensors") if path.stem not in ("router", "tower"))


def load_head(name: str, folder: Path = WEIGHTS) -> Head:
    """The head of that name.

    Raises:
        UnknownNameError: the folder holds none.
        ModelError: the file is damaged.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import load

    path = folder / f"{name}.safetensors"
    if not path.is_file():
        raise UnknownNameError("embedded encoder", name, [*packaged_heads(folder), "sentence"])
    data = path.read_bytes()
    try:
        tensors = {key: value.astype(np.float32) for key, value in load(data).items()}
        sides = {
            side: Side(**{field.name: tensors[f"{side}.{field.name}"] for field in fields(Side)})
            for side in ("image", "text")
        }
        with safe_open(path, framework="numpy") as file:
            told = json.loads((file.metadata() or {}).get(_ONE_KEY, "{}"))
        looks = looks_of(told.get("looks", str(WHOLE)))  # a head that a site fitted earlier says nothing
    except (SafetensorError, ValueError, KeyError, AttributeError) as error:
        remedy = "install Curbside again" if WEIGHTS in path.parents else "fit it again, or take a copy that is whole"
        raise ModelError(f"The head {path} is damaged ({error}); {remedy}.") from error
    except ModelError as error:
        raise ModelError(f"The head {path} cannot be used. {error}") from error
    return Head(sides["image"], sides["text"], hashlib.sha256(data).hexdigest()[:16], looks)
