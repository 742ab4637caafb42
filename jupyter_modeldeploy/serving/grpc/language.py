"""Inference over gRPC: a message to tensors, tensors to a message."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, TooLarge, shown
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.grpc import answers
from jupyter_modeldeploy.serving.grpc.forms import Formed
from jupyter_modeldeploy.serving.grpc.messages import ModelInferResponse, value_of
from jupyter_modeldeploy.serving.protocols import v2
from jupyter_modeldeploy.serving.protocols.raw import from_raw, to_raw
from jupyter_modeldeploy.serving.protocols.triton import outputs as triton
from jupyter_modeldeploy.serving.protocols.triton.shared_memory import Regions

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
    """The bytes of the answer's message, or the error that there is instead; `status` is as over HTTP, and
    `extra_headers` become trailing metadata."""

    __slots__ = ("content", "error", "extra_headers", "status", "version")

    def __init__(self, content: bytes, error: ModelDeployError | None = None, version: str | None = None) -> None:
        self.content = content
        self.error = error
        self.version = version
        self.extra_headers: tuple[tuple[bytes, bytes], ...] = ()
        self.status = 200 if error is None else error.status


class GrpcCall:
    """A request that came as a ModelInferRequest."""

    kind: Literal["tensors", "items"] = "tensors"

    def __init__(self, version: ServedVersion, message: Any, regions: Regions | None) -> None:
        self.version = version
        self._id = message.id
        self.parameters = _values(message.parameters) if message.parameters else _NO_PARAMETERS
        self.payload = _inputs(message, regions)
        first, *_ = self.payload.values()
        self.rows = len(first) if first.ndim else 1
        self._outputs = _outputs(message.outputs, regions) if message.outputs else None

    def answer(self, result: Tensors) -> GrpcAnswer:
        """The tensors as raw bytes, one for each output, empty where they are in shared memory."""
        if self._outputs is None:
            return GrpcAnswer(answers.plain(self.version, self._id, result))
        wanted = {name: _output(result, name) for name in self._outputs}
        if not any(self._outputs.values()):
            return GrpcAnswer(answers.plain(self.version, self._id, wanted))
        version = self.version
        answer = ModelInferResponse(model_name=version.model, model_version=version.name, id=self._id)
        for name, array in wanted.items():
            self._add(answer, name, array)
        return GrpcAnswer(answer.SerializeToString())

    def _add(self, answer: Any, name: str, array: np.ndarray) -> None:
        wanted = self._outputs[name] if self._outputs else None
        if wanted is not None:
            array = wanted.classified(array, self.version.labels)
        output = answer.outputs.add(name=name, datatype=datatypes.datatype(array), shape=array.shape)
        if wanted is None or wanted.place is None:
            answer.raw_output_contents.append(to_raw(array))
            return
        for parameter, value in wanted.place.write(array).items():
            field = "string_param" if isinstance(value, str) else "int64_param"
            setattr(output.parameters[parameter], field, value)
        answer.raw_output_contents.append(b"")


class FormedCall(GrpcCall):
    """A request whose form is known."""

    def __init__(self, version: ServedVersion, formed: Formed) -> None:
        form, raw = formed.form, formed.raw
        self.version = version
        self._id = ""
        self._outputs = dict.fromkeys(form.outputs) if form.outputs else None
        self.parameters = {"timeout": formed.timeout_us} if formed.timeout_us else _NO_PARAMETERS
        self.payload = {
            name: v2.shaped(from_raw(raw[place], datatype, size, name), shape, name)
            for name, datatype, shape, size, place in form.inputs
        }
        self.rows = form.rows


class GrpcInfer:
    """The language V2 over gRPC, whose tensors may be in `regions` of shared memory."""

    def __init__(self, regions: Regions | None = None) -> None:
        self._regions = regions

    def decode(self, version: ServedVersion, headers: Headers, body: Any) -> GrpcCall:
        return FormedCall(version, body) if type(body) is Formed else GrpcCall(version, body, self._regions)

    def refuse(self, error: ModelDeployError, version: str | None = None) -> GrpcAnswer:
        return GrpcAnswer(b"", error, version)


def _output(result: Tensors, name: str) -> np.ndarray:
    if name not in result:
        raise InvalidInput(f"The model has no output {shown(name)}.", f"Outputs: {', '.join(result)}.")
    return result[name]


def _inputs(message: Any, regions: Regions | None) -> Tensors:
    contents = _Contents(message.raw_input_contents, regions)
    tensors: Tensors = {}
    for tensor in message.inputs:
        name, shape = tensor.name, tuple(tensor.shape)
        if name in tensors:
            raise InvalidInput(f"The input {shown(name)} is given twice.")
        if len(shape) > datatypes.MAX_DIMENSIONS or (shape and min(shape) < 0):
            raise InvalidInput(
                f"The shape of {shown(name)} is {shown(shape)}.",
                f"It must have at most {datatypes.MAX_DIMENSIONS} non-negative dimensions.",
            )
        raw = contents.of(tensor)
        size = math.prod(shape)
        array = _from_contents(tensor, size) if raw is None else from_raw(raw, tensor.datatype, size, name)
        tensors[name] = v2.shaped(array, shape, name)
    if not tensors:
        raise InvalidInput("A request needs at least one input.")
    contents.check_used()
    return tensors


class _Contents:
    """The bytes of the inputs: raw in the message, in the order of the inputs, or in shared memory."""

    __slots__ = ("_raw", "_regions", "_shared", "_used")

    def __init__(self, raw: Any, regions: Regions | None) -> None:
        self._raw = raw
        self._regions = regions
        self._used = 0
        self._shared = 0

    def of(self, tensor: Any) -> bytes | None:
        """The bytes of the next input; None where it has typed contents."""
        if tensor.parameters and triton.REGION in tensor.parameters:
            place = triton.place(_values(tensor.parameters), self._regions)
            self._shared += place.size
            if self._regions is not None and self._shared > self._regions.max_bytes:
                raise TooLarge(f"{self._shared} bytes of shared memory are too many at once.", "Send less at once.")
            return place.read()
        if not self._raw:
            return None
        self._used += 1
        if self._used > len(self._raw):
            raise self._mismatch()
        raw: bytes = self._raw[self._used - 1]
        return raw

    def check_used(self) -> None:
        """Raise InvalidInput where there are contents of no input."""
        if self._used != len(self._raw):
            raise self._mismatch()

    def _mismatch(self) -> InvalidInput:
        return InvalidInput(
            f"There are {len(self._raw)} raw_input_contents, not one for each input.",
            "Send the contents of all inputs as raw bytes, or those of none.",
        )


def _outputs(asked: Any, regions: Regions | None) -> dict[str, triton.Wanted | None]:
    outputs: dict[str, triton.Wanted | None] = {}
    for output in asked:
        if output.name in outputs:
            raise InvalidInput(f"The output {shown(output.name)} is asked for twice.")
        outputs[output.name] = triton.wanted(_values(output.parameters), regions) if output.parameters else None
    return outputs


def _values(parameters: Any) -> dict[str, Any]:
    return {name: value_of(value) for name, value in parameters.items()}


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
