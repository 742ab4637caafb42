"""Tensors as raw bytes, as the binary tensor extension, gRPC and shared memory carry them: little-endian, row-major,
and strings each behind their length in four bytes."""

from __future__ import annotations

import struct
import sys
from typing import Any

import numpy as np

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.errors import InvalidInput, shown

_LITTLE = sys.byteorder == "little"
_LENGTH = struct.Struct("<I")


def from_raw(raw: bytes, datatype: Any, size: int, name: str) -> np.ndarray:
    """The flat array of `size` elements in `raw`, read-only and without a copy where it can be.

    Raises InvalidInput, calling the tensor `name`, where the bytes are not so many elements of the datatype."""
    dtype = datatypes.dtype_of(datatype)
    if datatype == "BYTES":
        return _strings(raw, size, name)
    if len(raw) != size * dtype.itemsize:
        raise InvalidInput(f"The input {shown(name)} has {len(raw)} bytes; its shape needs {size * dtype.itemsize}.")
    if _LITTLE:
        return np.frombuffer(raw, dtype)
    return np.frombuffer(raw, dtype=dtype.newbyteorder("<")).astype(dtype, copy=False)


def to_raw(array: np.ndarray) -> bytes:
    """The array's bytes."""
    if array.dtype == np.object_:
        return b"".join(_LENGTH.pack(len(value)) + value for value in array.ravel())
    if _LITTLE:
        return array.tobytes()
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


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
