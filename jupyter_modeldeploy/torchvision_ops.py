"""torchvision beside a torch that was built without CUDA.

The torchvision of package indexes is built for CUDA. Beside another torch its compiled operators do not load, and its
import fails because it describes two of them to torch, which has not heard of them. transformers imports torchvision
wherever it is installed, so it fails too. After `prepare()` these two are declared the moment torchvision is imported,
and `nms`, which ultralytics needs, is computed here. It costs nothing until then and does nothing where the operators
load."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_kept: list[Any] = []  # what torch forgets when it is collected


class _BeforeTorchvision:
    """A finder that finds nothing: when torchvision is first looked for, it declares the operators."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "torchvision":
            sys.meta_path.remove(self)
            _declare_where_missing()
        return None


def prepare() -> None:
    """Let torchvision be imported, whatever torch it was built for. Imports neither."""
    if "torchvision" not in sys.modules and not any(isinstance(one, _BeforeTorchvision) for one in sys.meta_path):
        sys.meta_path.insert(0, _BeforeTorchvision())


def usable() -> None:
    """Import torchvision such that its non-maximum suppression runs. Raises ImportError without torchvision."""
    prepare()
    import torchvision.extension

    if _kept:
        torchvision.extension._has_ops = lambda: True


def _declare_where_missing() -> None:
    from importlib.machinery import PathFinder
    from pathlib import Path

    found = PathFinder.find_spec("torchvision")
    if found is None or found.origin is None or PathFinder.find_spec("torch") is None:
        return
    if _kept:  # an import of torchvision that was given up is made again
        return
    import torch

    if torch.version.cuda is not None or torch.version.hip is not None:
        return
    try:
        torch.ops.load_library(next(Path(found.origin).parent.glob("_C*.so")))  # type: ignore[no-untyped-call]
    except (OSError, StopIteration):  # it wants CUDA's libraries
        library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.impl("nms", _nms, "CPU")
        _kept.append(library)


def _nms(boxes: Any, scores: Any, overlap: float) -> Any:
    """The positions of the boxes `[boxes, 4]` (x1, y1, x2, y2) that stay, best first: one goes when its intersection
    over union with a better one exceeds `overlap`."""
    import torch

    order = scores.argsort(descending=True, stable=True)
    low, high = boxes[order, :2], boxes[order, 2:]
    areas = (high - low).prod(1)
    kept, rest = [], torch.arange(len(order))
    while len(rest):
        best, rest = rest[0], rest[1:]
        kept.append(best)
        sides = torch.minimum(high[best], high[rest]) - torch.maximum(low[best], low[rest])
        shared = sides.clamp(min=0).prod(1)
        rest = rest[shared <= overlap * (areas[best] + areas[rest] - shared)]
    return order[torch.stack(kept)] if kept else order
