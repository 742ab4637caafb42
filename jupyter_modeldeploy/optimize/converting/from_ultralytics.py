"""From a detector of ultralytics to ONNX, with proof that both answer alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch

from jupyter_modeldeploy import devices, runtimes
from jupyter_modeldeploy.optimize.converting.from_transformers import Conversion
from jupyter_modeldeploy.optimize.folders import building
from jupyter_modeldeploy.optimize.converting.parity import OutputParity, check_parity
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes import yolo_network
from jupyter_modeldeploy.runtimes.ultralytics import UltralyticsRuntime, signature

MODEL = "model.onnx"
OPSET = 20
TOLERANCE = 0.02
"""Largest absolute difference allowed, in pixels; the scores, which lie between 0 and 1, differ far less."""
BATCHES = (1, 3)


def ultralytics_to_onnx(
    folder: Path,
    out: Path,
    reporter: Reporter,
    texts: Sequence[str] | None = None,
    tolerance: float = TOLERANCE,
) -> Conversion:
    """Write the detector in `folder` as `out`/model.onnx with a free batch and config.json with the classes beside it.

    The boxes are not told apart yet: the task object-detection does that, with a threshold of its own. The answers of
    both forms are compared on random images. Raises InvalidInput for what is no detector and ParityFailed when an
    output differs by more than `tolerance`; then `out` is not written."""
    started = time.monotonic()
    network = yolo_network.load(folder)
    with building(out) as partial:
        reporter.progress(0, 3, "parts", "exporting the graph")
        _export(network, partial / MODEL)
        yolo_network.save_config(network, partial)
        reporter.progress(1, 3, "parts", "comparing with the original")
        parity = _prove(folder, partial, network.image_size, tolerance)
        reporter.progress(2, 3, "parts", "writing")
        size = (partial / MODEL).stat().st_size
    reporter.progress(3, 3, "parts", "converted")
    return Conversion(
        signature=signature(network),
        parity=parity,
        opset=OPSET,
        size_bytes=size,
        seconds=time.monotonic() - started,
    )


def _export(network: yolo_network.Network, path: Path) -> None:
    inputs, outputs = (specs[0].name for specs in (signature(network).inputs, signature(network).outputs))
    model = network.model.fuse(verbose=False)
    for module in model.modules():
        if hasattr(module, "export"):  # the head: boxes alone, for any batch
            module.export, module.format, module.dynamic = True, "onnx", False
    # Two images, since the exporter takes a size of 1 for a constant.
    example = torch.zeros(2, 3, network.image_size, network.image_size)
    with quiet(), torch.no_grad():
        program = torch.onnx.export(
            model,
            (example,),
            input_names=[inputs],
            output_names=[outputs],
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
        assert program is not None  # it is for dynamo=True without a file
        program.save(path)
    written = onnx.load(path)
    del written.graph.value_info[:]  # they contradict what quantization infers
    onnx.save(written, path)


def _prove(folder: Path, converted: Path, size: int, tolerance: float) -> list[OutputParity]:
    threads = devices.usable_cores()
    reference = UltralyticsRuntime(folder, threads=threads, device="cpu")
    candidate = runtimes.load(Format.onnx, converted, threads=threads)
    generator = np.random.default_rng(0)
    batches = [{"images": generator.random((count, 3, size, size), dtype=np.float32)} for count in BATCHES]
    try:
        return check_parity(reference, candidate, batches, tolerance)
    finally:
        candidate.close()
        reference.close()
