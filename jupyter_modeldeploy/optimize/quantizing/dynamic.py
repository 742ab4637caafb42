"""Integer weights and activations for an ONNX model: smaller, and faster on processors with 8-bit dot products."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnxruntime.quantization import QuantType, quantize_dynamic

from jupyter_modeldeploy import datatypes, runtimes
from jupyter_modeldeploy.errors import InvalidInput, ParityFailed
from jupyter_modeldeploy.optimize.folders import building, copy_side_files
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format, Record, Signature
from jupyter_modeldeploy.runtimes import Tensors

MODEL = "model.onnx"
QUANTIZED_OPERATORS = frozenset(
    (
        "ConvInteger",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "MatMulInteger",
        "MatMulNBits",
        "QLinearConv",
        "QLinearMatMul",
        "QuantizeLinear",
    )
)
WEIGHTED_OPERATORS = frozenset(("MatMul", "Gemm", "Gather", "Conv", "EmbedLayerNormalization", "LSTM", "Attention"))


class Quantization(Record):
    """What became of the graph. `share` is that of the nodes with weights which now hold them as 8-bit integers."""

    signature: Signature
    operators_before: dict[str, int]
    operators_after: dict[str, int]
    weighted_nodes: int
    quantized_nodes: int
    size_before_bytes: int
    size_after_bytes: int
    seconds: float

    @property
    def share(self) -> float:
        return self.quantized_nodes / self.weighted_nodes if self.weighted_nodes else 0.0

    @property
    def ratio(self) -> float:
        """How many times smaller the file is."""
        return self.size_before_bytes / self.size_after_bytes


def dynamic_int8(folder: Path, out: Path, reporter: Reporter) -> Quantization:
    """Write the ONNX model of `folder` to `out` with INT8 weights, one scale per output channel.

    Activations are quantized as they come, by the range of each tensor, so no calibration data is needed. The result is
    loaded and run on random inputs. Raises InvalidInput when `folder` holds no ONNX model or one that is quantized
    already, ParityFailed when the result's answers are not finite; then `out` is not written."""
    started = time.monotonic()
    before = _read(folder)
    with building(out) as partial:
        reporter.progress(0, 2, "parts", "quantizing the weights")
        with quiet():  # it advises a pre-processing that fuses, and so hides, what can be quantized
            quantize_dynamic(
                folder / MODEL,
                partial / MODEL,
                per_channel=True,
                weight_type=QuantType.QInt8,
                use_external_data_format=(folder / f"{MODEL}.data").exists(),
            )
        copy_side_files(folder, partial)
        reporter.progress(1, 2, "parts", "trying the result")
        signature = _try(partial)
        after = onnx.load(partial / MODEL, load_external_data=False)
        size = _size(partial)
    reporter.progress(2, 2, "parts", "quantized")
    weighted = _weighted_nodes(before)
    return Quantization(
        signature=signature,
        operators_before=_operators(before),
        operators_after=_operators(after),
        weighted_nodes=weighted,
        quantized_nodes=weighted - _weighted_nodes(after),
        size_before_bytes=_size(folder),
        size_after_bytes=size,
        seconds=time.monotonic() - started,
    )


def _read(folder: Path) -> onnx.ModelProto:
    path = folder / MODEL
    if not path.is_file():
        raise InvalidInput(f"{folder.name} has no {MODEL}.", "Convert the model to ONNX first.")
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise InvalidInput(f"{MODEL} of {folder.name} is no ONNX file: {error}", "Convert the model again.") from error
    if found := QUANTIZED_OPERATORS & {node.op_type for node in model.graph.node}:
        raise InvalidInput(
            f"{folder.name} is quantized already: it has {', '.join(sorted(found))} nodes.",
            "Quantize the FP32 model that it was made from.",
        )
    return model


def _try(folder: Path) -> Signature:
    """Run the model once on random inputs; its signature."""
    runtime = runtimes.load(Format.onnx, folder)
    try:
        for name, values in runtime.run(_random_inputs(runtime.signature)).items():
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise ParityFailed(
                    f"After quantization the output {name} is not finite.",
                    "Nothing was kept. The weights' range is too wide for INT8.",
                )
        return runtime.signature
    finally:
        runtime.close()


def _random_inputs(signature: Signature) -> Tensors:
    """Small numbers of each input's type, so that they are valid as token ids and as a mask; free dimensions are 4."""
    generator = np.random.default_rng(0)
    return {
        spec.name: generator.integers(0, 2, [size if size > 0 else 4 for size in spec.shape]).astype(
            datatypes.dtype_of(spec.dtype)
        )
        for spec in signature.inputs
    }


def _operators(model: onnx.ModelProto) -> dict[str, int]:
    return dict(Counter(node.op_type for node in model.graph.node).most_common())


def _weighted_nodes(model: onnx.ModelProto) -> int:
    """Nodes that compute with a floating-point matrix of the file."""
    weights = {
        tensor.name
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) > 1
    }
    return sum(node.op_type in WEIGHTED_OPERATORS and bool(weights & set(node.input)) for node in model.graph.node)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob(f"{MODEL}*"))
