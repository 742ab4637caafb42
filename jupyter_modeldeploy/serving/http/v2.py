"""Health and metadata of the Open Inference Protocol V2."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.http.responses import json_response
from jupyter_modeldeploy.serving.protocols import metadata


def routes(endpoint: Endpoint) -> list[BaseRoute]:
    async def live(request: Request) -> Response:
        return json_response({"live": True})

    async def ready(request: Request) -> Response:
        return json_response({"ready": True})

    async def server(request: Request) -> Response:
        return json_response(metadata.server())

    async def model(request: Request) -> Response:
        return json_response(metadata.model(endpoint, *asked(request)))

    async def model_ready(request: Request) -> Response:
        name, version = asked(request)
        is_ready = metadata.is_ready(endpoint, name, version)
        return json_response({"name": name, "ready": is_ready}, 200 if is_ready else 503)

    return [
        Route("/v2", server, name="Open Inference Protocol V2: the server"),
        Route("/v2/health/live", live, name="the server runs"),
        Route("/v2/health/ready", ready, name="the server can answer"),
        *of_model("", model, "a model's inputs and outputs"),
        *of_model("/ready", model_ready, "a model is ready"),
    ]


def of_model(suffix: str, endpoint: Any, name: str, methods: tuple[str, ...] = ("GET",)) -> list[BaseRoute]:
    """The routes of a model and of its versions."""
    return [
        Route(f"/v2/models/{{model}}{suffix}", endpoint, methods=methods, name=name),
        Route(f"/v2/models/{{model}}/versions/{{version}}{suffix}", endpoint, methods=methods, name=name),
    ]


def asked(request: Request) -> tuple[str, str | None]:
    """The model's name and, where the route has one, the version's."""
    return request.path_params["model"], request.path_params.get("version")
