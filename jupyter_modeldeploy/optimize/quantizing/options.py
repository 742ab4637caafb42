"""What a quantization can be told. Imports neither onnx nor torch: forms and OpenAPI read it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Method = Literal["dynamic-int8", "static-int8", "fp16", "bf16", "weight-int8", "weight-int4"]
Calibration = Literal["minmax", "percentile", "entropy"]
BlockSize = Literal[16, 32, 64, 128, 256]


def of(*methods: Method) -> dict[str, Any]:
    """What a schema says of an option that means something for these methods alone."""
    return {"x-methods": list(methods)}


STATIC, INT8, BLOCKS = of("static-int8"), of("dynamic-int8", "static-int8"), of("weight-int8", "weight-int4")


class QuantizeOptions(BaseModel):
    """How to quantize. The defaults suit transformers on a processor; `static-int8` suits networks of convolutions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method = Field(
        default="dynamic-int8",
        description="INT8 weights, and activations as they come (dynamic) or by ranges found beforehand (static); "
        "16-bit floats (bf16: an OpenVINO version); or weights alone, by blocks, in 8 or 4 bits",
    )
    calibration: Calibration = Field(
        default="minmax",
        description="static-int8: how the ranges of activations are found in the calibration data",
        json_schema_extra=STATIC,
    )
    samples: int = Field(
        default=128,
        ge=1,
        le=10_000,
        description="static-int8: training rows of the dataset to calibrate with",
        json_schema_extra=STATIC,
    )
    per_channel: bool = Field(
        default=True,
        description="INT8: a scale for each output channel of a weight instead of one for all",
        json_schema_extra=INT8,
    )
    symmetric: bool = Field(
        default=False,
        description="static-int8: activations without a zero point, as GPUs take them; slower on x86",
        json_schema_extra=STATIC,
    )
    block_size: BlockSize = Field(
        default=32, description="weight-int8, weight-int4: weights that share a scale", json_schema_extra=BLOCKS
    )
    exclude: list[str] = Field(
        default_factory=list,
        description="static-int8: names of nodes that stay as they are, beside those found",
        json_schema_extra=STATIC,
    )
