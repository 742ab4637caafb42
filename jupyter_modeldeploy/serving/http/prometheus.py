"""`GET /metrics`, for Prometheus."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jupyter_modeldeploy.serving.endpoint import Endpoint


def routes(endpoint: Endpoint) -> list[BaseRoute]:
    async def metrics(request: Request) -> Response:
        body, kind = endpoint.metrics.scraped(request.headers.get("accept", "").encode("latin-1"))
        return Response(body, headers={"content-type": kind.decode()})

    return [Route("/metrics", metrics, name="counts and durations for Prometheus")]
