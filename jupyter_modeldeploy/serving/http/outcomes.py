"""`POST /outcomes`: what became of units and requests after they were answered, for those who compare versions."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jupyter_modeldeploy.serving.control import outcomes
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.http.requests import object_in
from jupyter_modeldeploy.serving.http.responses import json_response

MAX_BYTES = 4 * 2**20


def routes(endpoint: Endpoint) -> list[BaseRoute]:
    async def take(request: Request) -> Response:
        document = await object_in(request, MAX_BYTES, outcomes.NO_JSON)
        if (recorder := endpoint.policy.exposures) is None:
            raise outcomes.not_recording(endpoint.service)
        rows = outcomes.rows_of(document, time.time())
        if rows:
            recorder.take(rows)
        return json_response({"taken": len(rows)}, 202)

    return [Route("/outcomes", take, methods=["POST"], name="what became of units and requests, for experiments")]
