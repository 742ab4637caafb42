"""Integer weights; activations are quantized as they come, by the range of each tensor. Needs no data."""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from jupyter_modeldeploy.errors import ConversionFailed, ParityFailed
from jupyter_modeldeploy.optimize.converting.graph import fuse_attention
from jupyter_modeldeploy.optimize.quantizing.graph import MODEL, rewriting
from jupyter_modeldeploy.optimize.quantizing.result import Quantization
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Reporter

log = logging.getLogger(__name__)


def dynamic_int8(folder: Path, out: Path, reporter: Reporter, per_channel: bool = True) -> Quantization:
    """Write the ONNX model of `folder` to `out` with INT8 weights, one scale per output channel or per tensor.

    A transformer's attention is made one operator first, where the graph allows it, and quantized as one. The result is
    loaded and run on random inputs. Raises InvalidInput when `folder` holds no ONNX model or one that is quantized
    already, ParityFailed when the result's answers are not finite; then `out` is not written."""
    with rewriting(folder, out) as model, TemporaryDirectory(prefix="modeldeploy-quantize-") as scratch:
        reporter.progress(0, 3, "parts", "fusing the attention")
        source = _with_fused_attention(folder, Path(scratch))
        reporter.progress(1, 3, "parts", "quantizing the weights")
        with quiet():  # it advises a pre-processing that fuses, and so hides, what can be quantized
            quantize_dynamic(
                source / MODEL,
                model.path,
                per_channel=per_channel,
                weight_type=QuantType.QInt8,
                use_external_data_format=model.external,
                extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},  # of what fused operators give
            )
        reporter.progress(2, 3, "parts", "trying the result")
        result = model.result()
    reporter.progress(3, 3, "parts", "quantized")
    return result


def _with_fused_attention(folder: Path, scratch: Path) -> Path:
    """The folder of the model to quantize: `scratch`, or `folder` where its attention has to stay as it is."""
    try:
        fuse_attention(folder, scratch)
    except (ConversionFailed, ParityFailed) as error:
        log.info("The attention stays in parts. %s", error.message)
        return folder
    return scratch
