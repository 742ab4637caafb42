"""What is tried, in the order of promise: what a graph computes most with says which quantization suits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.records.optimizations import Target

ONNX = "onnx-fp32"
PRODUCTS = ("MatMul", "Gemm", "Attention", "LSTM")
FEW_SAMPLES = 32
"""To calibrate with by percentile or entropy, which keep all values of all tensors of all samples in memory."""


class Recipe(NamedTuple):
    """A name for people, the options of a quantization, and the name of what it is made of: of a candidate in another
    format it is converted, and keeps the options that that one was made with."""

    name: str
    options: dict[str, Any]
    source: str = ONNX
    format: Format = Format.onnx


DYNAMIC = Recipe("dynamic-int8", {"method": "dynamic-int8"})
DYNAMIC_TENSOR = Recipe("dynamic-int8-tensor", {"method": "dynamic-int8", "per_channel": False})
STATIC = Recipe("static-int8", {"method": "static-int8"})
PERCENTILE = Recipe(
    "static-int8-percentile", {"method": "static-int8", "calibration": "percentile", "samples": FEW_SAMPLES}
)
ENTROPY = Recipe("static-int8-entropy", {"method": "static-int8", "calibration": "entropy", "samples": FEW_SAMPLES})
SYMMETRIC = Recipe("static-int8-symmetric", {"method": "static-int8", "symmetric": True})
HALF = Recipe("fp16", {"method": "fp16"})
WEIGHTS_8 = Recipe("weight-int8", {"method": "weight-int8"})
WEIGHTS_4 = Recipe("weight-int4", {"method": "weight-int4"})
BLOCKS = (WEIGHTS_8, WEIGHTS_4)
"""For products of matrices alone."""
OPENVINO = Recipe("openvino", {}, ONNX, Format.openvino)
OPENVINO_HALF = Recipe("openvino-bf16", {"method": "bf16"}, OPENVINO.name, Format.openvino)
OPENVINO_STATIC = Recipe("openvino-static-int8", STATIC.options, STATIC.name, Format.openvino)


def planned(
    operators: Mapping[str, int], target: Target, device: str, methods: Sequence[str] = (), openvino: bool = False
) -> list[Recipe]:
    """The recipes for a graph with so many nodes of each operator, those that promise most first. None is left out for
    its promise alone: what has time for it is measured. Where `methods` are named, those that quantize by them and what
    these are made of; those of OpenVINO where it is installed."""
    products = sum(operators.get(name, 0) for name in PRODUCTS)
    convolves = operators.get("Conv", 0) > products
    if convolves:
        order = [
            *(STATIC, OPENVINO_STATIC, OPENVINO, OPENVINO_HALF),
            *(PERCENTILE, HALF, ENTROPY, DYNAMIC, WEIGHTS_8, WEIGHTS_4),
        ]
    else:
        order = [
            *(DYNAMIC, OPENVINO, OPENVINO_HALF, WEIGHTS_8, DYNAMIC_TENSOR),
            *(STATIC, OPENVINO_STATIC, WEIGHTS_4, HALF, PERCENTILE, ENTROPY),
        ]
    if device.startswith("cuda"):
        order = [HALF, SYMMETRIC, *(one for one in order if one is not HALF)]
    elif target == "size":
        order = [*(one for one in order if one in (WEIGHTS_4, DYNAMIC, STATIC)), *order]
    known = {one.name: one for one in order if openvino or one.format is not Format.openvino}
    wanted = {one.name for one in known.values() if not methods or one.options.get("method") in methods}
    wanted |= {one.source for one in known.values() if one.name in wanted}
    return [one for one in known.values() if one.name in wanted and (operators.get("MatMul") or one not in BLOCKS)]
