"""What a model is to whoever runs it: its format, and the tensors that it takes and gives.

Plain classes of the standard library: a server process knows these and no pydantic, which would cost it 12 MB."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

FORBID_EXTRA = {"extra": "forbid"}


class Format(StrEnum):
    transformers = "transformers"
    torch = "torch"
    torchscript = "torchscript"
    exported = "exported"
    onnx = "onnx"
    openvino = "openvino"
    ultralytics = "ultralytics"
    adapter = "adapter"
    diffusers = "diffusers"
    gguf = "gguf"
    keras = "keras"
    paddle = "paddle"
    savedmodel = "savedmodel"
    sklearn = "sklearn"
    python = "python"
    unknown = "unknown"


@dataclass(frozen=True)
class TensorSpec:
    """One input or output. `dtype` is an Open Inference Protocol datatype (`FP32`, `INT64`, `BYTES`);
    -1 in `shape` is a free dimension. An `optional` input may be left out."""

    name: str
    dtype: str
    shape: list[int]
    optional: bool = False

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID_EXTRA


@dataclass(frozen=True)
class Signature:
    inputs: list[TensorSpec]
    outputs: list[TensorSpec]

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID_EXTRA
