"""Weights and activations in 16-bit floating point: half the size, and faster on a GPU."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

from jupyter_modeldeploy.optimize.quantizing.graph import rewriting
from jupyter_modeldeploy.optimize.quantizing.result import Quantization
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Reporter


def float16(folder: Path, out: Path, reporter: Reporter) -> Quantization:
    """Write the ONNX model of `folder` to `out` in FP16; its inputs and outputs stay FP32, so that nobody who calls it
    notices.

    Raises InvalidInput when `folder` holds no ONNX model or one that is quantized already, ParityFailed when values
    overflow on random inputs; then `out` is not written."""
    with rewriting(folder, out) as model:
        reporter.progress(0, 2, "parts", "converting the weights")
        with quiet():
            halved = convert_float_to_float16(onnx.load(model.source), keep_io_types=True)
            onnx.save(
                halved,
                model.path,
                save_as_external_data=model.external,
                location=f"{model.path.name}.data" if model.external else None,
            )
        reporter.progress(1, 2, "parts", "trying the result")
        result = model.result()
    reporter.progress(2, 2, "parts", "converted")
    return result
