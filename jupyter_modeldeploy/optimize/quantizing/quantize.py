"""All methods behind one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jupyter_modeldeploy.optimize.quantizing.bfloat16 import bfloat16
from jupyter_modeldeploy.optimize.quantizing.dynamic import dynamic_int8
from jupyter_modeldeploy.optimize.quantizing.half import float16
from jupyter_modeldeploy.optimize.quantizing.options import QuantizeOptions
from jupyter_modeldeploy.optimize.quantizing.result import Quantization
from jupyter_modeldeploy.optimize.quantizing.static import static_int8
from jupyter_modeldeploy.optimize.quantizing.weights import weight_only
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.runtimes import Tensors


def quantize(
    folder: Path,
    out: Path,
    options: QuantizeOptions,
    reporter: Reporter,
    calibration: Sequence[Tensors] = (),
) -> Quantization:
    """Write the ONNX model of `folder`, for `bf16` its OpenVINO model, to `out` in fewer bits, by the method of the
    options.

    `calibration` is for `static-int8`, see there. Raises InvalidInput when `folder` holds no such model or
    one that is quantized already, ParityFailed when the result is worth nothing; then `out` is not written."""
    match options.method:
        case "dynamic-int8":
            return dynamic_int8(folder, out, reporter, options.per_channel)
        case "static-int8":
            return static_int8(
                folder,
                out,
                reporter,
                calibration,
                options.calibration,
                options.per_channel,
                options.symmetric,
                options.exclude,
            )
        case "fp16":
            return float16(folder, out, reporter)
        case "bf16":
            return bfloat16(folder, out, reporter)
        case "weight-int8" | "weight-int4":
            return weight_only(folder, out, reporter, 8 if options.method == "weight-int8" else 4, options.block_size)
