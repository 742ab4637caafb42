"""The bytes of an answer: its head, which is the same for all answers of a version in those shapes, and the tensors."""

from __future__ import annotations

from typing import Any

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.grpc import wire
from jupyter_modeldeploy.serving.grpc.messages import ModelInferResponse, ModelStreamInferResponse
from jupyter_modeldeploy.serving.protocols.raw import to_raw

MAX_HEADS = 1024
_CONTENT = wire.tag(ModelInferResponse, "raw_output_contents")
_IN_STREAM = wire.tag(ModelStreamInferResponse, "infer_response")
_final = ModelInferResponse()
_final.parameters["triton_final_response"].bool_param = True  # each request of ours has one answer
_FINAL: bytes = _final.SerializeToString()
_heads: dict[tuple[Any, ...], bytes] = {}


def plain(version: ServedVersion, identifier: str, tensors: Tensors) -> bytes:
    """A ModelInferResponse that carries the tensors as raw bytes."""
    key = (version.model, version.name, *[(name, one.dtype.char, one.shape) for name, one in tensors.items()])
    parts = [_heads.get(key) or _learned(key, version, tensors)]
    if identifier:
        parts.append(ModelInferResponse(id=identifier).SerializeToString())
    for array in tensors.values():
        raw = to_raw(array)
        parts += (_CONTENT, wire.varint(len(raw)), raw)
    return b"".join(parts)


def in_stream(content: bytes) -> bytes:
    """A ModelStreamInferResponse that holds the ModelInferResponse of that content, as the only one to its request."""
    return b"".join((_IN_STREAM, wire.varint(len(content) + len(_FINAL)), content, _FINAL))


def _learned(key: tuple[Any, ...], version: ServedVersion, tensors: Tensors) -> bytes:
    answer = ModelInferResponse(model_name=version.model, model_version=version.name)
    for name, array in tensors.items():
        answer.outputs.add(name=name, datatype=datatypes.datatype(array), shape=array.shape)
    if len(_heads) >= MAX_HEADS:
        _heads.clear()
    head: bytes = answer.SerializeToString()
    _heads[key] = head
    return head
