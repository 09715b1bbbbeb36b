"""How a model's weights are held: 4-bit NF4, 8-bit, or as they come, and in which number format it computes."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from corpora.errors import InputError, ModelError

__all__ = ["DTYPES", "QUANTIZATIONS", "compute_dtype", "quantization_of", "usable_device"]

QUANTIZATIONS = ("nf4", "int8", "none")
DTYPES = ("auto", "bfloat16", "float16", "float32")

# What stays unquantised. The eyes of a model are a tenth of its weights and suffer most from four bits; naming any
# module drops transformers' own protection of the output layer, so that is named too. transformers compares from the
# start of the dotted path ("model.vision_tower.…"), hence the leading ".*".
_WHOLE = (
    ".*vision_tower",
    ".*vision_model",
    ".*visual",
    ".*multi_modal_projector",
    ".*mm_projector",
    ".*connector",
    ".*embed_vision",
    ".*lm_head",
)


def usable_device(name: str) -> Any:
    """The torch device of that name.

    Raises:
        InputError: it is no name of a device.
        ModelError: this machine has no such device.
    """
    import torch

    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"{name!r} is no device; write cpu, cuda or cuda:1.") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelError(f"This machine has no device {name!r} that torch can use; set device to cpu or install CUDA.")
    return device


def compute_dtype(name: str, device: Any) -> Any:
    """The torch dtype of one of `DTYPES`; `auto` is bfloat16 where the device computes in it, else float32."""
    import torch

    if name != "auto":
        return getattr(torch, name)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    mkldnn: Any = torch.backends.mkldnn
    supported = mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if supported else torch.float32


def quantization_of(name: str, dtype: Any) -> Any:
    """A `BitsAndBytesConfig` for one of `QUANTIZATIONS`, computing in `dtype`; None for `none`."""
    if name == "none":
        return None
    # without the optional "kernels" package, bitsandbytes warns that a faster CPU kernel could be fetched from the hub
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    config: Any = import_module("transformers").BitsAndBytesConfig
    if name == "int8":
        # bitsandbytes logs a line a layer call where the inputs are not float16
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
        return config(load_in_8bit=True, llm_int8_skip_modules=list(_WHOLE))
    return config(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=list(_WHOLE),
    )
