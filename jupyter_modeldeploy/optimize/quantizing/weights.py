"""Weights in 8 or 4 bits, a scale for each block of them; activations stay float."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import onnx
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.optimize.quantizing.graph import rewriting
from jupyter_modeldeploy.optimize.quantizing.result import Quantization
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Reporter

BLOCKS = (16, 32, 64, 128, 256)
INT8_PRODUCTS = 4
"""The accuracy level of MatMulNBits at which it multiplies in 8 bits, with float sums: twice as fast on a CPU."""


def weight_only(
    folder: Path, out: Path, reporter: Reporter, bits: Literal[4, 8] = 4, block_size: int = 32, symmetric: bool = True
) -> Quantization:
    """Write the ONNX model of `folder` to `out` with the weights of its matrix products in `bits` bits.

    `block_size` weights share a scale (one of `BLOCKS`), and without `symmetric` an offset. Raises InvalidInput when
    `folder` holds no ONNX model, one that is quantized already or one without such products, ParityFailed when the
    result's answers are not finite; then `out` is not written."""
    if bits not in (4, 8) or block_size not in BLOCKS:
        raise InvalidInput(
            f"Weights in {bits} bits by blocks of {block_size} are not supported.",
            f"Choose 4 or 8 bits and blocks of {', '.join(map(str, BLOCKS))}.",
        )
    with rewriting(folder, out) as model:
        reporter.progress(0, 2, "parts", "quantizing the weights")
        with quiet():
            quantizer = MatMulNBitsQuantizer(
                onnx.load(model.source),
                bits=bits,
                block_size=block_size,
                is_symmetric=symmetric,
                accuracy_level=INT8_PRODUCTS,
            )
            quantizer.process()
            quantizer.model.save_model_to_file(str(model.path), model.external)
        reporter.progress(1, 2, "parts", "trying the result")
        result = model.result()
        if result.quantized_nodes == 0:
            raise InvalidInput(
                f"{folder.name} has no matrix product with weights of its own.", "Choose static or dynamic INT8."
            )
    reporter.progress(2, 2, "parts", "quantized")
    return result
