"""From a detector of ultralytics to ONNX, TorchScript or a program of `torch.export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.optimize.converting.conversion import Conversion, Original, convert
from jupyter_modeldeploy.optimize.converting.onnx_exporters import EXPORTERS
from jupyter_modeldeploy.optimize.converting.torch_exporters import EXPORTED, TORCHSCRIPT
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes import yolo_network
from jupyter_modeldeploy.runtimes.ultralytics import UltralyticsRuntime, signature

TOLERANCE = 0.02
"""Largest absolute difference allowed, in pixels; the scores, which lie between 0 and 1, differ far less."""
BATCHES = (1, 3)


def ultralytics_to_onnx(
    folder: Path,
    out: Path,
    reporter: Reporter,
    texts: Sequence[str] | None = None,
    opset: int | None = None,
    tolerance: float = TOLERANCE,
) -> Conversion:
    """Write the detector in `folder` as `out`/model.onnx with a free batch and config.json with the classes beside it.

    The boxes are not told apart yet: the task object-detection does that, with a threshold of its own. The answers of
    both forms are compared on random images. Raises InvalidInput for what is no detector, ConversionFailed with the
    reason for one that cannot be written and ParityFailed when an output differs by more than `tolerance`; then `out`
    is not written."""
    return convert(_original(folder, tolerance), out, Format.onnx, EXPORTERS, reporter, opset)


def ultralytics_to_torchscript(
    folder: Path, out: Path, reporter: Reporter, texts: Sequence[str] | None = None, opset: int | None = None
) -> Conversion:
    """As `ultralytics_to_onnx`, to `out`/model.pt, with its signature beside."""
    return convert(_original(folder, TOLERANCE), out, Format.torchscript, [TORCHSCRIPT], reporter)


def ultralytics_to_exported(
    folder: Path, out: Path, reporter: Reporter, texts: Sequence[str] | None = None, opset: int | None = None
) -> Conversion:
    """As `ultralytics_to_onnx`, to `out`/model.pt2."""
    return convert(_original(folder, TOLERANCE), out, Format.exported, [EXPORTED], reporter)


def _original(folder: Path, tolerance: float) -> Original:
    network = yolo_network.load(folder)
    size = network.image_size
    generator = np.random.default_rng(0)
    return Original(
        module=_exportable(network),
        signature=signature(network),
        example=[torch.zeros(2, 3, size, size)],
        load=lambda: UltralyticsRuntime(folder, threads=devices.usable_cores(), device="cpu"),
        batches=[{"images": generator.random((count, 3, size, size), dtype=np.float32)} for count in BATCHES],
        tolerance=tolerance,
        write_beside=lambda out: yolo_network.save_config(network, out),
    )


def _exportable(network: yolo_network.Network) -> Any:
    model = network.model.fuse(verbose=False)
    for module in model.modules():
        if hasattr(module, "export"):  # the head: boxes alone, for any batch
            module.export, module.format, module.dynamic = True, "onnx", False
    return model
