"""Lets torchvision be imported beside a CPU build of torch.

The torchvision of PyPI links its operators to CUDA libraries, so beside a CPU torch `import torchvision` fails with
"operator torchvision::nms does not exist", and timm, open_clip, transformers and sentence-transformers fail with it.
They only need its transforms, which are plain Python. Declaring the operators' schemas before the first import lets it
through; an operator that is really called raises torch's own error. Where torchvision is whole, nothing is done.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["arm"]

_BOX = "Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width"
_BACK = "float spatial_scale, SymInt pooled_height, SymInt pooled_width"
_SHAPE = "SymInt batch_size, SymInt channels, SymInt height, SymInt width"
_CONV = (
    "Tensor bias, SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, "
    "SymInt dilation_w, SymInt groups, SymInt offset_groups, bool use_mask"
)
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    f"roi_align({_BOX}, int sampling_ratio, bool aligned) -> Tensor",
    f"qroi_align({_BOX}, int sampling_ratio, bool aligned) -> Tensor",
    f"_roi_align_backward(Tensor grad, Tensor rois, {_BACK}, {_SHAPE}, int sampling_ratio, bool aligned) -> Tensor",
    f"roi_pool({_BOX}) -> (Tensor, Tensor)",
    f"_roi_pool_backward(Tensor grad, Tensor rois, Tensor argmax, {_BACK}, {_SHAPE}) -> Tensor",
    f"ps_roi_align({_BOX}, int sampling_ratio) -> (Tensor, Tensor)",
    f"_ps_roi_align_backward(Tensor grad, Tensor rois, Tensor channel_mapping, {_BACK}, int sampling_ratio, "
    f"{_SHAPE}) -> Tensor",
    f"ps_roi_pool({_BOX}) -> (Tensor, Tensor)",
    f"_ps_roi_pool_backward(Tensor grad, Tensor rois, Tensor channel_mapping, {_BACK}, {_SHAPE}) -> Tensor",
    f"deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, {_CONV}) -> Tensor",
    f"_deform_conv2d_backward(Tensor grad, Tensor input, Tensor weight, Tensor offset, Tensor mask, {_CONV}) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor)",
)


def arm() -> None:
    """Declare the missing operators just before torchvision is first imported.

    Cheap and idempotent: it imports nothing. Call it before importing anything that may import torchvision.
    """
    if "torchvision" not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds torchvision as Python does, and has it cured when it is run.

    Not while it is looked for: Python holds its lock of all imports then, and whoever imported torch under it would
    wait for ever for another thread that is importing torch at that moment.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "torchvision":
            return None
        spec = PathFinder.find_spec("torchvision")
        folders = list(spec.submodule_search_locations or ()) if spec is not None else []
        if spec is not None and spec.loader is not None and folders:
            spec.loader = _Curing(spec.loader, Path(folders[0]))
        return spec


class _Curing(Loader):
    """Loads a package, after its missing operators were declared."""

    def __init__(self, whole: Loader, folder: Path) -> None:
        self._whole, self._folder = whole, folder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._whole.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if not _is_whole(self._folder):
            module.__dict__["_curbside"] = _declare()  # the declarations last as long as the module does
        module.__loader__ = self._whole
        if module.__spec__ is not None:
            module.__spec__.loader = self._whole
        self._whole.exec_module(module)


def _is_whole(folder: Path) -> bool:
    """Whether the compiled operators load into this torch."""
    torch: Any = import_module("torch")
    for extension in sorted(folder.glob("_C*.so")) or sorted(folder.glob("_C*.pyd")):
        try:
            torch.ops.load_library(str(extension))
        except OSError:
            return False
        return True
    return True  # no operators of its own, or built into torch: nothing that we could cure


def _declare() -> object:
    torch: Any = import_module("torch")
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    return library
