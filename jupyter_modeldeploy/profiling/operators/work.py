"""How many operations an operator takes and how many bytes it reads and writes, from its type and shapes.

A multiplication and an addition are two operations. A tensor counts once however often a kernel reads it: these are the
least bytes, as in the roofline model (Williams, Waterman, Patterson, CACM 52 (2009) 65)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SIZES = {
    "float": 4, "float32": 4, "double": 8, "float64": 8, "float16": 2, "half": 2, "bfloat16": 2, "c10::bfloat16": 2,
    "c10::half": 2, "int8": 1, "uint8": 1, "signed char": 1, "unsigned char": 1, "int16": 2, "short": 2, "uint16": 2,
    "int32": 4, "int": 4, "uint32": 4, "int64": 8, "long": 8, "long int": 8, "uint64": 8, "bool": 1,
}  # fmt: skip
DATATYPES = {
    "float": "FP32", "float32": "FP32", "double": "FP64", "float64": "FP64", "float16": "FP16", "half": "FP16",
    "c10::half": "FP16", "bfloat16": "BF16", "c10::bfloat16": "BF16", "int8": "INT8", "uint8": "INT8",
    "signed char": "INT8", "unsigned char": "INT8", "int32": "INT32", "int": "INT32", "int64": "INT64",
    "long": "INT64", "long int": "INT64", "bool": "BOOL",
}  # fmt: skip
PRODUCTS = {
    "matmul", "mm", "bmm", "fusedmatmul", "matmulinteger", "matmulintegertofloat", "dynamicquantizematmul",
    "qlinearmatmul", "gemm", "fusedgemm", "qgemm", "matmulnbits", "transposematmul",
}  # fmt: skip
PRODUCTS_WITH_SUM = {"addmm", "baddbmm"}
CONVOLUTIONS = {
    "conv", "fusedconv", "nhwcfusedconv", "qlinearconv", "convinteger", "mkldnn_convolution", "thnn_conv2d",
    "slow_conv2d_forward", "_slow_conv2d_forward", "convolution_overrideable", "_conv_depthwise2d", "nhwcconv",
}  # fmt: skip
ATTENTION = {
    "_scaled_dot_product_flash_attention_for_cpu", "_flash_attention_forward", "_efficient_attention_forward",
    "attention", "multiheadattention",
}  # fmt: skip
ELEMENTWISE = {
    "relu", "sigmoid", "tanh", "gelu", "silu", "clip", "erf", "add", "sub", "mul", "div", "pow", "sqrt", "exp", "neg",
    "abs", "max", "min", "where", "leakyrelu", "hardswish", "hardsigmoid", "quickgelu", "biasgelu", "fastgelu",
}  # fmt: skip
SEVERAL = {"softmax": 5, "_softmax": 5, "layernormalization": 8, "native_layer_norm": 8, "skiplayernormalization": 9,
           "batchnormalization": 2, "native_batch_norm": 2}  # fmt: skip
"""Operations for each value of the output, about."""


@dataclass(frozen=True)
class Tensor:
    """A tensor's datatype in the runtime's own word, and its shape."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.count * SIZES.get(self.dtype.lower(), 4)


def plain_type(type: str) -> str:
    """`aten::addmm` and `MatMul` as they stand in the sets above."""
    return type.removeprefix("aten::").rstrip("_").lower()


def operations(type: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> float | None:
    """None for an operator that is not known, or whose shapes do not tell."""
    kind = plain_type(type)
    try:
        if kind in PRODUCTS_WITH_SUM:
            return _product(inputs[1:])
        if kind in PRODUCTS:
            return _product(_matrices(kind, inputs), outputs)
        if kind in CONVOLUTIONS:
            return _convolution(kind, inputs, outputs)
        if kind in ATTENTION:
            return _attention(inputs)
    except IndexError:
        return None
    if kind in ELEMENTWISE or kind in SEVERAL:
        return float(SEVERAL.get(kind, 1) * outputs[0].count) if outputs else None
    return None


def moved(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> float | None:
    """Bytes read and written at least."""
    return float(sum(one.bytes for one in (*inputs, *outputs))) if inputs and outputs else None


def dtype_of(inputs: Sequence[Tensor]) -> str:
    """What is computed in: INT8 where a weight has it, else the first float there is, else the first of all."""
    names = [DATATYPES.get(one.dtype.lower(), one.dtype.upper()) for one in inputs if one.dtype]
    if any(DATATYPES.get(one.dtype.lower()) == "INT8" and len(one.shape) > 1 for one in inputs):
        return "INT8"
    return next((name for name in names if name.startswith(("FP", "BF"))), names[0] if names else "")


def shown(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> str:
    """`[1, 128, 384] × [384, 384] → [1, 128, 384]`"""
    given = " × ".join(str(list(one.shape)) for one in inputs)
    made = ", ".join(str(list(one.shape)) for one in outputs)
    return f"{given} → {made}" if made else given


def _matrices(kind: str, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The two factors: what has more than one dimension (scales and zero points have none or one)."""
    return [one for one in inputs if len(one.shape) > 1][:2] if "q" in kind or "integer" in kind else list(inputs[:2])


def _product(factors: Sequence[Tensor], outputs: Sequence[Tensor] = ()) -> float:
    """The output's values times the inner dimension, twice. Without an output the inner one is the first's last."""
    left, right = factors[0].shape, factors[1].shape
    if not outputs:
        return 2.0 * math.prod(left) * right[-1]
    out = outputs[0].count
    rows = outputs[0].shape[-2] if len(outputs[0].shape) > 1 else 1
    inner = left[-2] if len(left) > 1 and left[-1] == rows and left[-2] == right[-2] != left[-1] else left[-1]
    return 2.0 * out * inner


def _convolution(kind: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> float | None:
    weights = [one for one in inputs[1:] if len(one.shape) >= 3]
    if not weights or not outputs:
        return None
    return 2.0 * outputs[0].count * math.prod(weights[0].shape[1:])


def _attention(inputs: Sequence[Tensor]) -> float | None:
    """Queries times keys and weights times values, of [batch, heads, length, size]."""
    if len(inputs) < 2 or len(inputs[0].shape) != 4:
        return None
    batch, heads, length, size = inputs[0].shape
    return 4.0 * batch * heads * length * inputs[1].shape[2] * size
