"""The models of the prediction protocol V1, as KServe tells of them."""

from __future__ import annotations

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.http.responses import json_response
from jupyter_modeldeploy.serving.protocols import metadata


class _Name(StringConvertor):
    """A part of a path up to the colon that a verb follows."""

    regex = "[^/:]+"


register_url_convertor("name", _Name())


def routes(endpoint: Endpoint) -> list[BaseRoute]:
    async def models(request: Request) -> Response:
        return json_response({"models": list(endpoint.models)})

    async def model(request: Request) -> Response:
        name, version = request.path_params["model"], request.path_params.get("version")
        is_ready = metadata.is_ready(endpoint, name, version)
        return json_response({"name": name, "ready": is_ready}, 200 if is_ready else 503)

    return [
        Route("/v1/models", models, name="the names of the models"),
        Route("/v1/models/{model:name}", model, name="whether a model is ready"),
        Route("/v1/models/{model:name}/versions/{version:name}", model, name="the same of a version"),
    ]
