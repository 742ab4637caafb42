"""What an ONNX file says of itself, read without its weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent
from jupyter_modeldeploy.records import Signature, TensorSpec
from jupyter_modeldeploy.sources.formats.weights import Weights

if TYPE_CHECKING:
    import onnx

MAX_PROTO_BYTES = 2 << 30
DATATYPES = {
    **{"FLOAT": "FP32", "DOUBLE": "FP64", "FLOAT16": "FP16", "BFLOAT16": "BF16", "BOOL": "BOOL", "STRING": "BYTES"},
    **{name: name for name in ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64")},
}

SAFETENSORS_TYPES = {
    **{"FLOAT": "F32", "DOUBLE": "F64", "FLOAT16": "F16", "BFLOAT16": "BF16", "FLOAT8E4M3FN": "F8_E4M3"},
    **{"FLOAT8E5M2": "F8_E5M2", "INT8": "I8", "UINT8": "U8", "INT16": "I16", "UINT16": "U16", "INT32": "I32"},
    **{"INT4": "I4", "UINT4": "U4"},
}
"""What weights are made of, by the names that safetensors has for it."""


def read_signature(path: Path) -> Signature | None:
    """The inputs and outputs of an ONNX file as Open Inference Protocol datatypes, free dimensions as -1.

    None where the protocol has no word for them (sequences, maps, an unknown rank). Raises InvalidInput for what is
    no ONNX file, UnsafeContent where its weights lie outside its own folder."""
    model = _load(path)
    _check_external_data(model, path)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [_spec(value) for value in model.graph.input if value.name not in weights]
    outputs = [_spec(value) for value in model.graph.output]
    known_inputs = [spec for spec in inputs if spec is not None]
    known_outputs = [spec for spec in outputs if spec is not None]
    if len(known_inputs) < len(inputs) or len(known_outputs) < len(outputs):
        return None
    return Signature(inputs=known_inputs, outputs=known_outputs)


def count(path: Path) -> Weights:
    """The constants, without the whole numbers of 64 bits: those are shapes and indices. Raises InvalidInput."""
    import onnx

    weights = Weights()
    for tensor in _tensors(_load(path)):
        dtype = SAFETENSORS_TYPES.get(onnx.TensorProto.DataType.Name(tensor.data_type))
        if dtype is not None:
            weights.add(dtype, list(tensor.dims))
    return weights


def _load(path: Path) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    size = path.stat().st_size
    if size > MAX_PROTO_BYTES:
        raise InvalidInput(f"{path.name} is {size} bytes; an ONNX file ends at 2 GiB.", "Save it with external data.")
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise InvalidInput(f"{path.name} is not an ONNX file: {error}.", "Export or download it again.") from error
    if not model.graph.node or not model.graph.output:
        raise InvalidInput(f"{path.name} holds no graph.", "Export or download it again.")
    return model


def _check_external_data(model: onnx.ModelProto, path: Path) -> None:
    """Every tensor's bytes must lie in a plain file of the model's folder."""
    import onnx

    folder = path.parent.resolve()
    for tensor in _tensors(model):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        said = {entry.key: entry.value for entry in tensor.external_data}
        location = said.get("location", "")
        place = Path(os.path.normpath(folder / location))
        if not location or not place.is_relative_to(folder) or place == folder or place.is_symlink():
            raise UnsafeContent(
                f"{path.name} reads its weights from {location!r}, outside its folder.", "Nothing was added."
            )
        if not place.is_file():
            raise InvalidInput(f"{path.name} needs {location!r} beside it.", "Fetch the folder that holds both files.")
        end = _integer(said, "offset", path) + _integer(said, "length", path)
        if end > place.stat().st_size:
            raise InvalidInput(
                f"{location} has {place.stat().st_size} bytes, {path.name} reads up to {end}.", "It is cut off."
            )


def _integer(said: dict[str, str], key: str, path: Path) -> int:
    value = said.get(key, "0")
    if not value.isdecimal():
        raise InvalidInput(f"{path.name} says {key} {value!r} of its external data.", "Export or download it again.")
    return int(value)


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """All constants: of the graph, its subgraphs and the model's functions."""
    yield from _graph_tensors(model.graph)
    for function in model.functions:
        yield from _node_tensors(function.node)


def _graph_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _node_tensors(graph.node)


def _node_tensors(nodes: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for node in nodes:
        for attribute in node.attribute:
            yield from attribute.tensors
            if attribute.HasField("t"):
                yield attribute.t
            for sparse in (
                *attribute.sparse_tensors,
                *([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []),
            ):
                yield from (sparse.values, sparse.indices)
            for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _graph_tensors(graph)


def _spec(value: onnx.ValueInfoProto) -> TensorSpec | None:
    import onnx

    tensor = value.type.tensor_type
    dtype = (
        DATATYPES.get(onnx.TensorProto.DataType.Name(tensor.elem_type)) if value.type.HasField("tensor_type") else None
    )
    if dtype is None or not tensor.HasField("shape"):
        return None
    shape = [size.dim_value if size.HasField("dim_value") and size.dim_value > 0 else -1 for size in tensor.shape.dim]
    return TensorSpec(name=value.name, dtype=dtype, shape=shape)
