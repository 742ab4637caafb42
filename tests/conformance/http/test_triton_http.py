"""Every call that `tritonclient.http` offers is answered as its users expect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.utils.shared_memory as shm
from serving_service import Served
from tritonclient.http.auth import BasicAuth
from tritonclient.utils import InferenceServerException, serialize_byte_tensor, triton_to_np_dtype
from waiting import until

VALUES = {"BOOL": [True, False], "BYTES": [b"a", "grün".encode()], "FP16": [0.5, -2], "BF16": [0.5, -2]}
DATATYPES = ["BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"]
BINARY_ONLY = ("FP16", "BF16")  # as the client sends them
DATATYPES += ["FP16", "FP32", "FP64", "BF16", "BYTES"]


@pytest.fixture
def client(served: Served) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"127.0.0.1:{served.port}", concurrency=4) as connected:
        connected.register_plugin(BasicAuth("anybody", served.token))
        yield connected


def tensor(array: np.ndarray, datatype: str, name: str = "x", binary: bool = True) -> triton.InferInput:
    made = triton.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def values(datatype: str, rows: int = 2) -> np.ndarray:
    dtype = ml_dtypes.bfloat16 if datatype == "BF16" else triton_to_np_dtype(datatype)
    return np.array([VALUES.get(datatype, [0, 1])] * rows, dtype=dtype)


def test_health_is_told(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("adder")
    assert client.is_model_ready("adder", "3")
    assert not client.is_model_ready("nothing")
    assert not client.is_model_ready("adder", "9")


def test_metadata_names_what_there_is(client: triton.InferenceServerClient) -> None:
    server = client.get_server_metadata()
    assert server["name"] == "jupyter_modeldeploy"
    assert {"binary_tensor_data", "statistics", "system_shared_memory"} <= set(server["extensions"])
    assert client.get_model_metadata("adder", "2") == {
        "name": "adder",
        "versions": ["1", "2", "3"],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 4]}],
    }


def test_the_configuration_is_that_of_a_batching_model(client: triton.InferenceServerClient) -> None:
    config = client.get_model_config("adder", "1")
    assert config["max_batch_size"] > 1
    assert config["input"] == [{"name": "x", "data_type": "TYPE_FP32", "dims": [4]}]
    assert config["output"] == [{"name": "y", "data_type": "TYPE_FP32", "dims": [4]}]
    scalar = client.get_model_config("scalar")
    assert (scalar["max_batch_size"], scalar["input"][0]["dims"]) == (0, [])
    assert client.get_model_config("bytes")["input"][0]["data_type"] == "TYPE_STRING"


@pytest.mark.parametrize(
    ("datatype", "binary"),
    [(one, binary) for one in DATATYPES for binary in (True, False) if binary or one not in BINARY_ONLY],
)
def test_each_datatype_goes_in_and_comes_out(client: triton.InferenceServerClient, datatype: str, binary: bool) -> None:
    given = values(datatype)
    outputs = [triton.InferRequestedOutput("y", binary_data=binary)]
    result = client.infer(datatype.lower(), [tensor(given, datatype, binary=binary)], outputs=outputs, request_id="7")
    assert result.get_response()["id"] == "7"
    assert result.get_output("y")["datatype"] == datatype
    answer = result.as_numpy("y")
    expected = given if binary or datatype != "BYTES" else np.vectorize(bytes.decode, otypes=[object])(given)
    assert np.array_equal(answer, expected)


def test_a_scalar_and_no_rows_are_tensors_too(client: triton.InferenceServerClient) -> None:
    for binary in (True, False):
        scalar = tensor(np.array(2.5, np.float32), "FP32", binary=binary)
        assert client.infer("scalar", [scalar]).as_numpy("y") == np.float32(2.5)
        empty = tensor(np.zeros((0, 2), np.float32), "FP32", binary=binary)
        assert client.infer("fp32", [empty]).as_numpy("y").shape == (0, 2)


def test_the_model_sees_its_version(client: triton.InferenceServerClient) -> None:
    zeros = tensor(np.zeros((1, 4), np.float32), "FP32")
    for version in "123":
        result = client.infer("adder", [zeros], model_version=version)
        assert result.get_response()["model_version"] == version
        assert result.as_numpy("y")[0, 0] == float(version)


def test_async_requests_come_back(client: triton.InferenceServerClient) -> None:
    zeros = tensor(np.zeros((1, 4), np.float32), "FP32")
    waiting = [client.async_infer("adder", [zeros], model_version="1", request_id=str(n)) for n in range(20)]
    assert [request.get_result().get_response()["id"] for request in waiting] == [str(n) for n in range(20)]


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_requests_and_answers_are_compressed(client: triton.InferenceServerClient, algorithm: str) -> None:
    given = np.arange(40_000, dtype=np.float32).reshape(2, -1)
    for binary in (True, False):
        result = client.infer(
            "wide",
            [tensor(given, "FP32", binary=binary)],
            outputs=[triton.InferRequestedOutput("y", binary_data=binary)],
            request_compression_algorithm=algorithm,
            response_compression_algorithm=algorithm,
        )
        assert np.array_equal(result.as_numpy("y"), given)


def test_a_body_made_apart_is_understood(client: triton.InferenceServerClient, served: Served) -> None:
    body, length = triton.InferenceServerClient.generate_request_body([tensor(values("FP32"), "FP32")])
    headers = {"Inference-Header-Content-Length": str(length)} if length else {}
    response = served.client.post("/v2/models/fp32/infer", content=body, headers=headers)
    header = response.headers.get("inference-header-content-length")
    result = triton.InferenceServerClient.parse_response_body(
        response.content, header_length=int(header) if header else None
    )
    assert np.array_equal(result.as_numpy("y"), values("FP32"))


def test_classes_are_the_highest_values(client: triton.InferenceServerClient) -> None:
    given = np.array([[0.5, 2, 1, -1], [9, 8, 7, 6]], np.float32)
    for binary in (True, False):
        outputs = [triton.InferRequestedOutput("y", binary_data=binary, class_count=2)]
        result = client.infer("wide", [tensor(given, "FP32")], outputs=outputs).as_numpy("y")
        texts = [[one.decode() if isinstance(one, bytes) else one for one in row] for row in result]
        assert texts == [["2.000000:1", "1.000000:2"], ["9.000000:0", "8.000000:1"]]


def test_classes_have_their_labels(client: triton.InferenceServerClient) -> None:
    ids, ones = np.array([[2, 4, 3]]), np.ones((1, 3), np.int64)
    given = {"input_ids": ids, "attention_mask": ones, "token_type_ids": ones}
    inputs = [tensor(array, "INT64", name) for name, array in given.items()]
    outputs = [triton.InferRequestedOutput("logits", class_count=1)]
    assert client.infer("texts", inputs, outputs=outputs).as_numpy("logits").tolist() == [[b"2.000000:1:positive"]]


def test_statistics_count_requests_of_all_processes(client: triton.InferenceServerClient) -> None:
    def counted() -> dict[str, Any]:
        (found,) = client.get_inference_statistics("counted", "1")["model_stats"]
        return dict(found)

    for _ in range(6):
        client.infer("counted", [tensor(values("INT8", rows=3), "INT8")])
    with pytest.raises(InferenceServerException):
        client.infer("counted", [tensor(values("INT16"), "INT16")])
    client.infer("counted", [tensor(values("INT8", rows=3), "INT8")])
    until(lambda: counted()["inference_count"] == 21 and counted()["inference_stats"]["fail"]["count"] == 1)
    found = counted()
    assert found["execution_count"] == 7
    for step in ("success", "queue", "compute_infer"):
        assert found["inference_stats"][step]["count"] == 7, step
    assert found["inference_stats"]["compute_infer"]["ns"] > 0
    assert 3 in [batch["batch_size"] for batch in found["batch_stats"]]
    assert found["last_inference"] > 0
    names = {(one["name"], one["version"]) for one in client.get_inference_statistics()["model_stats"]}
    assert {("adder", "1"), ("adder", "2"), ("adder", "3"), ("counted", "1")} <= names


def test_the_repository_lists_unloads_and_loads(client: triton.InferenceServerClient) -> None:
    def state(model: str) -> set[str]:
        return {one["state"] for one in client.get_model_repository_index() if one["name"] == model}

    zeros = tensor(np.zeros((1, 2), np.uint16), "UINT16")
    assert state("uint16") == {"READY"}
    client.unload_model("uint16")
    try:
        assert state("uint16") == {"UNAVAILABLE"}
        assert not client.is_model_ready("uint16")
        for _ in range(10):  # whichever process is asked
            with pytest.raises(InferenceServerException, match="unloaded"):
                client.infer("uint16", [zeros])
    finally:
        client.load_model("uint16")
    assert state("uint16") == {"READY"}
    assert client.infer("uint16", [zeros]).as_numpy("y").shape == (1, 2)
    with pytest.raises(InferenceServerException, match="config"):
        client.load_model("uint16", config="{}")
    with pytest.raises(InferenceServerException, match="not served"):
        client.load_model("nothing")


def test_tensors_go_through_shared_memory(client: triton.InferenceServerClient) -> None:
    given = np.arange(8, dtype=np.float32).reshape(2, 4)
    put = shm.create_shared_memory_region("put", "/modeldeploy_test_put", given.nbytes)
    got = shm.create_shared_memory_region("got", "/modeldeploy_test_got", 2 * given.nbytes)
    try:
        shm.set_shared_memory_region(put, [given])
        client.register_system_shared_memory("put", "/modeldeploy_test_put", given.nbytes)
        client.register_system_shared_memory("got", "/modeldeploy_test_got", given.nbytes, offset=given.nbytes)
        assert client.get_system_shared_memory_status() == [
            {"name": "got", "key": "/modeldeploy_test_got", "offset": given.nbytes, "byte_size": given.nbytes},
            {"name": "put", "key": "/modeldeploy_test_put", "offset": 0, "byte_size": given.nbytes},
        ]
        x, y = triton.InferInput("x", [2, 4], "FP32"), triton.InferRequestedOutput("y")
        x.set_shared_memory("put", given.nbytes)
        y.set_shared_memory("got", given.nbytes)
        for _ in range(10):  # whichever process is asked
            result = client.infer("adder", [x], outputs=[y], model_version="2")
            assert result.get_output("y")["parameters"]["shared_memory_region"] == "got"
        written = shm.get_contents_as_numpy(got, np.float32, [4, 4])
        assert np.array_equal(written[2:], given + 2)
        assert not written[:2].any()
        client.unregister_system_shared_memory("put")
        for _ in range(10):
            with pytest.raises(InferenceServerException, match="not registered"):
                client.infer("adder", [x], outputs=[y])
        client.unregister_system_shared_memory()
        assert client.get_system_shared_memory_status() == []
    finally:
        client.unregister_system_shared_memory()
        shm.destroy_shared_memory_region(put)
        shm.destroy_shared_memory_region(got)


def test_strings_go_through_shared_memory(client: triton.InferenceServerClient) -> None:
    given = values("BYTES")
    size = sum(4 + len(one) for one in given.ravel())
    region = shm.create_shared_memory_region("both", "/modeldeploy_test_both", 2 * size)
    try:
        shm.set_shared_memory_region(region, [serialize_byte_tensor(given)])
        client.register_system_shared_memory("both", "/modeldeploy_test_both", 2 * size)
        x, y = triton.InferInput("x", [2, 2], "BYTES"), triton.InferRequestedOutput("y")
        x.set_shared_memory("both", size)
        y.set_shared_memory("both", size, offset=size)
        client.infer("bytes", [x], outputs=[y])
        assert shm.get_contents_as_numpy(region, np.object_, [4, 2])[2:].tolist() == given.tolist()
    finally:
        client.unregister_system_shared_memory("both")
        shm.destroy_shared_memory_region(region)


def test_cuda_shared_memory_is_refused_cleanly(client: triton.InferenceServerClient) -> None:
    assert client.get_cuda_shared_memory_status() == []
    with pytest.raises(InferenceServerException, match="not supported") as raised:
        client.register_cuda_shared_memory("region", b"handle", 0, 64)
    assert raised.value.status() == "400"
    client.unregister_cuda_shared_memory()


def test_trace_and_log_settings_can_be_read(client: triton.InferenceServerClient) -> None:
    assert client.get_trace_settings()["trace_level"] == ["OFF"]
    assert client.get_trace_settings("adder") == client.get_trace_settings()
    assert client.get_log_settings()["log_info"] is True
    with pytest.raises(InferenceServerException, match="not traced"):
        client.update_trace_settings("adder", {"trace_level": ["TIMESTAMPS"]})
    with pytest.raises(InferenceServerException, match="cannot change"):
        client.update_log_settings({"log_verbose_level": 1})
