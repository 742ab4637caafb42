"""Every route, stream and method there is refuses whoever has no valid token: found by asking the service's own tables,
so that a new one cannot be forgotten."""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Iterator
from contextlib import closing

import grpc
import pytest
from grpc_service import METHODS
from serving_service import Served

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.serving.http.app import CONCERNS
from jupyter_modeldeploy.serving.http.inference import INFERENCE

FILLED = {"{model}": "adder", "{model:name}": "adder", "{version}": "2", "{version:name}": "2", "{region}": "a"}
STREAMS = ["/predict/stream", "/predict/adder/stream", "/v2/models/adder/stream", "/v2/models/adder/versions/2/stream"]
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
}
SOON_S = 120.0


def status(served: Served, method: str, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture(scope="module")
def revoked(served: Served) -> Iterator[str]:
    """The token of a caller who was let in, and is no more."""
    with closing(Workspace(served.store.root)) as workspace:
        tokens = workspace.services.tokens("robust")
        token = tokens.create("gone").token
        bearer = {"Authorization": f"Bearer {token}"}
        assert status(served, "GET", "/v2", bearer) == 200
        tokens.revoke("gone")
        deadline = time.monotonic() + SOON_S
        while status(served, "GET", "/v2", bearer) == 200 and time.monotonic() < deadline:
            time.sleep(0.02)
        yield token


@pytest.fixture(scope="module")
def refused(served: Served, revoked: str) -> dict[str, dict[str, str]]:
    """Headers with which nobody is let in."""
    return {
        "none": {},
        "empty": {"Authorization": "Bearer "},
        "wrong": {"Authorization": "Bearer wrong"},
        "longer": {"Authorization": f"Bearer {served.token}x"},
        "shorter": {"Authorization": f"Bearer {served.token[:-1]}"},
        "revoked": {"Authorization": f"Bearer {revoked}"},
        "another scheme": {"Authorization": served.token},
        "password": {"Authorization": "Basic " + base64.b64encode(b"owner:wrong").decode()},
        "in a cookie": {"Cookie": f"token={served.token}; authorization={served.token}"},
        "of a proxy": {"Proxy-Authorization": f"Bearer {served.token}", "X-Authorization": f"Bearer {served.token}"},
    }


@pytest.fixture(scope="module")
def targets(served: Served) -> list[tuple[str, str]]:
    """Methods and paths of all routes, as the running service lists them, and of the inference routes of its models."""
    listed = [one.split() for one in served.client.get("/").json()["routes"]]
    assert len(listed) > len(CONCERNS) + len(INFERENCE)
    assert set(INFERENCE) <= {path.replace(":name}", "}") for _, path in listed}
    paths = {path for _, path in listed}
    for name, value in FILLED.items():
        listed = [[method, path.replace(name, value)] for method, path in listed]
    assert not [path for _, path in listed if "{" in path], "say what stands for a new part of a path"
    asked = {(method, path) for method, path in listed} | {(method, "/nothing") for method in ("GET", "POST")}
    for model in served.service.spec.models:
        for arm in model.arms:
            number = f"{model.model}/versions/{arm.version}"
            asked |= {("POST", f"/v2/models/{number}/infer"), ("POST", f"/predict/{number}")}
            asked |= {("POST", f"/v1/models/{number}:predict")}
    assert len(asked) > len(paths)
    return sorted(asked)


def test_no_route_answers_without_a_token(
    served: Served, targets: list[tuple[str, str]], refused: dict[str, dict[str, str]]
) -> None:
    answered = [
        (why, method, path)
        for why, headers in refused.items()
        for method, path in targets
        if status(served, method, path, headers) != 401
    ]
    assert answered == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "TRACE", "PATCH"])
def test_no_other_method_does(served: Served, targets: list[tuple[str, str]], method: str) -> None:
    assert {status(served, method, path, {}) for _, path in targets} == {401}


def test_a_token_in_the_address_is_none(served: Served, targets: list[tuple[str, str]]) -> None:
    query = f"?token={served.token}&access_token={served.token}&authorization=Bearer%20{served.token}"
    assert {status(served, method, path + query, {}) for method, path in targets} == {401}


@pytest.mark.parametrize("path", [*STREAMS, "/stream", "/v2/stream"])
def test_no_stream_opens_without_a_token(served: Served, path: str, refused: dict[str, dict[str, str]]) -> None:
    given = {**refused, "subprotocol": {"Sec-WebSocket-Protocol": "modeldeploy, bearer.wrong"}}
    assert {status(served, "GET", path, {**HANDSHAKE, **headers}) for headers in given.values()} == {401}


def test_the_streams_are_those_that_open(served: Served) -> None:
    token = {"Authorization": f"Bearer {served.token}"}
    assert {status(served, "GET", path, {**HANDSHAKE, **token}) for path in STREAMS} == {101}


@pytest.mark.parametrize("path", [*METHODS, "/inference.GRPCInferenceService/Nothing", "/nothing"])
def test_no_method_of_grpc_answers_without_a_token(
    served: Served, path: str, refused: dict[str, dict[str, str]]
) -> None:
    with grpc.insecure_channel(str(served.service.grpc_url)) as channel:
        for why, headers in refused.items():
            metadata = [(name.lower(), value) for name, value in headers.items()]
            call = channel.stream_stream(path, None, None)(iter([b""]), metadata=metadata, timeout=120)
            with pytest.raises(grpc.RpcError) as caught:
                next(call)
            assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED, why
