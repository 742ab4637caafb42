"""Every call that tritonclient offers for inference over gRPC gives what the protocol says."""

from __future__ import annotations

import queue
from collections import Counter
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from google.protobuf import json_format
from grpc_service import MAX_BODY, GrpcServed, X, tensor
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException


def test_health_and_metadata(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("adder")
    assert client.is_model_ready("adder", "3")
    assert not client.is_model_ready("adder", "4")
    assert not client.is_model_ready("nothing")
    assert client.get_server_metadata().name == "jupyter_modeldeploy"
    metadata = client.get_model_metadata("adder", as_json=True)
    assert (metadata["name"], metadata["versions"], metadata["platform"]) == ("adder", ["1", "2", "3"], "onnx_onnxv1")
    assert metadata["inputs"] == [{"name": "x", "datatype": "FP32", "shape": ["-1", "4"]}]
    with pytest.raises(InferenceServerException, match="not served here") as caught:
        client.get_model_metadata("nothing")
    assert caught.value.status() == "StatusCode.NOT_FOUND"


@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_infer(client: triton.InferenceServerClient, compression: str | None) -> None:
    wanted = [triton.InferRequestedOutput("y")]
    answer = client.infer("adder", [tensor(X)], "3", wanted, request_id="seven", compression_algorithm=compression)
    np.testing.assert_array_equal(answer.as_numpy("y"), X + 3)
    response = answer.get_response()
    assert (response.id, response.model_name, response.model_version) == ("seven", "adder", "3")
    assert [output.datatype for output in response.outputs] == ["FP32"]
    assert not response.outputs[0].HasField("contents")


def test_a_unit_always_gets_the_same_version(client: triton.InferenceServerClient) -> None:
    def versions(headers: dict[str, str] | None) -> Counter[str]:
        answers = [client.infer("adder", [tensor(X)], headers=headers) for _ in range(60)]
        return Counter(answer.get_response().model_version for answer in answers)

    assert set(versions(None)) == {"1", "2"}
    for unit in ("ann", "bob", "cyd"):
        assert len(versions({"x-unit-id": unit})) == 1


@pytest.mark.parametrize(
    ("model", "array"),
    [
        ("bool", np.array([[True, False]])),
        ("int8", np.array([[-128, 127]], np.int8)),
        ("int32", np.array([[-(2**31), 1]], np.int32)),
        ("int64", np.array([[-(2**63), 2**63 - 1]], np.int64)),
        ("uint8", np.array([[0, 255]], np.uint8)),
        ("uint64", np.array([[0, 2**64 - 1]], np.uint64)),
        ("fp16", np.array([[0.5, -2]], np.float16)),
        ("fp32", np.array([[0.5, -2]], np.float32)),
        ("fp64", np.array([[0.1, -2]], np.float64)),
        ("bytes", np.array([[b"", "größe".encode()]], np.object_)),
        ("fp32", np.empty((0, 2), np.float32)),
        ("bytes", np.empty((0, 2), np.object_)),
        ("scalar", np.array(1.5, np.float32)),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.shape),
)
def test_every_datatype_comes_back_as_it_was(
    client: triton.InferenceServerClient, model: str, array: np.ndarray
) -> None:
    datatype = "BYTES" if model == "bytes" else None
    got = client.infer(model, [tensor(array, datatype=datatype)]).as_numpy("y")
    assert (got.shape, got.dtype) == (array.shape, array.dtype)
    np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize(
    ("model", "datatype", "contents", "expected"),
    [
        ("bool", "BOOL", {"boolContents": [True, False]}, np.array([[True, False]])),
        ("int8", "INT8", {"intContents": [-128, 127]}, np.array([[-128, 127]], np.int8)),
        ("int64", "INT64", {"int64Contents": [5, -6]}, np.array([[5, -6]])),
        ("uint8", "UINT8", {"uintContents": [0, 255]}, np.array([[0, 255]], np.uint8)),
        ("uint64", "UINT64", {"uint64Contents": [0, 2**64 - 1]}, np.array([[0, 2**64 - 1]], np.uint64)),
        ("fp32", "FP32", {"fp32Contents": [0.5, 2]}, np.array([[0.5, 2]], np.float32)),
        ("fp64", "FP64", {"fp64Contents": [0.1, 2]}, np.array([[0.1, 2]])),
        ("bytes", "BYTES", {"bytesContents": ["", "YQ=="]}, np.array([[b"", b"a"]], np.object_)),
    ],
)
def test_typed_contents_are_taken(
    served: GrpcServed, model: str, datatype: str, contents: Any, expected: np.ndarray
) -> None:
    described = {"name": "x", "datatype": datatype, "shape": [1, 2], "contents": contents}
    request = json_format.ParseDict({"modelName": model, "inputs": [described]}, service_pb2.ModelInferRequest())
    answer = service_pb2.ModelInferResponse.FromString(served.call(request.SerializeToString()))
    np.testing.assert_array_equal(triton.InferResult(answer).as_numpy("y"), expected)


def test_async_infer(client: triton.InferenceServerClient) -> None:
    results: queue.Queue[Any] = queue.Queue()
    for _ in range(50):
        client.async_infer("adder", [tensor(X)], lambda result, error: results.put((result, error)), model_version="2")
    for _ in range(50):
        result, error = results.get(timeout=120)
        assert error is None
        np.testing.assert_array_equal(result.as_numpy("y"), X + 2)


async def test_the_asyncio_client(served: GrpcServed) -> None:
    async with triton_aio.InferenceServerClient(served.url) as client:
        headers = dict(served.metadata)
        answer = await client.infer("adder", [tensor(X)], "1", headers=headers)
        np.testing.assert_array_equal(answer.as_numpy("y"), X + 1)


@pytest.mark.parametrize("empty_final", [False, True])
def test_a_stream_answers_in_order_and_outlives_a_failed_request(
    client: triton.InferenceServerClient, empty_final: bool
) -> None:
    results: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: results.put((result, error)))
    for index in range(100):
        slow_first = tensor(np.full((1, 1), 5 if index == 0 else 0, np.float32))
        if index % 10 == 5:
            client.async_stream_infer("nothing", [tensor(X)], request_id=str(index))
        elif index % 2:
            client.async_stream_infer("adder", [tensor(X)], "3", request_id=str(index))
        else:
            client.async_stream_infer(
                "slow", [slow_first], request_id=str(index), enable_empty_final_response=empty_final
            )
    for index in range(100):
        result, error = results.get(timeout=120)
        if index % 10 == 5:
            assert "not served here" in str(error)
            continue
        response = result.get_response()
        assert (error, response.id) == (None, str(index))
        assert response.parameters["triton_final_response"].bool_param
    client.stop_stream()
    assert results.empty()


def test_a_stream_of_large_requests_is_read_as_it_is_answered(client: triton.InferenceServerClient) -> None:
    """Together they are larger than what may be under way at once."""
    results: queue.Queue[Any] = queue.Queue()
    large = np.zeros((MAX_BODY // 6, 1), np.float32)
    client.start_stream(lambda result, error: results.put((result, error)))
    for index in range(20):
        client.async_stream_infer("slow", [tensor(large)], request_id=str(index))
    for index in range(20):
        result, error = results.get(timeout=120)
        assert (error, result.get_response().id) == (None, str(index))
    client.stop_stream()
