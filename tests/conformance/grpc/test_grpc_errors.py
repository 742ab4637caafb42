"""A request that is wrong is told what is wrong with it, in gRPC's codes, and the server goes on without a trace."""

from __future__ import annotations

import gzip
import random
import socket
import struct
from contextlib import closing
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from google.protobuf import json_format
from grpc_service import INFER, MAX_BODY, STREAM, GrpcServed, X, bytes_call, tensor
from tritonclient.grpc import service_pb2

from jupyter_modeldeploy.serving import lifecycle

RAW = X.tobytes()
GOOD = {"name": "x", "datatype": "FP32", "shape": [1, 4]}
INVALID = grpc.StatusCode.INVALID_ARGUMENT


def request(raw: list[bytes] | None = None, model: str = "adder", **more: Any) -> bytes:
    described = {"modelName": model, "modelVersion": "3", "inputs": [GOOD], **more}
    message = json_format.ParseDict(described, service_pb2.ModelInferRequest())
    message.raw_input_contents.extend([RAW] if raw is None else raw)
    return message.SerializeToString()


def refusal(served: GrpcServed, raw: bytes, path: str = INFER) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        served.call(raw, path)
    return caught.value


WRONG = {
    "no message": (b"\xff\xff\xff", INVALID, "no ModelInferRequest"),
    "no model": (request(model=""), grpc.StatusCode.NOT_FOUND, "not served here"),
    "unknown model": (request(model="nothing"), grpc.StatusCode.NOT_FOUND, "not served here"),
    "unknown version": (request(modelVersion="9"), grpc.StatusCode.NOT_FOUND, "adder@9"),
    "odd version": (request(modelVersion="../1"), grpc.StatusCode.NOT_FOUND, "adder@../1"),
    "no inputs": (request([], inputs=[]), INVALID, "at least one input"),
    "no contents": (request([]), INVALID, "fp32_contents"),
    "too few raw": (request(inputs=[GOOD, {**GOOD, "name": "z"}]), INVALID, "1 raw_input_contents"),
    "too many raw": (request([RAW, RAW]), INVALID, "2 raw_input_contents"),
    "short raw": (request([RAW[:-1]]), INVALID, "15 bytes"),
    "long raw": (request([RAW * 2]), INVALID, "32 bytes"),
    "unknown datatype": (request(inputs=[{**GOOD, "datatype": "FP8"}]), INVALID, "'FP8'"),
    "no datatype": (request(inputs=[{**GOOD, "datatype": ""}]), INVALID, "datatype"),
    "other datatype": (request(inputs=[{**GOOD, "datatype": "INT32"}]), INVALID, "takes FP32"),
    "negative shape": (request(inputs=[{**GOOD, "shape": [-1, 4]}]), INVALID, "shape"),
    "huge shape": (request(inputs=[{**GOOD, "shape": [2**62, 2**62, 4]}]), INVALID, "16 bytes"),
    "huge empty shape": (request([b""], inputs=[{**GOOD, "shape": [2**62, 2**62, 0]}]), INVALID, "no elements"),
    "many dimensions": (request(inputs=[{**GOOD, "shape": [1] * 33}]), INVALID, "shape"),
    "other shape": (request(inputs=[{**GOOD, "shape": [4, 1]}]), INVALID, "[-1, 4]"),
    "unknown input": (request(inputs=[{**GOOD, "name": "z"}]), INVALID, "'x' is missing"),
    "twice": (request([RAW, RAW], inputs=[GOOD, GOOD]), INVALID, "given twice"),
    "unknown output": (request(outputs=[{"name": "z"}]), INVALID, "no output 'z'"),
    "output twice": (request(outputs=[{"name": "y"}, {"name": "y"}]), INVALID, "asked for twice"),
    "ragged strings": (
        request([b"\x09\0\0\0a"], model="bytes", modelVersion="", inputs=[{**GOOD, "datatype": "BYTES"}]),
        INVALID,
        "4 strings",
    ),
    "numbers beyond": (
        request(
            [],
            model="int8",
            modelVersion="",
            inputs=[{"name": "x", "datatype": "INT8", "shape": [1, 2], "contents": {"intContents": [1, 128]}}],
        ),
        INVALID,
        "beyond INT8",
    ),
    "typed half floats": (
        request([], model="fp16", modelVersion="", inputs=[{"name": "x", "datatype": "FP16", "shape": [1, 2]}]),
        INVALID,
        "raw_input_contents",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_told_what_is_wrong(served: GrpcServed, case: str) -> None:
    raw, code, text = WRONG[case]
    error = refusal(served, raw)
    assert error.code() == code
    assert text in error.details()
    assert "unexpected" not in error.details().lower()


@pytest.mark.parametrize("method", ["ServerLive", "ModelMetadata", "ModelInfer"])
def test_bytes_that_are_no_message(served: GrpcServed, method: str) -> None:
    error = refusal(served, b"\xff\xff", f"/inference.GRPCInferenceService/{method}")
    assert (error.code(), "are no Model" in error.details() or "are no Server" in error.details()) == (INVALID, True)


def test_a_message_over_the_limit_is_refused(served: GrpcServed) -> None:
    assert refusal(served, bytes(MAX_BODY + 1)).code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_message_that_grows_over_the_limit_is_refused(served: GrpcServed) -> None:
    """What a client sends compressed has the same limit once it is whole."""
    with (
        grpc.insecure_channel(served.url, compression=grpc.Compression.Gzip) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        bytes_call(channel)(bytes(100 * MAX_BODY), metadata=served.metadata, timeout=120)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_full_queue_says_when_to_try_again(start: Any) -> None:
    own = start(max_queue=1)
    with grpc.insecure_channel(own.url) as channel:
        slow = tensor(np.full((1, 1), 300, np.float32))
        raw = triton._client._get_inference_request(
            model_name="slow",
            inputs=[slow],
            model_version="",
            outputs=None,
            request_id="",
            sequence_id=0,
            sequence_start=False,
            sequence_end=False,
            priority=0,
            timeout=None,
            parameters=None,
        ).SerializeToString()
        calls = [bytes_call(channel).future(raw, metadata=own.metadata, timeout=120) for _ in range(8)]
        errors = [error for call in calls if (error := call.exception()) is not None]
    assert errors
    for error in errors:
        assert error.code() == grpc.StatusCode.UNAVAILABLE
        trailers = dict(error.trailing_metadata())
        assert trailers["error-code"] == "overloaded"
        assert int(trailers["retry-after"]) * 1000 == int(trailers["grpc-retry-pushback-ms"])


def test_garbage_leaves_no_trace(served: GrpcServed) -> None:
    """Damaged messages, damaged frames and whatever else opens a connection: the next client is answered."""
    chance = random.Random(0)
    good = request()
    with grpc.insecure_channel(served.url) as channel:
        unary = bytes_call(channel)
        stream = channel.stream_stream(STREAM, None, None)
        damaged = []
        for _ in range(500):
            made = bytearray(good)
            for _ in range(chance.choice([1, 4, 20])):
                made[chance.randrange(len(made))] = chance.randrange(256)
            damaged.append(bytes(made[: chance.choice([len(made), chance.randrange(len(made))])]))
        for raw in damaged:
            error = unary.future(raw, metadata=served.metadata, timeout=120).exception()
            assert error is None or error.code() in (INVALID, grpc.StatusCode.NOT_FOUND), error
        assert len(list(stream(iter(damaged), metadata=served.metadata, timeout=120))) == len(damaged)
    host, port = served.url.split(":")
    for _ in range(100):
        with closing(socket.create_connection((host, int(port)))) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" * chance.choice([0, 1]))
            connection.sendall(struct.pack(">I", chance.randrange(2**14))[1:] + chance.randbytes(chance.randrange(200)))
            connection.sendall(gzip.compress(good))
    with served.client() as client:
        np.testing.assert_array_equal(client.infer("adder", [tensor(X)], "3").as_numpy("y"), X + 3)
    log = lifecycle.log_tail(served.store, "calls", 10_000)
    assert "Traceback" not in log
    assert "Unexpected" not in log
