"""A real service, started as a user starts one, for clients of other projects to talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tiny_onnx
from onnx import TensorProto
from serving_service import Served, add, client, spec

from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

ECHOES = {
    "bool": (TensorProto.BOOL, ["batch", 2]),
    "int8": (TensorProto.INT8, ["batch", 2]),
    "int16": (TensorProto.INT16, ["batch", 2]),
    "int32": (TensorProto.INT32, ["batch", 2]),
    "int64": (TensorProto.INT64, ["batch", 2]),
    "uint8": (TensorProto.UINT8, ["batch", 2]),
    "uint16": (TensorProto.UINT16, ["batch", 2]),
    "uint32": (TensorProto.UINT32, ["batch", 2]),
    "uint64": (TensorProto.UINT64, ["batch", 2]),
    "fp16": (TensorProto.FLOAT16, ["batch", 2]),
    "fp32": (TensorProto.FLOAT, ["batch", 2]),
    "fp64": (TensorProto.DOUBLE, ["batch", 2]),
    "bf16": (TensorProto.BFLOAT16, ["batch", 2]),
    "bytes": (TensorProto.STRING, ["batch", 2]),
    "wide": (TensorProto.FLOAT, ["batch", "width"]),
    "scalar": (TensorProto.FLOAT, []),
    "counted": (TensorProto.INT8, ["batch", 2]),
}


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`adder` (versions that add 1 and 2, half of the traffic each, 3 without traffic), `texts`, an echo of each
    datatype by its name, and `counted`, which echoes int8 for the one test that counts; two server processes."""
    folder = tmp_path_factory.mktemp("http")
    store = Store(Settings(folder / "root"))
    for number in (1, 2, 3):
        add(store, "adder", tiny_onnx.add_one(folder / f"adder{number}", number))
    add(store, "texts", tiny_onnx.classifier(folder / "texts"), "text-classification")
    for name, (dtype, shape) in ECHOES.items():
        add(store, name, tiny_onnx.echo(folder / name, dtype, shape))
    models = [("adder", [0.5, 0.5, 0.0]), ("texts", [1]), *((name, [1]) for name in ECHOES)]
    service = lifecycle.start(store, spec("calls", *models, replicas=2, instances=1), "tester")
    with client(store, service) as connected:
        yield Served(store, service, str(store.service_token("calls")), connected)
    lifecycle.stop(store, "calls")
    store.close()
