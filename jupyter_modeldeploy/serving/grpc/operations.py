"""Everything that is asked of the service beside inference."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from google.protobuf.json_format import ParseDict

from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.grpc.handlers import Operation
from jupyter_modeldeploy.serving.grpc.messages import of_method
from jupyter_modeldeploy.serving.protocols.v2 import EXTENSIONS

PLATFORMS = {"onnx": "onnx_onnxv1"}


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
        name = "jupyter_modeldeploy"
        return {"name": name, "version": version(name), "extensions": EXTENSIONS}

    def model_ready(self, request: Any) -> dict[str, Any]:
        model = self._endpoint.models.get(request.name)
        if model is None or (request.version and request.version not in model.versions):
            return {"ready": False}
        return {"ready": model.loaded}

    def model_metadata(self, request: Any) -> dict[str, Any]:
        model = self._endpoint.model(request.name)
        version = model.get(request.version or None)
        tensors = {
            side: [{"name": spec.name, "datatype": spec.dtype, "shape": spec.shape} for spec in specs]
            for side, specs in (("inputs", version.signature.inputs), ("outputs", version.signature.outputs))
        }
        platform = PLATFORMS.get(version.format.value, version.format.value)
        return {"name": model.name, "versions": list(model.versions), "platform": platform, **tensors}
