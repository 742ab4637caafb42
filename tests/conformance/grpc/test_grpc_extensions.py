"""Triton's extensions over gRPC, called by its client, tell and do what they do over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import httpx
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.utils.shared_memory as shared_memory
from grpc_service import Authorized, GrpcServed, X, tensor
from tritonclient.utils import InferenceServerException


def test_model_configuration(client: triton.InferenceServerClient) -> None:
    config = client.get_model_config("adder").config
    assert (config.name, config.platform, config.backend) == ("adder", "onnx_onnxv1", "jupyter_modeldeploy")
    assert config.max_batch_size > 0
    assert config.HasField("dynamic_batching")
    assert [(one.name, one.data_type, list(one.dims)) for one in config.input] == [("x", 11, [4])]
    assert [(one.name, one.data_type, list(one.dims)) for one in config.output] == [("y", 11, [4])]


def test_statistics_count_what_was_answered(client: triton.InferenceServerClient) -> None:
    def counted() -> tuple[int, int]:
        (stats,) = client.get_inference_statistics("adder", "3").model_stats
        assert (stats.name, stats.version) == ("adder", "3")
        return stats.inference_count, stats.inference_stats.success.count

    inferences, successes = counted()
    client.infer("adder", [tensor(np.concatenate([X, X]))], "3")
    assert counted() == (inferences + 2, successes + 1)
    names = {one.name for one in client.get_inference_statistics().model_stats}
    assert {"adder", "slow", "bytes"} <= names
    with pytest.raises(InferenceServerException, match="not served here"):
        client.get_inference_statistics("nothing")


def test_repository(start: Callable[..., GrpcServed]) -> None:
    own = start()
    with own.client() as client:
        states = {model.name: model.state for model in client.get_model_repository_index().models}
        assert states == {"adder": "READY", "slow": "READY"}
        client.unload_model("adder")
        assert not client.is_model_ready("adder")
        assert client.is_model_ready("slow")
        with pytest.raises(InferenceServerException, match="unloaded") as caught:
            client.infer("adder", [tensor(X)])
        assert caught.value.status() == "StatusCode.UNAVAILABLE"
        client.load_model("adder")
        np.testing.assert_array_equal(client.infer("adder", [tensor(X)]).as_numpy("y"), X + 1)
        with pytest.raises(InferenceServerException, match="'config' cannot be given"):
            client.load_model("adder", config="{}")
        with pytest.raises(InferenceServerException, match="not served here"):
            client.load_model("nothing")


def test_system_shared_memory(client: triton.InferenceServerClient) -> None:
    key, name = f"/grpc-{uuid.uuid4().hex}", f"region-{uuid.uuid4().hex}"
    handle = shared_memory.create_shared_memory_region(name, key, 2 * X.nbytes)
    try:
        shared_memory.set_shared_memory_region(handle, [X])
        client.register_system_shared_memory(name, key, 2 * X.nbytes)
        status = client.get_system_shared_memory_status(name).regions[name]
        assert (status.name, status.key, status.offset, status.byte_size) == (name, key, 0, 2 * X.nbytes)
        given = triton.InferInput("x", [1, 4], "FP32")
        given.set_shared_memory(name, X.nbytes)
        wanted = triton.InferRequestedOutput("y")
        wanted.set_shared_memory(name, X.nbytes, X.nbytes)
        answer = client.infer("adder", [given], "3", [wanted])
        output = answer.get_output("y")
        assert output.parameters["shared_memory_region"].string_param == name
        np.testing.assert_array_equal(shared_memory.get_contents_as_numpy(handle, np.float32, [1, 4], X.nbytes), X + 3)
        given.set_shared_memory(name, 3 * X.nbytes)
        with pytest.raises(InferenceServerException, match="not within the region"):
            client.infer("adder", [given], "3")
        client.unregister_system_shared_memory(name)
        assert name not in client.get_system_shared_memory_status().regions
    finally:
        shared_memory.destroy_shared_memory_region(handle)


def test_cuda_shared_memory_is_refused_clearly(client: triton.InferenceServerClient) -> None:
    assert not client.get_cuda_shared_memory_status().regions
    with pytest.raises(InferenceServerException, match="CUDA shared memory is not supported"):
        client.register_cuda_shared_memory("region", b"aGFuZGxl", 0, 64)
    client.unregister_cuda_shared_memory("region")


def test_classification(client: triton.InferenceServerClient) -> None:
    wanted = [triton.InferRequestedOutput("y", class_count=2)]
    classes = client.infer("adder", [tensor(X)], "3", wanted).as_numpy("y")
    assert classes.tolist() == [[b"7.000000:3", b"6.000000:2"]]


def test_settings_are_read_and_not_changed(client: triton.InferenceServerClient) -> None:
    assert list(client.get_trace_settings("adder").settings["trace_level"].value) == ["OFF"]
    assert client.get_log_settings().settings["log_info"].bool_param
    with pytest.raises(InferenceServerException, match="not traced"):
        client.update_trace_settings(settings={"trace_level": ["TIMESTAMPS"]})
    with pytest.raises(InferenceServerException, match="cannot change the log"):
        client.update_log_settings({"log_verbose_level": 1})


def test_another_callers_token_does_not_unload_models(served: GrpcServed) -> None:
    token = served.store.tokens("calls").create("reader").token
    with triton.InferenceServerClient(served.url) as client:
        client.register_plugin(Authorized(token))
        np.testing.assert_array_equal(client.infer("adder", [tensor(X)], "3").as_numpy("y"), X + 3)
        with pytest.raises(InferenceServerException, match="may not unload models") as caught:
            client.unload_model("adder")
    assert caught.value.status() == "StatusCode.PERMISSION_DENIED"


def test_both_doors_tell_the_same(served: GrpcServed, client: triton.InferenceServerClient) -> None:
    with httpx.Client(base_url=str(served.service.url), headers=dict(served.metadata), timeout=120) as http:
        over_http = http.get("/v2").json()
    over_grpc = client.get_server_metadata(as_json=True)
    assert over_grpc == over_http
