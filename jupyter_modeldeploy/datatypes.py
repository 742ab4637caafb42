"""The Open Inference Protocol's datatypes as numpy holds them, and plain lists made into arrays.

A BYTES tensor is an object array of `bytes`. numpy has no BF16: it is held as its bits, in a dtype of its own that can
be stacked, split and compared, and is widened to FP32 or narrowed from it, which is exact or rounds to the nearest.
"""

from __future__ import annotations

import struct
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput, shown
from jupyter_modeldeploy.signatures import TensorSpec

Tensors = dict[str, np.ndarray]

MAX_DIMENSIONS = 32
BF16: np.dtype[Any] = np.dtype([("bf16", np.uint16)])
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
    "BF16": BF16,
}
NAMES: dict[np.dtype[Any], str] = {dtype: name for name, dtype in NUMPY.items()}
_FRACTIONS = {int, float}
_ACCEPTED: dict[str, set[type]] = {
    **{"b": {bool}, "i": {int}, "u": {int}, "O": {str, bytes}},
    **{"f": _FRACTIONS, "V": _FRACTIONS},
}
_CODES = {**dict(zip(NUMPY, "?BHIQbhiqefd", strict=False)), "BF16": "f"}  # of the struct module, which checks the range
_KINDS = {bool: "booleans", int: "integers", float: "fractions", str: "strings", bytes: "strings"}


def datatype(array: np.ndarray) -> str:
    """The protocol's name of the array's dtype. Raises InvalidInput where it has none."""
    name = NAMES.get(array.dtype) or ("BYTES" if array.dtype.kind in "US" else None)
    if name is None:
        raise InvalidInput(f"The Open Inference Protocol has no datatype for {array.dtype}.")
    return name


def dtype_of(name: Any) -> np.dtype[Any]:
    """The numpy dtype of a protocol datatype. Raises InvalidInput for an unknown name."""
    dtype = NUMPY.get(name) if isinstance(name, str) else None
    if dtype is None:
        raise InvalidInput(f"{shown(name)} is not a datatype that can be used here.", f"Use one of {', '.join(NUMPY)}.")
    return dtype


def to_array(data: Any, datatype: Any, name: str) -> np.ndarray:
    """Numbers, booleans or strings in (nested) lists as an array of `datatype`, in the shape of the nesting.

    Nothing is converted silently: a fraction or a boolean for an integer, a number beyond the datatype's range, a
    string for a number or a ragged list raises InvalidInput, which calls the input `name`."""
    dtype = dtype_of(datatype)
    shape, values = _flattened(data, name)
    if not _ACCEPTED[dtype.kind].issuperset(map(type, values)):
        raise InvalidInput(f"The input {shown(name)} holds {_described(values)}; it must hold {datatype}.")
    if dtype.kind == "O":
        array = np.empty(len(values), dtype=np.object_)
        array[:] = [value.encode() if isinstance(value, str) else value for value in values]
        return array.reshape(shape)
    try:
        packed = struct.pack(f"={len(values)}{_CODES[datatype]}", *values)
    except (struct.error, OverflowError):
        raise InvalidInput(f"The input {shown(name)} holds numbers beyond {datatype}{_limits(dtype)}.") from None
    array = np.frombuffer(bytearray(packed), np.float32 if dtype is BF16 else dtype)
    if dtype is BF16:
        array = narrowed(array)
        if np.isinf(widened(array)).any():
            raise InvalidInput(f"The input {shown(name)} holds numbers beyond BF16.")
    return array if len(shape) == 1 else array.reshape(shape)


