"""What a server and its models say of themselves in the Open Inference Protocol V2, over HTTP and gRPC."""

from __future__ import annotations

from functools import cache
from typing import Any

from jupyter_modeldeploy import release
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.signatures import TensorSpec

SERVER = "jupyter_modeldeploy"
EXTENSIONS = [
    *("binary_tensor_data", "classification", "model_configuration", "model_repository"),
    *("schedule_policy", "statistics", "system_shared_memory"),
]
"""Those that do something here; trace and log settings can be read, but not changed."""
PLATFORMS = {"onnx": "onnx_onnxv1"}


@cache
def server() -> dict[str, Any]:
    """Name, version and extensions of the server."""
    return {"name": SERVER, "version": release.version(), "extensions": EXTENSIONS}


def model(endpoint: Endpoint, name: str, version: str | None = None) -> dict[str, Any]:
    """Versions, platform, inputs and outputs of a model. Raises NotFound."""
    found = endpoint.model(name)
    served = found.get(version)
    return {
        "name": name,
        "versions": list(found.versions),
        "platform": PLATFORMS.get(served.format.value, served.format.value),
        "inputs": [_tensor(spec) for spec in served.signature.inputs],
        "outputs": [_tensor(spec) for spec in served.signature.outputs],
    }


def is_ready(endpoint: Endpoint, name: str, version: str | None = None) -> bool:
    """Whether the model is in memory. Raises NotFound."""
    found = endpoint.model(name)
    found.get(version)
    return found.loaded


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.dtype, "shape": spec.shape}
