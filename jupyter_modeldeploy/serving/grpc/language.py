"""Inference over gRPC: a message to tensors, tensors to a message."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, shown
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.grpc.messages import ModelInferResponse
from jupyter_modeldeploy.serving.protocols.raw import from_raw, to_raw

_CONTENTS: dict[str, tuple[str, type]] = {
    "BOOL": ("bool_contents", np.bool_),
    "INT8": ("int_contents", np.int32),
    "INT16": ("int_contents", np.int32),
    "INT32": ("int_contents", np.int32),
    "INT64": ("int64_contents", np.int64),
    "UINT8": ("uint_contents", np.uint32),
    "UINT16": ("uint_contents", np.uint32),
    "UINT32": ("uint_contents", np.uint32),
    "UINT64": ("uint64_contents", np.uint64),
    "FP32": ("fp32_contents", np.float32),
    "FP64": ("fp64_contents", np.float64),
    "BYTES": ("bytes_contents", np.object_),
}
_NO_PARAMETERS: dict[str, Any] = {}


class GrpcAnswer:
    """The answer's message, or the error that there is instead; `status` is as over HTTP, and `extra_headers` become
    trailing metadata."""

    __slots__ = ("error", "extra_headers", "message", "status", "version")

    def __init__(self, message: Any, error: ModelDeployError | None = None, version: str | None = None) -> None:
        self.message = message
        self.error = error
        self.version = version
        self.extra_headers: tuple[tuple[bytes, bytes], ...] = ()
        self.status = 200 if error is None else error.status


class GrpcCall:
    """A request that came as a ModelInferRequest."""

    kind: Literal["tensors", "items"] = "tensors"

    def __init__(self, version: ServedVersion, message: Any) -> None:
        self._version = version
        self._message = message
        self.parameters = _parameters(message.parameters) if message.parameters else _NO_PARAMETERS
        self.payload = decode_inputs(message)
        first, *_ = self.payload.values()
        self.rows = len(first) if first.ndim else 1

    def answer(self, result: Tensors) -> GrpcAnswer:
        """The tensors as raw bytes, as the protocol's servers send them."""
        version, request = self._version, self._message
        answer = ModelInferResponse(model_name=version.model, model_version=version.name, id=request.id)
        for name in [wanted.name for wanted in request.outputs] or result:
            array = result.get(name)
            if array is None:
                raise InvalidInput(f"The model has no output {shown(name)}.", f"Outputs: {', '.join(result)}.")
            answer.outputs.add(name=name, datatype=datatypes.datatype(array), shape=array.shape)
            answer.raw_output_contents.append(to_raw(array))
        return GrpcAnswer(answer)


class GrpcInfer:
    """The language V2 over gRPC."""

    def decode(self, version: ServedVersion, headers: Headers, body: Any) -> GrpcCall:
        return GrpcCall(version, body)

    def refuse(self, error: ModelDeployError, version: str | None = None) -> GrpcAnswer:
        return GrpcAnswer(None, error, version)


def decode_inputs(message: Any) -> Tensors:
    """The request's tensors, from its raw or its typed contents. Raises InvalidInput."""
    raw = message.raw_input_contents
    if not message.inputs:
        raise InvalidInput("A request needs at least one input.")
    if raw and len(raw) != len(message.inputs):
        raise InvalidInput(
            f"There are {len(raw)} raw_input_contents for {len(message.inputs)} inputs.",
            "Send the contents of all inputs as raw bytes, or those of none.",
        )
    tensors: Tensors = {}
    for index, tensor in enumerate(message.inputs):
        name = tensor.name
        if name in tensors:
            raise InvalidInput(f"The input {shown(name)} is given twice.")
        shape = list(tensor.shape)
        _check_shape(shape, name)
        if raw:
            array = from_raw(raw[index], tensor.datatype, math.prod(shape), name)
        else:
            array = _from_contents(tensor, math.prod(shape))
        tensors[name] = array.reshape(shape)
    return tensors


def _parameters(given: Any) -> dict[str, Any]:
    values = {name: value.WhichOneof("parameter_choice") for name, value in given.items()}
    return {name: getattr(given[name], field) for name, field in values.items() if field is not None}


def _check_shape(shape: list[int], name: str) -> None:
    if len(shape) > datatypes.MAX_DIMENSIONS or (shape and min(shape) < 0):
        raise InvalidInput(
            f"The shape of {shown(name)} is {shown(shape)}.",
            f"It must have at most {datatypes.MAX_DIMENSIONS} non-negative dimensions.",
        )


def _from_contents(tensor: Any, size: int) -> np.ndarray:
    name, datatype = tensor.name, tensor.datatype
    dtype = datatypes.dtype_of(datatype)
    if datatype not in _CONTENTS:
        raise InvalidInput(f"There are no typed contents for {datatype} ({shown(name)}).", "Send raw_input_contents.")
    field, carried = _CONTENTS[datatype]
    elements = getattr(tensor.contents, field)
    if len(elements) != size:
        raise InvalidInput(
            f"The input {shown(name)} has {len(elements)} {field}; its shape needs {size}.",
            f"{datatype} goes into {field}, or all inputs into raw_input_contents.",
        )
    array: np.ndarray = np.fromiter(elements, carried, size)
    if array.dtype == dtype:
        return array
    narrow = array.astype(dtype)
    if not np.array_equal(narrow, array):
        raise InvalidInput(f"The input {shown(name)} holds numbers beyond {datatype}.")
    return narrow
