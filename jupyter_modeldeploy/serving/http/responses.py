"""Answers of the ASGI application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from jupyter_modeldeploy.serving.http.replies import Reply


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def response_of(reply: Reply) -> Response:
    """The same answer as a response of Starlette's."""
    response = Response(reply.body, reply.status, media_type=None)
    response.raw_headers += [(b"content-type", reply.content_type), *reply.headers]
    return response
