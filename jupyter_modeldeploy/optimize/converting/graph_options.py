"""What can be done with an ONNX graph. Imports nothing heavy: forms and OpenAPI read it."""

from __future__ import annotations

from typing import Literal

Graph = Literal["as-exported", "slim", "fused", "fastest"]
GRAPH = (
    "what to do with the ONNX graph: nothing; fold constants and drop what does nothing (slim: plain ONNX, which any "
    "runtime takes and quantize too); have ONNX Runtime fuse its operators (fused: for ONNX Runtime on processors "
    "alone); or try all that there is, transformer fusions too, and keep what is measured faster (fastest)"
)
