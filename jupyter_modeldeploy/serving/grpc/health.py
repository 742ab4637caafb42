"""`grpc.health.v1`: the service as a whole (the empty name, and that of the inference service) and each model."""

from __future__ import annotations

import asyncio
from typing import Any

from grpc_health.v1.health_pb2 import DESCRIPTOR, HealthCheckRequest, HealthCheckResponse

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.grpc.handlers import Operation, StreamHandler, parsed, read
from jupyter_modeldeploy.serving.grpc.messages import SERVICE

HEALTH = DESCRIPTOR.services_by_name["Health"]


class Health:
    """Serving, until `draining` is set."""

    def __init__(self, endpoint: Endpoint, draining: asyncio.Event) -> None:
        self._endpoint = endpoint
        self._draining = draining
        self.check = Operation(HealthCheckRequest, self._check)

    def watch(self) -> StreamHandler:
        """The handler of a call of Watch."""
        return _Watch(self._draining, self)

    def status(self, name: str) -> Any:
        """The answer for that name."""
        if name not in ("", SERVICE.full_name) and name not in self._endpoint.models:
            return HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)
        serving = HealthCheckResponse.NOT_SERVING if self._draining.is_set() else HealthCheckResponse.SERVING
        return HealthCheckResponse(status=serving)

    def _check(self, request: Any) -> Any:
        answer = self.status(request.service)
        if answer.status == HealthCheckResponse.SERVICE_UNKNOWN:
            models = ", ".join(self._endpoint.models)
            raise NotFound(f"Nothing here is called {request.service[:100]!r}.", f"Models: {models}.")
        return answer


class _Watch(StreamHandler):
    """Tells the status, and again when the server drains."""

    __slots__ = ("_health", "_name")

    def __init__(self, draining: asyncio.Event, health: Health) -> None:
        super().__init__(draining)
        self._health = health
        self._name: str | None = None

    async def converse(self, context: Any) -> None:
        raw = await read(context)
        if raw is not None:
            self._name = parsed(HealthCheckRequest, raw).service
            await context.write(self._health.status(self._name).SerializeToString())
            await asyncio.Event().wait()

    async def finish(self, context: Any) -> None:
        if self._name is not None:
            await context.write(self._health.status(self._name).SerializeToString())
