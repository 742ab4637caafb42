"""A real service with a gRPC port, started as a user starts one, and tritonclient's connection to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny_onnx
import tritonclient.grpc as triton
from grpc_service import MAX_BODY, GrpcServed
from onnx import TensorProto
from serving_service import add, spec

from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

ECHOES = {
    "bool": (TensorProto.BOOL, ["batch", 2]),
    "int8": (TensorProto.INT8, ["batch", 2]),
    "int32": (TensorProto.INT32, ["batch", 2]),
    "int64": (TensorProto.INT64, ["batch", 2]),
    "uint8": (TensorProto.UINT8, ["batch", 2]),
    "uint64": (TensorProto.UINT64, ["batch", 2]),
    "fp16": (TensorProto.FLOAT16, ["batch", 2]),
    "fp32": (TensorProto.FLOAT, ["batch", 2]),
    "fp64": (TensorProto.DOUBLE, ["batch", 2]),
    "bytes": (TensorProto.STRING, ["batch", 2]),
    "scalar": (TensorProto.FLOAT, []),
}


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GrpcServed]:
    """`adder` (versions that add 1 and 2, half of the traffic each, 3 without traffic), `slow`, and an echo of each
    datatype by its name; a small limit to a request's size."""
    folder = tmp_path_factory.mktemp("grpc")
    store = Store(Settings(folder / "root"))
    for number in (1, 2, 3):
        add(store, "adder", tiny_onnx.add_one(folder / f"adder{number}", number))
    add(store, "slow", tiny_onnx.slow(folder / "slow"))
    for name, (dtype, shape) in ECHOES.items():
        add(store, name, tiny_onnx.echo(folder / name, dtype, shape))
    models = [("adder", [0.5, 0.5, 0.0]), ("slow", [1]), *((name, [1]) for name in ECHOES)]
    wanted = spec("calls", *models, grpc_port=0, instances=1, max_body_bytes=MAX_BODY)
    service = lifecycle.start(store, wanted, "tester")
    yield GrpcServed(store, service, str(store.service_token("calls")))
    lifecycle.stop(store, "calls")
    store.close()


@pytest.fixture
def client(served: GrpcServed) -> Iterator[triton.InferenceServerClient]:
    with served.client() as connected:
        yield connected


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., GrpcServed]]:
    """Starts a service of `adder` and `slow` as the test wants it, and stops it in the end."""
    store = Store(Settings(tmp_path / "root"))
    add(store, "adder", tiny_onnx.add_one(tmp_path / "adder"))
    add(store, "slow", tiny_onnx.slow(tmp_path / "slow"))

    def started(**more: object) -> GrpcServed:
        wanted = spec("own", ("adder", [1]), ("slow", [1]), **{"grpc_port": 0, "instances": 1, **more})
        service = lifecycle.start(store, wanted, "tester")
        return GrpcServed(store, service, store.service_token("own") or "")

    yield started
    lifecycle.stop(store, "own")
    store.close()
