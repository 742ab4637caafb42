"""What tests of the gRPC door share: a service's address and token, and how its clients are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import tritonclient.grpc as triton
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from tritonclient.utils import np_to_triton_dtype

from jupyter_modeldeploy.records import Service
from jupyter_modeldeploy.serving.grpc.messages import SERVICE
from jupyter_modeldeploy.store import Store

MAX_BODY = 2**20
INFER = "/inference.GRPCInferenceService/ModelInfer"
STREAM = "/inference.GRPCInferenceService/ModelStreamInfer"
METHODS = [
    f"/{service.full_name}/{method.name}"
    for service in (
        SERVICE,
        health_pb2.DESCRIPTOR.services_by_name["Health"],
        reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"],
    )
    for method in service.methods
]


class Authorized(triton.InferenceServerClientPlugin):
    """Sends the service's token with each call."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> None:
        request.headers.setdefault("authorization", f"Bearer {self._token}")


@dataclass
class GrpcServed:
    """A running service with a gRPC port."""

    store: Store
    service: Service
    token: str

    @property
    def url(self) -> str:
        return str(self.service.grpc_url)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),)

    def client(self, **more: Any) -> triton.InferenceServerClient:
        connected = triton.InferenceServerClient(self.url, **more)
        connected.register_plugin(Authorized(self.token))
        return connected

    def call(self, raw: bytes, path: str = INFER, timeout: float | None = 20, **more: Any) -> bytes:
        """What a call answers, bytes for bytes."""
        with grpc.insecure_channel(self.url) as channel:
            answer: bytes = bytes_call(channel, path)(raw, metadata=self.metadata, timeout=timeout, **more)
            return answer


def bytes_call(channel: grpc.Channel, path: str = INFER) -> Callable[..., Any]:
    return channel.unary_unary(path, request_serializer=None, response_deserializer=None)


def tensor(array: np.ndarray, name: str = "x", datatype: str | None = None) -> triton.InferInput:
    made = triton.InferInput(name, list(array.shape), datatype or np_to_triton_dtype(array.dtype))
    made.set_data_from_numpy(array)
    return made


X = np.array([[1, 2, 3, 4]], np.float32)
