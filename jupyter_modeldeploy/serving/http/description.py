"""`GET /`: what the service serves, and its routes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.http.responses import json_response


def routes(endpoint: Endpoint) -> list[BaseRoute]:
    async def describe(request: Request) -> Response:
        models = [
            {"name": model.name, "versions": list(model.versions), "task": model.get(None).task_name}
            for model in endpoint.models.values()
        ]
        return json_response(
            {
                "status": "alive",
                "service": endpoint.service,
                "models": models,
                "routes": listed(request.scope["routes"]),
            }
        )

    return [Route("/", describe, name="this description")]


def listed(routes: list[BaseRoute]) -> dict[str, str]:
    """`METHOD /path` to what it is for, which is the route's name."""
    return {
        f"{method} {route.path_format}": route.name
        for route in routes
        if isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"})
    }
