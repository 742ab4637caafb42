"""The inference routes as the ASGI application sees them: only what the front end does not answer comes here, which is
another method or a model that is not served."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.serving.endpoint import Endpoint

INFERENCE = {
    "/predict": "the first model, in the words of its task",
    "/predict/{model}": "a model by name",
    "/predict/{model}/versions/{version}": "this very version of it",
    "/v1/models/{model}:predict": "the prediction protocol V1: instances in, predictions out",
    "/v1/models/{model}/versions/{version}:predict": "this very version of it",
    "/v2/models/{model}/infer": "tensors in, tensors out (JSON or binary)",
    "/v2/models/{model}/versions/{version}/infer": "this very version of it",
}


def routes(endpoint: Endpoint) -> list[BaseRoute]:
    async def refuse(request: Request) -> Response:
        parameters = request.path_params
        if "model" in parameters:
            endpoint.model(parameters["model"]).get(parameters.get("version"))
        raise NotFound(f"There is nothing at {request.url.path!r}.", "GET / lists the routes.")

    return [Route(path, refuse, methods=["POST"], name=text) for path, text in INFERENCE.items()]
