"""Our messages are the protocol's: every field has tritonclient's name, number and type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from tritonclient.grpc import model_config_pb2, service_pb2

from jupyter_modeldeploy.serving.grpc import messages

CHOSEN = {  # of which we send a part
    "ModelConfig",
    "ModelInput",
    "ModelOutput",
    "ModelInstanceGroup",
    "ModelDynamicBatching",
}


def described(file: FileDescriptorProto) -> dict[str, dict[str, Any]]:
    """What each message, enumeration and service holds, by its name."""
    found: dict[str, dict[str, Any]] = {}

    def visit(prefix: str, message: Any) -> None:
        oneofs = [one.name for one in message.oneof_decl]
        found[prefix + message.name] = {
            field.name: (
                field.number,
                field.type,
                field.label,
                field.type_name,
                oneofs[field.oneof_index] if field.HasField("oneof_index") else None,
            )
            for field in message.field
        }
        for enum in message.enum_type:
            found[f"{prefix}{message.name}.{enum.name}"] = {value.name: value.number for value in enum.value}
        for nested in message.nested_type:
            visit(f"{prefix}{message.name}.", nested)

    for message in file.message_type:
        visit("", message)
    for enum in file.enum_type:
        found[enum.name] = {value.name: value.number for value in enum.value}
    for service in file.service:
        found[service.name] = {
            method.name: (method.input_type, method.output_type, method.client_streaming, method.server_streaming)
            for method in service.method
        }
    return found


def theirs(module: Any) -> dict[str, dict[str, Any]]:
    file = FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(file)
    return described(file)


BINARY = Path(messages.__file__).with_name("inference.binpb")
OURS = described(FileDescriptorSet.FromString(BINARY.read_bytes()).file[0])
THEIRS = {**theirs(model_config_pb2), **theirs(service_pb2)}


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_field_is_the_protocols(name: str) -> None:
    assert OURS[name].items() <= THEIRS[name].items()
    if name not in CHOSEN:
        assert OURS[name] == THEIRS[name]


def test_every_message_of_the_service_is_there() -> None:
    assert set(theirs(service_pb2)) <= set(OURS)
