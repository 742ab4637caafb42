"""TensorFlow's SavedModel: its signature from saved_model.pb, its variables from their index.

The messages are those of tensorflow/core/protobuf: saved_model.proto, meta_graph.proto, tensor_bundle.proto."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Format, Signature, TensorSpec
from jupyter_modeldeploy.sources.formats import sorted_table
from jupyter_modeldeploy.sources.formats.protobuf_wire import messages, numbers, text
from jupyter_modeldeploy.sources.formats.recognised import PLAIN_TASK, Recognised
from jupyter_modeldeploy.sources.formats.weights import Weights

PROGRAM = "saved_model.pb"
INDEX = Path("variables") / "variables.index"
MAX_PROGRAM_BYTES, MAX_INDEX_BYTES = 2 << 30, 256 << 20
SERVING = "serving_default"
OIP_TYPES = {
    **{1: "FP32", 2: "FP64", 3: "INT32", 4: "UINT8", 5: "INT16", 6: "INT8", 7: "BYTES", 9: "INT64", 10: "BOOL"},
    **{14: "BF16", 17: "UINT16", 19: "FP16", 22: "UINT32", 23: "UINT64"},
}
TYPES = {
    **{1: "F32", 2: "F64", 3: "I32", 4: "U8", 5: "I16", 6: "I8", 8: "C64", 9: "I64", 10: "BOOL", 14: "BF16"},
    **{17: "U16", 18: "C128", 19: "F16", 22: "U32", 23: "U64"},
}
"""The numbers of tensorflow.DataType that tensors of weights have; 7 is text."""
NOTE = (
    "A TensorFlow SavedModel. Convert it with tf2onnx "
    "(python -m tf2onnx.convert --saved-model FOLDER --output model.onnx) and fetch the ONNX file."
)
BESIDE_THE_MODEL = (b".OPTIMIZER_SLOT", b"optimizer/", b"save_counter", b"_CHECKPOINTABLE_OBJECT_GRAPH", b"keras_api/")


def recognise(folder: Path) -> Recognised | None:
    """The SavedModel in `folder`. Raises InvalidInput where its file is no protobuf."""
    primary = folder / PROGRAM
    if not primary.is_file():
        return None
    return Recognised(Format.savedmodel, PLAIN_TASK, _signature(primary), None, primary, NOTE, framework="tensorflow")


def weights(recognised: Recognised) -> Weights | None:
    """The variables of the model, without those of its optimizer; None where no index lists them."""
    index = recognised.primary.parent / INDEX
    if not index.is_file():
        return None
    if index.stat().st_size > MAX_INDEX_BYTES:
        raise InvalidInput(f"{index.name} is {index.stat().st_size} bytes, too big for an index.", "Check the file.")
    found = Weights()
    for key, entry in sorted_table.entries(index.read_bytes(), index.name):
        dtype = next(numbers(entry, 1), 0)
        if key and dtype in TYPES and not any(part in key for part in BESIDE_THE_MODEL):
            shape = [length for dimensions in messages(entry, 2) for length in _shape(dimensions)]
            found.add(TYPES[dtype], shape, next(numbers(entry, 5), 0))
    return found if found.parameters else None


def _signature(primary: Path) -> Signature | None:
    """Of what is served by default; None where there is no such thing, or a tensor that no datatype is for."""
    if not 0 < (size := primary.stat().st_size) <= MAX_PROGRAM_BYTES:
        raise InvalidInput(f"{primary.name} is {size} bytes; such files end at 2 GiB.", "Download it again.")
    return next(_signatures(memoryview(primary.read_bytes())), None)


def _signatures(content: memoryview) -> Iterator[Signature | None]:
    for graph in messages(content, 2):
        for named in messages(graph, 5):
            if text(named, 1) != SERVING:
                continue
            for definition in messages(named, 2):
                inputs, outputs = _specs(definition, 1), _specs(definition, 2)
                yield Signature(inputs, outputs) if inputs is not None and outputs is not None else None


def _specs(definition: memoryview, number: int) -> list[TensorSpec] | None:
    specs = []
    for named in messages(definition, number):
        for tensor in messages(named, 2):
            dtype = OIP_TYPES.get(next(numbers(tensor, 2), 0))
            shapes = list(messages(tensor, 3))
            if dtype is None or not shapes or any(numbers(shapes[0], 3)):
                return None
            specs.append(TensorSpec(text(named, 1), dtype, _shape(shapes[0])))
    return specs


def _shape(shape: memoryview) -> list[int]:
    """A dimension without a size is one of 0, as protobuf leaves out what is 0; -1 is free."""
    return [max(next(numbers(dimension, 1), 0), -1) for dimension in messages(shape, 2)]
