"""The gRPC server of one server process, in its event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

from jupyter_modeldeploy.errors import ModelDeployError, ServiceFailed
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.grpc import connections
from jupyter_modeldeploy.serving.grpc.handlers import Refusal
from jupyter_modeldeploy.serving.grpc.health import HEALTH, Health
from jupyter_modeldeploy.serving.grpc.inference import Caller, Door, InferCall, StreamInferCall, Traffic
from jupyter_modeldeploy.serving.grpc.messages import SERVICE
from jupyter_modeldeploy.serving.grpc.operations import operations
from jupyter_modeldeploy.serving.grpc.reflection import REFLECTION, Reflection
from jupyter_modeldeploy.serving.plan import Plan

MAX_CALLS = 4096
MAX_CALLS_PER_CONNECTION = 1024
MAX_METADATA_BYTES = 64 * 1024
MAX_AGE_S = 30.0
MAX_AGE_VARIABLE = "JUPYTER_MODELDEPLOY_GRPC_MAX_AGE_S"
"""A connection so old is told to be closed (GOAWAY), without harm to its calls; clients go on with a new one. grpcio
has no other means for that: while it shuts down, it refuses what clients that do not know it yet still send."""
AGES_DIFFER = 1.1  # by a random tenth
LATE_S = 10.0
"""So much longer than its age a connection may take to end where there is much to do."""
TICK_S = 0.1
BEGUN_S, ACCEPTED_S = 0.005, 10.0
"""For connections that have begun to stand, and for those that stand to be accepted where there is much to do."""


class Methods:
    """grpcio's generic handler, which finds what handles a call: no method, known or unknown, is reached but by callers
    whom the guard lets in."""

    def __init__(self, endpoint: Endpoint, traffic: Traffic, draining: asyncio.Event) -> None:
        self._endpoint = endpoint
        health = Health(endpoint, draining)
        door = Door(endpoint, traffic)
        self._handlers: dict[str, Callable[[Headers, str], Any]] = {
            _path(SERVICE, "ModelInfer"): lambda headers, name: InferCall(Caller(door, headers, name)),
            _path(SERVICE, "ModelStreamInfer"): lambda headers, name: StreamInferCall(
                draining, Caller(door, headers, name)
            ),
            _path(HEALTH, "Check"): lambda *_: health.check,
            _path(HEALTH, "Watch"): lambda *_: health.watch(),
            _path(REFLECTION, "ServerReflectionInfo"): lambda *_: Reflection(draining),
        }
        for method, operation in operations(endpoint).items():
            self._handlers[_path(SERVICE, method)] = operation

    def service(self, handler_call_details: Any) -> Any:
        headers = _headers(handler_call_details.invocation_metadata)
        try:
            caller = self._endpoint.guard.check(headers)
        except ModelDeployError as error:
            self._endpoint.metrics.version("", "").answered(error.status, 0.0)
            return Refusal(error)
        make = self._handlers.get(handler_call_details.method)
        return None if make is None else make(headers, caller)


class GrpcServer:
    """Listens on `plan.grpc_port` from `start` to the drain. To be used on the event loop only."""

    def __init__(self, endpoint: Endpoint, plan: Plan) -> None:
        self._plan = plan
        self._traffic = Traffic()
        self._draining = asyncio.Event()
        self._max_age_s = _max_age_s()
        self._server = grpc.aio.server(
            maximum_concurrent_rpcs=MAX_CALLS,
            options=[
                ("grpc.so_reuseport", 1),  # the replicas share the port
                ("grpc.max_receive_message_length", plan.spec.max_body_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_connection_age_ms", int(self._max_age_s * 1000)),
                ("grpc.max_concurrent_streams", MAX_CALLS_PER_CONNECTION),
                ("grpc.max_metadata_size", MAX_METADATA_BYTES),
                ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
            ],
        )
        self._server.add_generic_rpc_handlers((Methods(endpoint, self._traffic, self._draining),))

    @property
    def requests(self) -> int:
        """Inference requests that came so far."""
        return self._traffic.requests

    @property
    def in_flight(self) -> int:
        """Inference requests that wait for their answer."""
        return self._traffic.requests - self._traffic.answered

    async def start(self) -> None:
        """Listen. Raises ServiceFailed where the port cannot be had."""
        spec = self._plan.spec
        host = f"[{spec.host}]" if ":" in spec.host else spec.host
        address = f"{host}:{self._plan.grpc_port}"
        try:
            if spec.tls.tls_certificate and spec.tls.tls_key:
                pair = Path(spec.tls.tls_key).read_bytes(), Path(spec.tls.tls_certificate).read_bytes()
                self._server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
            else:
                self._server.add_insecure_port(address)
        except (RuntimeError, OSError) as error:
            raise ServiceFailed(
                f"gRPC cannot listen on {address}: {error}.", "Check the gRPC port, and the certificate and its key."
            ) from error
        await self._server.start()

    async def drain_when(self, ending: Callable[[], bool], replaced: Callable[[], bool], grace_s: float) -> None:
        """Serve until `ending` says so, then take no new calls and answer those that are under way, for at most
        `grace_s` seconds. Where other processes go on with the service (`replaced`), its clients are let go to them
        first, which takes as long as a connection may be old."""
        while not ending():
            await asyncio.sleep(TICK_S)
        self._draining.set()
        if replaced():
            await self._let_go()
        await self._server.stop(grace_s)

    async def _let_go(self) -> None:
        port = self._plan.grpc_port
        assert port is not None
        connections.turn_away(port)
        await asyncio.sleep(BEGUN_S)
        await _until(lambda: not connections.any_waiting(port), BEGUN_S, ACCEPTED_S)
        connections.stop_accepting(port)
        await _until(lambda: not connections.any_left(port), TICK_S, self._max_age_s * AGES_DIFFER + LATE_S)


async def _until(holds: Callable[[], bool], every_s: float, at_most_s: float) -> None:
    """Wait until something holds, but no longer than so many seconds."""
    loop = asyncio.get_running_loop()
    latest = loop.time() + at_most_s
    while not holds() and loop.time() < latest:
        await asyncio.sleep(every_s)


def _max_age_s() -> float:
    given = os.environ.get(MAX_AGE_VARIABLE, "")
    try:
        return max(1.0, float(given or MAX_AGE_S))
    except ValueError:
        raise ServiceFailed(f"{MAX_AGE_VARIABLE} is {given!r}.", "It must be a number of seconds.") from None


def _path(service: Any, method: str) -> str:
    return f"/{service.full_name}/{service.methods_by_name[method].name}"


def _headers(metadata: Any) -> Headers:
    """As over HTTP, but for the encoding of messages, which is gRPC's own matter."""
    headers = {key.encode(): value if isinstance(value, bytes) else value.encode() for key, value in metadata}
    headers.pop(b"content-encoding", None)
    return headers
