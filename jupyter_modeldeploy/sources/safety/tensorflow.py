"""TensorFlow graphs: the operations that reach files, run Python or load libraries. TensorFlow itself is not needed:
of its messages only the operations' names are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from jupyter_modeldeploy.records import Finding
from jupyter_modeldeploy.sources.safety import keras

MAX_BYTES = (2 << 30) - 1
OPERATIONS = {
    "reads files": "ReadFile MatchingFiles WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2 "
    "LMDBReader TextLineDataset FixedLengthRecordDataset FixedLengthRecordDatasetV2 TFRecordDataset TFRecordDatasetV2 "
    "TFRecordReader TFRecordReaderV2 ImmutableConst LoadDataset",
    "writes files": "WriteFile PrintV2 WriteSummary CreateSummaryFileWriter Save SaveSlices DatasetToTFRecord "
    "SaveDataset SaveDatasetV2 DebugIdentity DebugIdentityV2",
    "runs Python": "PyFunc PyFuncStateless EagerPyFunc",
    "reaches the network": "RpcClient RpcCall RegisterDataset RegisterDatasetV2 DataServiceDataset",
}
DOES = {operation: does for does, operations in OPERATIONS.items() for operation in operations.split()}
Field = descriptor_pb2.FieldDescriptorProto
MESSAGES: dict[str, list[tuple[str, int, str | None]]] = {
    "SavedModel": [("meta_graphs", 2, "MetaGraphDef")],
    "MetaGraphDef": [("graph_def", 2, "GraphDef")],
    "GraphDef": [("node", 1, "NodeDef"), ("library", 2, "FunctionDefLibrary")],
    "FunctionDefLibrary": [("function", 1, "FunctionDef")],
    "FunctionDef": [("node_def", 3, "NodeDef")],
    "NodeDef": [("name", 1, None), ("op", 2, None)],
}
"""The part of TensorFlow's messages that is read: field, its number, and its message where it is no text."""


def look(path: Path, name: str) -> Iterator[Finding]:
    """Findings in `saved_model.pb`, a frozen graph or Keras' metadata beside it; none in any other file."""
    if path.suffix != ".pb" or path.stat().st_size == 0:
        return
    if path.stat().st_size > MAX_BYTES:
        yield Finding(file=name, kind="header", dangerous=False, message="is too long for a graph of TensorFlow")
    elif path.name == "keras_metadata.pb":
        with path.open("rb") as stream:
            yield from keras.look_at_hdf5(stream, name)
    else:
        yield from _look(path, name)


def _look(path: Path, name: str) -> Iterator[Finding]:
    kind = "SavedModel" if path.name == "saved_model.pb" else "GraphDef"
    try:
        operations = set(_operations(path, kind))
    except DecodeError as error:
        if kind == "SavedModel":
            yield Finding(file=name, kind="header", dangerous=False, message=f"cannot be looked through: {error}")
        return
    for operation in sorted(operations & DOES.keys()):
        message = f"{DOES[operation]} when it is run, by the operation {operation}"
        yield Finding(file=name, kind="tensorflow-operation", dangerous=True, message=message)


def _operations(path: Path, kind: str) -> Iterator[str]:
    message: Any = _message(kind)()
    message.ParseFromString(path.read_bytes())
    graphs: Iterable[Any] = [one.graph_def for one in message.meta_graphs] if kind == "SavedModel" else [message]
    for graph in graphs:
        functions = (node for function in graph.library.function for node in function.node_def)
        yield from (node.op.decode("utf-8", "replace") for node in (*graph.node, *functions))


@cache
def _message(name: str) -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(name="modeldeploy/tensorflow.proto", package="modeldeploy_tensorflow")
    file.syntax = "proto3"
    for message, fields in MESSAGES.items():
        described = file.message_type.add(name=message)
        for field, number, kind in fields:
            one = described.field.add(name=field, number=number)
            single = kind is None or field in ("graph_def", "library")
            one.label = Field.LABEL_OPTIONAL if single else Field.LABEL_REPEATED
            one.type = Field.TYPE_BYTES if kind is None else Field.TYPE_MESSAGE
            if kind is not None:
                one.type_name = f".{file.package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName(f"{file.package}.{name}")
    made: type[Message] = message_factory.GetMessageClass(found)
    return made
