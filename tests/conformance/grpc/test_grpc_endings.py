"""Calls that end early: by their deadline, by the client, or with the server process."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator

import grpc
import httpx
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_service import STREAM, GrpcServed, bytes_call
from tritonclient.grpc import service_pb2
from waiting import until

from jupyter_modeldeploy.serving import lifecycle


def turns(thousands: float) -> bytes:
    """A request to the slow model."""
    message = service_pb2.ModelInferRequest(model_name="slow")
    message.inputs.add(name="x", datatype="FP32", shape=[1, 1])
    message.raw_input_contents.append(np.float32(thousands).tobytes())
    return message.SerializeToString()


def queue_depth(served: GrpcServed) -> float:
    text = httpx.get(f"{served.service.url}/metrics", headers=dict(served.metadata), timeout=120).text
    return sum(float(value) for value in re.findall(r"^modeldeploy_queue_depth\S* (\S+)$", text, re.M))


def cancelled_in_time(own: GrpcServed, streamed: bool, thousands: float) -> bool:
    """Whether calls that are cancelled leave the queue while what they wait for goes on, which takes so many turns."""
    with grpc.insecure_channel(own.url) as channel:
        busy = [bytes_call(channel).future(turns(thousands), metadata=own.metadata) for _ in range(2)]
        until(lambda: queue_depth(own) == 1 or busy[0].done())
        if streamed:
            calls = [channel.stream_stream(STREAM, None, None)(iter([turns(1)] * 5), metadata=own.metadata)]
        else:
            calls = [bytes_call(channel).future(turns(1), metadata=own.metadata) for _ in range(5)]
        until(lambda: queue_depth(own) == 6 or busy[0].done())
        for call in calls:
            call.cancel()
        until(lambda: queue_depth(own) == 1 or busy[0].done())
        return not busy[0].done()


def test_a_call_ends_with_its_deadline(served: GrpcServed) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        served.call(turns(3000), timeout=0.2)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_what_takes_longer_than_the_service_allows(start: Callable[..., GrpcServed]) -> None:
    own = start(timeout_s=0.2)
    with pytest.raises(grpc.RpcError) as caught:
        own.call(turns(3000))
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert dict(caught.value.trailing_metadata())["error-code"] == "timed_out"


@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_cancelled_leaves_the_queue(start: Callable[..., GrpcServed], streamed: bool) -> None:
    own = start(timeout_s=120)
    assert any(cancelled_in_time(own, streamed, thousands) for thousands in (1000, 4000, 16_000))


def test_a_stopping_service_answers_what_is_under_way_and_ends_its_streams(
    start: Callable[..., GrpcServed], endless: Callable[[list[bytes]], Iterator[bytes]]
) -> None:
    own = start()
    with grpc.insecure_channel(own.url) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), metadata=own.metadata)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        idle = channel.stream_stream(STREAM, None, None)(endless([turns(0)]), metadata=own.metadata)
        assert b"slow" in next(idle)
        asked = channel.stream_stream(STREAM, None, None)(endless([turns(500)] * 2), metadata=own.metadata)
        call = bytes_call(channel).future(turns(500), metadata=own.metadata)
        until(lambda: queue_depth(own) == 2 or call.done())  # a slow machine comes too late
        lifecycle.stop(own.store, "own", wait_s=120)
        assert b"slow" in call.result(timeout=120)
        answers = [service_pb2.ModelStreamInferResponse.FromString(next(asked)) for _ in range(2)]
        assert [answer.error_message for answer in answers] == ["", ""]
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        for stream in (watch, idle, asked):
            with pytest.raises(grpc.RpcError) as caught:
                next(stream)
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_a_client_that_goes_while_it_is_answered_leaves_no_trace(
    start: Callable[..., GrpcServed], endless: Callable[[list[bytes]], Iterator[bytes]]
) -> None:
    own = start()
    for _ in range(30):
        with grpc.insecure_channel(own.url) as channel:
            stream = channel.stream_stream(STREAM, None, None)(endless([turns(0)] * 50), metadata=own.metadata)
            assert b"slow" in next(stream)
            stream.cancel()
    lifecycle.stop(own.store, "own")
    log = lifecycle.log_tail(own.store, "own", 10_000)
    assert "Traceback" not in log
    assert "never retrieved" not in log


@pytest.fixture
def endless() -> Iterator[Callable[[list[bytes]], Iterator[bytes]]]:
    """The requests, and then nothing while the test runs: the thread that asks for the next one ends with the test."""
    over = threading.Event()

    def requests_without_end(requests: list[bytes]) -> Iterator[bytes]:
        yield from requests
        over.wait()

    yield requests_without_end
    over.set()
