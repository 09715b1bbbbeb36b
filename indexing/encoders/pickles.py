"""Weights out of a pickle, without running any of its code, into safetensors."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from corpora.errors import ModelError

__all__ = ["pickle_to_safetensors"]

_WRAPPER = "module."  # what torch's data-parallel training puts before every name


def pickle_to_safetensors(source: Path, target: Path) -> int:
    """Write the tensors of a pickled checkpoint as safetensors; returns how many there are.

    Read by torch with `weights_only`: tensors, plain containers and numbers, nothing that calls code. A training
    checkpoint gives its `state_dict`; optimizer state and counters stay behind.

    Raises:
        ModelError: the file would run code, is damaged, or holds no tensors.
    """
    from safetensors.torch import save_file

    state = _state(source)
    tensors = {
        name.removeprefix(_WRAPPER): value.detach().contiguous().clone()  # shared memory is refused by safetensors
        for name, value in state.items()
        if hasattr(value, "detach")
    }
    if not tensors:
        raise ModelError(f"{source} holds no weights by name; another kind of checkpoint is needed.")
    save_file(tensors, target, {"format": "pt"})
    return len(tensors)


def _numpy_scalars() -> list[Any]:
    """What rebuilds a NumPy number that a trainer left in its checkpoint; none of it runs code of the file."""
    scalar: Any = np._core.multiarray.scalar  # type: ignore[attr-defined]
    kinds = [type(np.dtype(kind)) for kind in (np.float32, np.float64, np.int64)]
    return [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *kinds]


def _state(source: Path) -> dict[str, Any]:
    import torch

    try:
        with torch.serialization.safe_globals(_numpy_scalars()):
            found = torch.load(source, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(source))
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{source} would run code when it is read, or is damaged, and is refused; ask its authors for safetensors, "
            "or convert it on a machine that holds nothing of value."
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise ModelError(f"{source} is damaged or cut short; download it again.") from error
    state = found.get("state_dict", found) if isinstance(found, dict) else {}
    return state if isinstance(state, dict) else {}
