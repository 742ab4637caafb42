"""Answers as bytes, and what names them: the version's content and the exact input."""

from __future__ import annotations

import hashlib
import math
from typing import Any, Literal

import numpy as np
import orjson

from jupyter_modeldeploy.datatypes import NUMPY, Tensors, datatype
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.serving.execution.served import ServedVersion

KEY_BYTES = 20
_LENGTH_BYTES = 4

Kind = Literal["tensors", "items"]


def key_of(version: ServedVersion, kind: Kind, payload: Any) -> bytes | None:
    """The name of the answer to this input, the same in whichever encoding it came; None where the input holds
    something whose content cannot be told."""
    digest = hashlib.blake2b(version.content.encode(), digest_size=KEY_BYTES, person=kind.encode())
    try:
        _feed(digest, payload)
    except TypeError:
        return None
    return digest.digest()


def packed(kind: Kind, result: Any) -> bytes | None:
    """What `unpacked` makes the result of again; None for one that cannot be kept."""
    try:
        return b"j" + orjson.dumps(result) if kind == "items" else b"t" + _packed_tensors(result)
    except (InvalidInput, TypeError):
        return None


def unpacked(content: bytes) -> Any:
    """The result that was packed: tensors that cannot be written to, or items."""
    if content[:1] == b"j":
        return orjson.loads(content[1:])
    return _unpacked_tensors(memoryview(content)[1:])


def _feed(digest: Any, value: Any) -> None:
    """Each value with its type and length, so that no two inputs make the same bytes."""
    if isinstance(value, np.ndarray):
        digest.update(f"a{value.dtype.str}{value.shape}".encode())
        if value.dtype.kind == "O":
            _feed(digest, value.ravel().tolist())
        else:
            digest.update(np.ascontiguousarray(value).data)
    elif isinstance(value, (str, bytes)):
        content = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        digest.update(f"{type(value).__name__[0]}{len(content)}:".encode())
        digest.update(content)
    elif isinstance(value, dict):
        digest.update(f"d{len(value)}".encode())
        for name in sorted(value):
            _feed(digest, name)
            _feed(digest, value[name])
    elif isinstance(value, (list, tuple)):
        digest.update(f"l{len(value)}".encode())
        for item in value:
            _feed(digest, item)
    elif value is None or isinstance(value, (bool, int, float)):
        digest.update(f"n{value!r};".encode())
    else:
        raise TypeError(type(value))


def _packed_tensors(tensors: Tensors) -> bytes:
    described, contents = [], []
    for name, array in tensors.items():
        if array.dtype.kind == "O":
            values = [value.encode() if isinstance(value, str) else value for value in array.ravel()]
            content = b"".join(len(value).to_bytes(_LENGTH_BYTES, "little") + value for value in values)
        else:
            content = array.tobytes()
        described.append([name, datatype(array), array.shape, len(content)])
        contents.append(content)
    head = orjson.dumps(described)
    return b"".join([len(head).to_bytes(_LENGTH_BYTES, "little"), head, *contents])


def _unpacked_tensors(content: memoryview) -> Tensors:
    at = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    tensors: Tensors = {}
    for name, kind, shape, length in orjson.loads(content[_LENGTH_BYTES:at]):
        raw = content[at : at + length]
        array = _strings(raw, math.prod(shape)) if kind == "BYTES" else np.frombuffer(raw, NUMPY[kind])
        tensors[name] = array.reshape(shape)
        at += length
    return tensors


def _strings(raw: memoryview, size: int) -> np.ndarray:
    array, at = np.empty(size, np.object_), 0
    for index in range(size):
        length = int.from_bytes(raw[at : at + _LENGTH_BYTES], "little")
        array[index] = bytes(raw[at + _LENGTH_BYTES : at + _LENGTH_BYTES + length])
        at += _LENGTH_BYTES + length
    return array
