"""Everything that is asked of the service beside inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.json_format import ParseDict

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.grpc.handlers import Operation
from jupyter_modeldeploy.serving.grpc.messages import of_method
from jupyter_modeldeploy.serving.protocols import metadata


def operations(endpoint: Endpoint) -> dict[str, Operation]:
    """The handlers by the names of their methods."""
    functions = _Functions(endpoint)
    named = {
        "ServerLive": functions.server_live,
        "ServerReady": functions.server_ready,
        "ServerMetadata": functions.server_metadata,
        "ModelReady": functions.model_ready,
        "ModelMetadata": functions.model_metadata,
    }
    return {name: _operation(name, function) for name, function in named.items()}


def _operation(name: str, function: Callable[[Any], dict[str, Any]]) -> Operation:
    request, answer = of_method(name)
    return Operation(request, lambda message: ParseDict(function(message), answer()))


class _Functions:
    """Each takes the request's message and gives the answer as the same route over HTTP does."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def server_live(self, _: Any) -> dict[str, Any]:
        return {"live": True}

    def server_ready(self, _: Any) -> dict[str, Any]:
        return {"ready": True}

    def server_metadata(self, _: Any) -> dict[str, Any]:
        return metadata.server()

    def model_ready(self, request: Any) -> dict[str, Any]:
        """Not ready, rather than an error, where there is none of that name: as the protocol's servers answer."""
        try:
            return {"ready": metadata.is_ready(self._endpoint, request.name, request.version or None)}
        except NotFound:
            return {"ready": False}

    def model_metadata(self, request: Any) -> dict[str, Any]:
        return metadata.model(self._endpoint, request.name, request.version or None)
