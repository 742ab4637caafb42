"""Open Inference Protocol V2 over REST: requests and answers as JSON, with the binary tensor extension.

Specification: github.com/kserve/open-inference-protocol, and Triton's "Binary Tensor Data Extension", in which a JSON
header of `Inference-Header-Content-Length` bytes is followed by the tensors' raw little-endian bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import InvalidInput, TooLarge, shown
from jupyter_modeldeploy.serving.protocols.json_object import json_object
from jupyter_modeldeploy.serving.protocols.raw import from_raw, to_raw
from jupyter_modeldeploy.serving.protocols.triton import outputs as triton
from jupyter_modeldeploy.serving.protocols.triton.shared_memory import Regions

_INTEGERS = {int}  # and no booleans
_NOTHING: dict[str, Any] = {}
NO_LABELS: dict[int, str] = {}
MAX_EMPTY, MAX_EMPTY_ROWS = 2**22, 2**16
"""The most elements that a tensor without any would have by its other dimensions, and the most rows: a model computes
for each of them, whatever few bytes the request has."""


class InferRequest:
    """A decoded request with its `parameters`. `binary` tells for each wanted output whether it is wanted as raw bytes,
    `special` which are wanted classified or in shared memory."""

    __slots__ = ("binary", "binary_default", "id", "inputs", "outputs", "parameters", "special")

    def __init__(self, inputs: Tensors, identifier: str | None) -> None:
        self.inputs = inputs
        self.id = identifier
        self.parameters: Mapping[str, Any] = _NOTHING
        self.outputs: list[str] | None = None
        self.binary: dict[str, bool] = _NOTHING
        self.binary_default = False
        self.special: dict[str, triton.Wanted] = _NOTHING


def decode_request(body: bytes, header_length: bytes | None, regions: Regions | None = None) -> InferRequest:
    """The request in `body`; `header_length` is the value of Inference-Header-Content-Length, `regions` those of shared
    memory that tensors may be in.

    Raises InvalidInput, saying what is wrong, for anything that is not a well-formed request; NotFound and TooLarge for
    shared memory."""
    raw: memoryview | bytes = b""
    if header_length is not None:
        body, raw = _parts(body, header_length)
    given = json_object(body)
    identifier = given.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise InvalidInput(f"id must be a string, not {shown(identifier)}.")
    request = InferRequest(_inputs(given.get("inputs"), raw, regions), identifier)
    if (outputs := given.get("outputs")) is not None:
        _read_outputs(request, outputs, regions)
    if (parameters := given.get("parameters")) is not None:
        request.parameters = _mapping(parameters, "parameters")
        request.binary_default = _flag(parameters, "binary_data_output")
    return request


def encode_response(
    model: str, version: str, outputs: Tensors, request: InferRequest, labels: Mapping[int, str] = NO_LABELS
) -> tuple[bytes, int | None]:
    """The answer's body, and the length of its JSON header where raw bytes follow it (None: it is all JSON).

    `labels` are the names of classes, for outputs that are wanted classified. Raises InvalidInput for a wanted output
    that the model has not, or that cannot be as it is wanted."""
    described, raw = [], []
    for name in outputs if request.outputs is None else request.outputs:
        array = outputs.get(name)
        if array is None:
            raise InvalidInput(f"The model has no output {shown(name)}.", f"Outputs: {', '.join(outputs)}.")
        wanted = request.special.get(name) if request.special else None
        if wanted is not None:
            array = wanted.classified(array, labels)
        tensor: dict[str, Any] = {"name": name, "datatype": datatypes.datatype(array), "shape": array.shape}
        if wanted is not None and wanted.place is not None:
            tensor["parameters"] = wanted.place.write(array)
        elif request.binary.get(name, request.binary_default):
            content = to_raw(array)
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


def _parts(body: bytes, header_length: bytes) -> tuple[bytes, memoryview]:
    # a length of more digits than any body's is not worth being made into a number
    size = int(header_length) if header_length.isdigit() and len(header_length) < 20 else -1
    if not 0 <= size <= len(body):
        length = header_length[:20].decode("latin-1")
        raise InvalidInput(f"Inference-Header-Content-Length is {length!r}; the body has {len(body)} bytes.")
    return body[:size], memoryview(body)[size:]


def _inputs(described: Any, raw: memoryview | bytes, regions: Regions | None) -> Tensors:
    if not isinstance(described, list) or not described:
        raise InvalidInput("inputs must be a list of at least one tensor.")
    tensors: Tensors = {}
    contents = _Contents(raw, regions) if raw else None
    for tensor in described:
        if not isinstance(tensor, dict) or not isinstance(name := tensor.get("name"), str):
            raise InvalidInput("Each of inputs must be an object with a name.")
        if name in tensors:
            raise InvalidInput(f"The input {shown(name)} is given twice.")
        shape = _shape(tensor, name)
        content = None
        if "parameters" in tensor:
            contents = contents or _Contents(raw, regions)
            content = contents.of(tensor["parameters"], name)
        if content is None:
            array = _from_list(tensor, name)
        else:
            array = from_raw(content, tensor.get("datatype"), math.prod(shape), name)
        tensors[name] = shaped(array, shape, name)
    if contents is not None and contents.left:
        raise InvalidInput(f"{contents.left} bytes follow the last tensor; no input's binary_data_size names them.")
    return tensors


class _Contents:
    """The bytes of tensors that are not in the JSON: in the request behind it, or in shared memory."""

    __slots__ = ("_raw", "_regions", "_shared", "left")

    def __init__(self, raw: memoryview | bytes, regions: Regions | None) -> None:
        self._raw = raw
        self._regions = regions
        self._shared = 0
        self.left = len(raw)

    def of(self, parameters: Any, name: str) -> bytes | None:
        """The bytes of the next tensor, which has these parameters; None where it has its data in the JSON."""
        parameters = _mapping(parameters, f"The parameters of {shown(name)}")
        if triton.REGION in parameters:
            return self._in_region(parameters)
        length = parameters.get("binary_data_size")
        if length is None:
            return None
        if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= self.left:
            raise InvalidInput(
                f"binary_data_size of {shown(name)} is {shown(length)}; {self.left} bytes are left of the body."
            )
        offset = len(self._raw) - self.left
        self.left -= length
        return bytes(self._raw[offset : offset + length])  # a copy, so that it begins at an even address

    def _in_region(self, parameters: dict[str, Any]) -> bytes:
        place = triton.place(parameters, self._regions)
        self._shared += place.size
        if self._regions is not None and self._shared > self._regions.max_bytes:
            raise TooLarge(f"{self._shared} bytes of shared memory are too many at once.", "Send less at once.")
        return place.read()


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


def shaped(array: np.ndarray, shape: Sequence[int], name: str) -> np.ndarray:
    """The flat array in that shape. Raises InvalidInput, calling it `name`, where it has other elements, or none in a
    shape so large that a model would be busy with it."""
    if not array.size and (math.prod(filter(None, shape)) > MAX_EMPTY or (shape and shape[0] > MAX_EMPTY_ROWS)):
        raise InvalidInput(
            f"The input {shown(name)} has no elements, in the shape {shown(list(shape))}.",
            f"Without elements, a tensor may have {MAX_EMPTY_ROWS} rows.",
        )
    try:
        return array.reshape(shape)
    except (ValueError, OverflowError):
        elements = f"{array.size} elements, not those of {list(shape)}"
        raise InvalidInput(f"The input {shown(name)} holds {elements}.") from None


def _read_outputs(request: InferRequest, described: Any, regions: Regions | None) -> None:
    if not isinstance(described, list):
        raise InvalidInput("outputs must be a list.")
    names: dict[str, None] = {}
    request.binary, request.special = {}, {}
    for tensor in described:
        if not isinstance(tensor, dict) or not isinstance(name := tensor.get("name"), str) or name in names:
            raise InvalidInput("Each of outputs must be an object with a name of its own.")
        names[name] = None
        if "parameters" in tensor:
            parameters = _mapping(tensor["parameters"], f"The parameters of {shown(name)}")
            if "binary_data" in parameters:
                request.binary[name] = _flag(parameters, "binary_data")
            if (wanted := triton.wanted(parameters, regions)) is not None:
                request.special[name] = wanted
    request.outputs = list(names) or None


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


def _to_list(array: np.ndarray) -> Any:
    if array.dtype == np.object_:
        return [value.decode(errors="replace") for value in array.ravel()]
    return datatypes.widened(array).ravel()
