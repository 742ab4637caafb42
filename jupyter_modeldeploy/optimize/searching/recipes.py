"""What is tried, in the order of promise: what a graph computes most with says which quantization suits it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from jupyter_modeldeploy.records.optimizations import Target

ONNX = "onnx-fp32"
PRODUCTS = ("MatMul", "Gemm", "Attention", "LSTM")
FEW_SAMPLES = 32
"""To calibrate with by percentile or entropy, which keep all values of all tensors of all samples in memory."""


class Recipe(NamedTuple):
    """A name for people, and the options of a quantization."""

    name: str
    options: dict[str, Any]


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


def planned(operators: Mapping[str, int], target: Target, device: str) -> list[Recipe]:
    """The recipes for a graph with so many nodes of each operator, those that promise most first. None is left out for
    its promise alone: what has time for it is measured."""
    products = sum(operators.get(name, 0) for name in PRODUCTS)
    convolves = operators.get("Conv", 0) > products
    if convolves:
        order = [STATIC, PERCENTILE, HALF, ENTROPY, DYNAMIC, WEIGHTS_8, WEIGHTS_4]
    else:
        order = [DYNAMIC, WEIGHTS_8, DYNAMIC_TENSOR, STATIC, WEIGHTS_4, HALF, PERCENTILE, ENTROPY]
    if device.startswith("cuda"):
        order = [HALF, SYMMETRIC, *(one for one in order if one is not HALF)]
    elif target == "size":
        order = [*(one for one in order if one in (WEIGHTS_4, DYNAMIC, STATIC)), *order]
    known = {one.name: one for one in order}
    return [one for one in known.values() if operators.get("MatMul") or one not in (WEIGHTS_8, WEIGHTS_4)]
