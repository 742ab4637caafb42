"""`GET /metrics`, for Prometheus."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.metrics import CONTENT_TYPE


def routes(endpoint: Endpoint) -> list[BaseRoute]:
    async def metrics(request: Request) -> Response:
        return Response(endpoint.metrics.render(), headers={"content-type": CONTENT_TYPE.decode()})

    return [Route("/metrics", metrics, name="counts and durations for Prometheus")]
