"""What gRPC's own tools ask: health and reflection."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_service import GrpcServed

SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture
def channel(served: GrpcServed) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(served.url) as opened:
        yield opened


@pytest.mark.parametrize("name", ["", "inference.GRPCInferenceService", "adder"])
def test_the_service_and_its_models_are_healthy(served: GrpcServed, channel: grpc.Channel, name: str) -> None:
    stub, request = health_pb2_grpc.HealthStub(channel), health_pb2.HealthCheckRequest(service=name)
    assert stub.Check(request, metadata=served.metadata).status == SERVING
    watch = stub.Watch(request, metadata=served.metadata)
    assert next(watch).status == SERVING
    watch.cancel()


def test_the_health_of_what_is_not_there(served: GrpcServed, channel: grpc.Channel) -> None:
    stub, request = health_pb2_grpc.HealthStub(channel), health_pb2.HealthCheckRequest(service="nothing")
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(request, metadata=served.metadata)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    watch = stub.Watch(request, metadata=served.metadata)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()


def test_reflection_tells_the_services_and_their_messages(served: GrpcServed, channel: grpc.Channel) -> None:
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="inference.GRPCInferenceService"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="grpc.health.v1.Health"),
    ]
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    services, *files = stub.ServerReflectionInfo(iter(asked), metadata=served.metadata)
    assert [service.name for service in services.list_services_response.service] == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "inference.GRPCInferenceService",
    ]
    described = [
        FileDescriptorProto.FromString(file.file_descriptor_response.file_descriptor_proto[0]) for file in files
    ]
    assert [file.package for file in described] == ["inference", "grpc.health.v1"]
