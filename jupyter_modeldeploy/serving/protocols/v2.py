"""Open Inference Protocol V2 over REST: requests and answers as JSON, with the binary tensor extension.

Specification: github.com/kserve/open-inference-protocol, and Triton's "Binary Tensor Data Extension", in which a JSON
header of `Inference-Header-Content-Length` bytes is followed by the tensors' raw little-endian bytes.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import orjson

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import InvalidInput, shown

EXTENSIONS = ["binary_tensor_data"]
_INTEGERS = {int}  # and no booleans
_LENGTH = struct.Struct("<I")


class InferRequest:
    """A decoded request. `binary` tells for each wanted output whether it is wanted as raw bytes."""

    __slots__ = ("binary", "binary_default", "id", "inputs", "outputs")

    def __init__(self, inputs: Tensors, identifier: str | None) -> None:
        self.inputs = inputs
        self.id = identifier
        self.outputs: list[str] | None = None
        self.binary: dict[str, bool] = {}
        self.binary_default = False


def decode_request(body: bytes, header_length: bytes | None) -> InferRequest:
    """The request in `body`; `header_length` is the value of Inference-Header-Content-Length.

    Raises InvalidInput, saying what is wrong, for anything that is not a well-formed request."""
    raw = b""
    if header_length is not None:
        body, raw = _parts(body, header_length)
    given = _object(body)
    identifier = given.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise InvalidInput(f"id must be a string, not {shown(identifier)}.")
    request = InferRequest(_inputs(given.get("inputs"), raw), identifier)
    if (outputs := given.get("outputs")) is not None:
        request.outputs, request.binary = _outputs(outputs)
    if (parameters := given.get("parameters")) is not None:
        request.binary_default = _flag(_mapping(parameters, "parameters"), "binary_data_output")
    return request


def encode_response(model: str, version: str, outputs: Tensors, request: InferRequest) -> tuple[bytes, int | None]:
    """The answer's body, and the length of its JSON header where raw bytes follow it (None: it is all JSON).

    Raises InvalidInput for a wanted output that the model has not."""
    described, raw = [], []
    for name in outputs if request.outputs is None else request.outputs:
        array = outputs.get(name)
        if array is None:
            raise InvalidInput(f"The model has no output {shown(name)}.", f"Outputs: {', '.join(outputs)}.")
        tensor: dict[str, Any] = {"name": name, "datatype": datatypes.datatype(array), "shape": array.shape}
        if request.binary.get(name, request.binary_default):
            content = _to_raw(array)
            raw.append(content)
            tensor["parameters"] = {"binary_data_size": len(content)}
        else:
            tensor["data"] = _to_list(array)
        described.append(tensor)
    answer = {"model_name": model, "model_version": version, "outputs": described}
    if request.id is not None:
        answer["id"] = request.id
    header = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    return (b"".join([header, *raw]), len(header)) if raw else (header, None)


def _parts(body: bytes, header_length: bytes) -> tuple[bytes, bytes]:
    # a length of more digits than any body's is not worth being made into a number
    size = int(header_length) if header_length.isdigit() and len(header_length) < 20 else -1
    if not 0 <= size <= len(body):
        length = header_length[:20].decode("latin-1")
        raise InvalidInput(f"Inference-Header-Content-Length is {length!r}; the body has {len(body)} bytes.")
    return body[:size], body[size:]


def _object(header: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(header)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The request is not JSON: {error}.") from None
    if not isinstance(request, dict):
        raise InvalidInput("The request must be a JSON object.")
    return request


def _inputs(described: Any, raw: bytes) -> Tensors:
    if not isinstance(described, list) or not described:
        raise InvalidInput("inputs must be a list of at least one tensor.")
    tensors: Tensors = {}
    offset = 0
    for tensor in described:
        if not isinstance(tensor, dict) or not isinstance(name := tensor.get("name"), str):
            raise InvalidInput("Each of inputs must be an object with a name.")
        if name in tensors:
            raise InvalidInput(f"The input {shown(name)} is given twice.")
        shape = _shape(tensor, name)
        length = _raw_length(tensor, name, len(raw) - offset) if "parameters" in tensor else None
        if length is None:
            array = _from_list(tensor, name)
        else:
            array = _from_raw(raw[offset : offset + length], tensor.get("datatype"), math.prod(shape), name)
            offset += length
        tensors[name] = _shaped(array, shape, name)
    if offset != len(raw):
        raise InvalidInput(f"{len(raw) - offset} bytes follow the last tensor; no input's binary_data_size names them.")
    return tensors


def _raw_length(tensor: dict[str, Any], name: str, left: int) -> int | None:
    parameters = _mapping(tensor["parameters"], f"The parameters of {shown(name)}")
    if "shared_memory_region" in parameters:
        raise InvalidInput("Shared memory is not supported.", "Send the tensor as JSON or as binary data.")
    length = parameters.get("binary_data_size")
    if length is not None and (not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= left):
        raise InvalidInput(f"binary_data_size of {shown(name)} is {shown(length)}; {left} bytes are left of the body.")
    return length


def _shape(tensor: dict[str, Any], name: str) -> list[int]:
    shape = tensor.get("shape")
    if (
        not isinstance(shape, list)
        or len(shape) > datatypes.MAX_DIMENSIONS
        or not _INTEGERS.issuperset(map(type, shape))
        or (shape and min(shape) < 0)
    ):
        raise InvalidInput(
            f"The shape of {shown(name)} is {shown(shape)}.",
            f"It must be a list of at most {datatypes.MAX_DIMENSIONS} non-negative integers.",
        )
    return shape


def _from_list(tensor: dict[str, Any], name: str) -> np.ndarray:
    if "data" not in tensor:
        raise InvalidInput(f"The input {shown(name)} has neither data nor binary_data_size.")
    return datatypes.to_array(tensor["data"], tensor.get("datatype"), name)


def _from_raw(raw: bytes, datatype: Any, size: int, name: str) -> np.ndarray:
    dtype = datatypes.dtype_of(datatype)
    if datatype == "BYTES":
        return _strings(raw, size, name)
    if len(raw) != size * dtype.itemsize:
        raise InvalidInput(f"The input {shown(name)} has {len(raw)} bytes; its shape needs {size * dtype.itemsize}.")
    return np.frombuffer(raw, dtype=dtype.newbyteorder("<")).astype(dtype, copy=False)


def _strings(raw: bytes, size: int, name: str) -> np.ndarray:
    values, offset = [], 0
    while offset + _LENGTH.size <= len(raw):
        end = offset + _LENGTH.size + _LENGTH.unpack_from(raw, offset)[0]
        values.append(raw[offset + _LENGTH.size : end])
        offset = end
    if offset != len(raw) or len(values) != size:
        raise InvalidInput(f"The bytes of {shown(name)} are not {size} strings, each behind its length in four bytes.")
    array = np.empty(size, dtype=np.object_)
    array[:] = values
    return array


def _shaped(array: np.ndarray, shape: list[int], name: str) -> np.ndarray:
    try:
        return array.reshape(shape)
    except (ValueError, OverflowError):
        raise InvalidInput(f"The input {shown(name)} holds {array.size} elements, not those of {shape}.") from None


def _outputs(described: Any) -> tuple[list[str] | None, dict[str, bool]]:
    if not isinstance(described, list):
        raise InvalidInput("outputs must be a list.")
    names: list[str] = []
    binary = {}
    for tensor in described:
        if not isinstance(tensor, dict) or not isinstance(name := tensor.get("name"), str) or name in names:
            raise InvalidInput("Each of outputs must be an object with a name of its own.")
        parameters = _mapping(tensor.get("parameters"), f"The parameters of {shown(name)}")
        for unsupported in ("classification", "shared_memory_region"):
            if parameters.get(unsupported):
                raise InvalidInput(f"The output parameter {unsupported!r} is not supported.")
        names.append(name)
        if "binary_data" in parameters:
            binary[name] = _flag(parameters, "binary_data")
    return names or None, binary


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{what} must be an object.")
    return value


def _flag(parameters: dict[str, Any], name: str) -> bool:
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be true or false, not {shown(value)}.")
    return value


def _to_raw(array: np.ndarray) -> bytes:
    if array.dtype == np.object_:
        return b"".join(_LENGTH.pack(len(value)) + value for value in array.ravel())
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _to_list(array: np.ndarray) -> Any:
    if array.dtype == np.object_:
        return [value.decode(errors="replace") for value in array.ravel()]
    return array.ravel()
