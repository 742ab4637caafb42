"""An ONNX graph before and after."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from jupyter_modeldeploy import datatypes, runtimes
from jupyter_modeldeploy.errors import InvalidInput, ParityFailed
from jupyter_modeldeploy.optimize.folders import building, copy_side_files
from jupyter_modeldeploy.optimize.quantizing.result import Quantization
from jupyter_modeldeploy.records import Format, Signature
from jupyter_modeldeploy.runtimes import Tensors

MODEL = "model.onnx"
QUANTIZED_OPERATORS = frozenset(
    (
        "ConvInteger",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "MatMulInteger",
        "MatMulNBits",
        "QAttention",
        "QLinearConv",
        "QLinearMatMul",
        "QuantizeLinear",
    )
)
WEIGHTED_OPERATORS = frozenset(("MatMul", "Gemm", "Gather", "Conv", "EmbedLayerNormalization", "LSTM", "Attention"))


class Rewriting:
    """A model that is being quantized: `write` the new one to `path`, then `result` tells what became of it."""

    def __init__(self, folder: Path, partial: Path) -> None:
        self.source = folder / MODEL
        self.before = read(folder)
        self.path = partial / MODEL
        self.external = (folder / f"{MODEL}.data").exists()
        self._folder, self._partial = folder, partial
        self._started = time.monotonic()

    def result(self) -> Quantization:
        """Raises ParityFailed where the new model's answers to random inputs are not finite."""
        signature = tried(self._partial)
        after = onnx.load(self.path, load_external_data=False)
        weighted = weighted_nodes(self.before)
        return Quantization(
            signature=signature,
            operators_before=operators(self.before),
            operators_after=operators(after),
            weighted_nodes=weighted,
            quantized_nodes=weighted - weighted_nodes(after),
            size_before_bytes=size(self._folder),
            size_after_bytes=size(self._partial),
            seconds=time.monotonic() - self._started,
        )


@contextmanager
def rewriting(folder: Path, out: Path) -> Iterator[Rewriting]:
    """The model of `folder` on its way to `out`, with what lies beside it. Nothing is left where it fails.

    Raises InvalidInput when `folder` holds no ONNX model or one that is quantized already."""
    read(folder)
    with building(out) as partial:
        copy_side_files(folder, partial)
        yield Rewriting(folder, partial)


def read(folder: Path) -> onnx.ModelProto:
    """The graph, its outer weights left where they are."""
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


def tried(folder: Path, format: Format = Format.onnx) -> Signature:
    """Run the model once on random inputs; its signature. Raises ParityFailed where its answers are not finite."""
    runtime = runtimes.load(format, folder)
    try:
        for name, values in runtime.run(_random_inputs(runtime.signature)).items():
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise ParityFailed(
                    f"After quantization the output {name} is not finite.",
                    "Nothing was kept. The weights' range is too wide for so few bits.",
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


def operators(model: onnx.ModelProto) -> dict[str, int]:
    return dict(Counter(node.op_type for node in model.graph.node).most_common())


def weighted_nodes(model: onnx.ModelProto) -> int:
    """Nodes that compute with a floating-point matrix of the file."""
    weights = {
        tensor.name
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) > 1
    }
    return sum(node.op_type in WEIGHTED_OPERATORS and bool(weights & set(node.input)) for node in model.graph.node)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob(f"{MODEL}*"))
