"""The ASGI application: everything but inference. Each concern gives its routes; here they are joined, and guarded."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from jupyter_modeldeploy.errors import ModelDeployError, NotFound
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.http import description, docs, inference, outcomes, prometheus, triton, v1, v2
from jupyter_modeldeploy.serving.http.compressing import compressing
from jupyter_modeldeploy.serving.http.replies import error_reply
from jupyter_modeldeploy.serving.http.responses import json_response, response_of

log = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CONCERNS: list[Callable[[Endpoint], list[BaseRoute]]] = [
    description.routes,
    docs.routes,
    inference.routes,
    v1.routes,
    triton.routes,  # before V2's: /v2/models/stats is no model
    v2.routes,
    prometheus.routes,
    outcomes.routes,
]


class Application:
    """Starlette's routes of all concerns behind one door: whoever asks needs the service's token, for a WebSocket too.

    Every route answers OPTIONS, every GET route HEAD; errors have the shape of their protocol. Handlers find the
    caller's name in `scope["caller"]` and all routes in `scope["routes"]`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._guard = endpoint.guard
        self.routes = [route for concern in CONCERNS for route in concern(endpoint)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] = scope["path"].rstrip("/") or "/"
        try:
            scope["caller"] = self._guard.check(dict(scope["headers"]))
            scope["routes"] = self.routes
            await self._dispatch(scope, receive, compressing(scope, send))
        except ClientDisconnect:
            log.debug("%s: the client left before its request was whole", path)
        except ModelDeployError as error:
            response = response_of(error_reply(error, v2=_is_v2(path)))
            if scope["type"] == "websocket":
                await WebSocket(scope, receive, send).send_denial_response(response)
            else:
                await response(scope, receive, send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed: set[str] = set()
        for route in self.routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                await route.handle(scope, receive, send)
                return
            if match is Match.PARTIAL:
                allowed |= getattr(route, "methods", None) or set()
        if not allowed:
            raise NotFound(f"There is nothing at {scope['path']!r}.", "GET / lists the routes.")
        await _told(scope["method"], scope["path"], allowed)(scope, receive, send)


def _told(method: str, path: str, allowed: set[str]) -> Response:
    """Which methods the path takes, for OPTIONS and for a method that it does not."""
    methods = ", ".join(one for one in METHODS if one in {*allowed, "OPTIONS"})
    if method == "OPTIONS":
        return Response(status_code=204, headers={"allow": methods})
    text = f"{path} takes {methods}, not {method}."
    body = {"error": text if _is_v2(path) else {"code": "not_allowed", "message": text, "hint": ""}}
    return json_response(body, 405, {"allow": methods})


def _is_v2(path: str) -> bool:
    return path == "/v2" or path.startswith("/v2/")
