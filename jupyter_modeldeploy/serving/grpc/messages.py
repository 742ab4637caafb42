"""The messages of `inference.proto`, made from its compiled form, so that any protobuf runtime will do.

They are in a pool of their own: another package in this process may know messages of the same names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet

POOL = descriptor_pool.DescriptorPool()
for _file in FileDescriptorSet.FromString(Path(__file__).with_name("inference.binpb").read_bytes()).file:
    POOL.Add(_file)

SERVICE = POOL.FindServiceByName("inference.GRPCInferenceService")


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"inference.{name}"))


ModelInferRequest = _message("ModelInferRequest")
ModelInferResponse = _message("ModelInferResponse")
ModelStreamInferResponse = _message("ModelStreamInferResponse")


def of_method(name: str) -> tuple[Any, Any]:
    """The classes of the method's request and answer."""
    method = SERVICE.methods_by_name[name]
    return message_factory.GetMessageClass(method.input_type), message_factory.GetMessageClass(method.output_type)


def value_of(parameter: Any) -> Any:
    """What a message with the choice `parameter_choice` holds; None where nothing is chosen."""
    chosen = parameter.WhichOneof("parameter_choice")
    return None if chosen is None else getattr(parameter, chosen)
