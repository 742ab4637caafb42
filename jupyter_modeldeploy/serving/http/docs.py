"""`GET /docs`: a page to try each model and to see how it is called, and `GET /openapi.json`.

What they need is imported when somebody asks: an idle server process is 1 MB smaller so."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.http.responses import json_response


def routes(endpoint: Endpoint) -> list[BaseRoute]:
    async def docs(request: Request) -> Response:
        from jupyter_modeldeploy.serving.http.try_it import page

        return page(endpoint)

    async def describe(request: Request) -> Response:
        from jupyter_modeldeploy.serving.http.openapi import document

        return json_response(document(endpoint, request.scope["routes"]))

    return [
        Route("/docs", docs, name="a page to try the models"),
        Route("/openapi.json", describe, name="this service's routes as OpenAPI"),
    ]