def narrowed(array: np.ndarray) -> np.ndarray:
    """FP32 as BF16, rounded to the nearest, ties to even; what is beyond BF16 becomes an infinity."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) >> 16
    upper = np.where(np.isnan(array), (bits >> 16) | 0x40, rounded)  # rounding could make an infinity of a NaN
    return upper.astype(np.uint16).reshape(array.shape).view(BF16)


def widened(array: np.ndarray) -> np.ndarray:
    """BF16 as FP32, exactly; an array of another dtype as it is."""
    if array.dtype != BF16:
        return array
    bits = np.ascontiguousarray(array).view(np.uint16).astype(np.uint32) << 16
    return bits.view(np.float32).reshape(array.shape)


def to_lists(array: np.ndarray) -> Any:
    """Nested lists of plain numbers, booleans or texts, ready for JSON; a scalar is no list."""
    if array.dtype != np.object_:
        return widened(array).tolist()
    texts = np.empty(array.shape, dtype=np.object_)
    texts.reshape(-1)[:] = [one.decode(errors="replace") if isinstance(one, bytes) else one for one in array.ravel()]
    return texts.tolist()


class _Wanted:
    """One input; `fixed` picks the dimensions that must have the sizes `sizes` from a shape."""

    __slots__ = ("dimensions", "dtype", "fixed", "name", "sizes")

    def __init__(self, spec: TensorSpec) -> None:
        self.name = spec.name
        self.dtype = NUMPY[spec.dtype]
        self.dimensions = len(spec.shape)
        axes: list[Any] = [axis for axis, size in enumerate(spec.shape) if size >= 0]
        self.fixed = itemgetter(*axes or [slice(0)])
        self.sizes = self.fixed(tuple(spec.shape))


class Inputs:
    """The inputs that a model takes, made ready to be compared with those of each request."""

    def __init__(self, specs: list[TensorSpec]) -> None:
        self._specs = specs
        self._wanted = [_Wanted(spec) for spec in specs]

    def check(self, tensors: Tensors) -> None:
        """Raise InvalidInput unless `tensors` are the inputs: every name, each with its dtype and shape."""
        for wanted in self._wanted:
            array = tensors.get(wanted.name)
            if (
                array is None
                or array.dtype != wanted.dtype
                or array.ndim != wanted.dimensions
                or wanted.fixed(array.shape) != wanted.sizes
            ):
                self._explain(tensors)
        if len(tensors) != len(self._wanted):
            self._explain(tensors)

    def _explain(self, tensors: Tensors) -> None:
        for spec in self._specs:
            array = tensors.get(spec.name)
            if array is None:
                raise InvalidInput(f"The input {spec.name!r} is missing.", f"Inputs: {described(self._specs)}.")
            if array.dtype != NUMPY[spec.dtype] and not (spec.dtype == "BYTES" and array.dtype.kind in "US"):
                raise InvalidInput(f"The input {spec.name!r} is {datatype(array)}; the model takes {spec.dtype}.")
            if len(spec.shape) != array.ndim or any(
                size not in (-1, given) for size, given in zip(spec.shape, array.shape, strict=True)
            ):
                raise InvalidInput(
                    f"The input {spec.name!r} has the shape {list(array.shape)}; the model takes {spec.shape}.",
                    "-1 is a dimension of any size.",
                )
        if unknown := sorted(set(tensors) - {spec.name for spec in self._specs}):
            raise InvalidInput(f"The model has no input {unknown[0]!r}.", f"Inputs: {described(self._specs)}.")


def described(specs: list[TensorSpec]) -> str:
    """`name FP32[-1, 4], …` for messages."""
    return ", ".join(f"{spec.name} {spec.dtype}{spec.shape}" for spec in specs)


def _flattened(data: Any, name: str) -> tuple[list[int], list[Any]]:
    """The lengths of the levels of nested lists, and what is in them."""
    if type(data) is not list:
        return [], [data]
    shape = [len(data)]
    while data and type(data[0]) is list:
        if len(shape) == MAX_DIMENSIONS:
            raise InvalidInput(f"The input {shown(name)} has more than {MAX_DIMENSIONS} dimensions.")
        if set(map(type, data)) != {list} or len(lengths := set(map(len, data))) != 1:
            raise InvalidInput(f"The input {shown(name)} is not a regular array.", "Lists of a level need one length.")
        shape += lengths
        data = list(chain.from_iterable(data))
    return shape, data


def _described(values: list[Any]) -> str:
    kinds = sorted({_KINDS.get(type(value), "lists, objects or null") for value in values})
    return " and ".join(kinds)


def _limits(dtype: np.dtype[Any]) -> str:
    if dtype is BF16:
        return ""
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return f", which is {limits.min} to {limits.max}"
