"""The Open Inference Protocol's datatypes as numpy holds them, and plain lists made into arrays.

A BYTES tensor is an object array of `bytes`. BF16 is left out: numpy has no such dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Signature, TensorSpec

Tensors = dict[str, np.ndarray]

NUMPY: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(np.object_),
}
NAMES: dict[np.dtype[Any], str] = {dtype: name for name, dtype in NUMPY.items()}
_ACCEPTED_KINDS = {"b": "b", "i": "iu", "u": "iu", "f": "fiu"}


def datatype(array: np.ndarray) -> str:
    """The protocol's name of the array's dtype. Raises InvalidInput where it has none."""
    name = NAMES.get(array.dtype) or ("BYTES" if array.dtype.kind in "US" else None)
    if name is None:
        raise InvalidInput(f"The Open Inference Protocol has no datatype for {array.dtype}.")
    return name


def dtype_of(name: str) -> np.dtype[Any]:
    """The numpy dtype of a protocol datatype. Raises InvalidInput for an unknown name."""
    dtype = NUMPY.get(name) if isinstance(name, str) else None
    if dtype is None:
        raise InvalidInput(f"{name!r} is not a datatype that can be used here.", f"Use one of {', '.join(NUMPY)}.")
    return dtype


def to_array(data: Any, name: str, what: str) -> np.ndarray:
    """Numbers, booleans or strings in (nested) lists as an array of the datatype `name`, in the shape of the nesting.

    Nothing is converted silently: a fraction for an integer, a number beyond the datatype's range, a string for a
    number or a ragged list raises InvalidInput, which calls the tensor `what`."""
    dtype = dtype_of(name)
    if name == "BYTES":
        return _to_bytes(data, what)
    try:
        array = np.array(data)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{what} is not a regular array: {error}.", "Lists of a level need one length.") from None
    if array.size == 0:
        return array.astype(dtype) if array.dtype.kind == "f" else np.empty(array.shape, dtype)
    if array.dtype.kind not in _ACCEPTED_KINDS[dtype.kind]:
        raise InvalidInput(f"{what} holds {_described(array)}; it must hold {name}.")
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if int(array.min()) < limits.min or int(array.max()) > limits.max:
            raise InvalidInput(f"{what} holds numbers beyond {name}, which is {limits.min} to {limits.max}.")
    with np.errstate(over="ignore"):
        return array.astype(dtype, copy=False)


def check(inputs: Tensors, signature: Signature) -> None:
    """Raise InvalidInput unless `inputs` are the signature's: every name, each with its dtype and shape."""
    for spec in signature.inputs:
        array = inputs.get(spec.name)
        if array is None:
            raise InvalidInput(f"The input {spec.name!r} is missing.", f"Inputs: {described(signature.inputs)}.")
        if array.dtype != NUMPY[spec.dtype] and not (spec.dtype == "BYTES" and array.dtype.kind in "US"):
            raise InvalidInput(f"The input {spec.name!r} is {datatype(array)}; the model takes {spec.dtype}.")
        if len(spec.shape) != array.ndim or any(
            size not in (-1, given) for size, given in zip(spec.shape, array.shape, strict=True)
        ):
            raise InvalidInput(
                f"The input {spec.name!r} has the shape {list(array.shape)}; the model takes {spec.shape}.",
                "-1 is a dimension of any size.",
            )
    if len(inputs) > len(signature.inputs):
        unknown = sorted(set(inputs) - {spec.name for spec in signature.inputs})
        raise InvalidInput(f"The model has no input {unknown[0]!r}.", f"Inputs: {described(signature.inputs)}.")


def described(specs: list[TensorSpec]) -> str:
    """`name FP32[-1, 4], …` for messages."""
    return ", ".join(f"{spec.name} {spec.dtype}{spec.shape}" for spec in specs)


def _to_bytes(data: Any, what: str) -> np.ndarray:
    shape = []
    level = data
    while isinstance(level, list):
        shape.append(len(level))
        level = level[0] if level else None
    flat = _flattened(data, len(shape))
    if len(flat) != int(np.prod(shape, dtype=object)) or not all(isinstance(value, (str, bytes)) for value in flat):
        raise InvalidInput(f"{what} must be a regular (nested) list of strings.")
    array = np.empty(len(flat), dtype=np.object_)
    array[:] = [value.encode() if isinstance(value, str) else value for value in flat]
    return array.reshape(shape)


def _flattened(data: Any, depth: int) -> list[Any]:
    values = [data]
    for _ in range(depth):
        if not all(isinstance(value, list) and len(value) == len(values[0]) for value in values):
            return [None]
        values = [item for value in values for item in value]
    return values


def _described(array: np.ndarray) -> str:
    kinds = {"b": "booleans", "i": "integers", "u": "integers", "f": "fractions", "U": "strings", "S": "strings"}
    return kinds.get(array.dtype.kind, "mixed or too large values")
