"""Integer weights; activations are quantized as they come, by the range of each tensor. Needs no data."""

from __future__ import annotations

from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic

from jupyter_modeldeploy.optimize.quantizing.graph import rewriting
from jupyter_modeldeploy.optimize.quantizing.result import Quantization
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Reporter


def dynamic_int8(folder: Path, out: Path, reporter: Reporter, per_channel: bool = True) -> Quantization:
    """Write the ONNX model of `folder` to `out` with INT8 weights, one scale per output channel or per tensor.

    The result is loaded and run on random inputs. Raises InvalidInput when `folder` holds no ONNX model or one that is
    quantized already, ParityFailed when the result's answers are not finite; then `out` is not written."""
    with rewriting(folder, out) as model:
        reporter.progress(0, 2, "parts", "quantizing the weights")
        with quiet():  # it advises a pre-processing that fuses, and so hides, what can be quantized
            quantize_dynamic(
                model.source,
                model.path,
                per_channel=per_channel,
                weight_type=QuantType.QInt8,
                use_external_data_format=model.external,
            )
        reporter.progress(1, 2, "parts", "trying the result")
        result = model.result()
    reporter.progress(2, 2, "parts", "quantized")
    return result
