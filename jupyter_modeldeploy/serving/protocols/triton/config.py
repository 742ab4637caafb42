"""The model configuration extension: what a model takes, in the words of Triton's `ModelConfig`."""

from __future__ import annotations

from typing import Any

from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.protocols.metadata import PLATFORMS
from jupyter_modeldeploy.signatures import TensorSpec


def model_config(endpoint: Endpoint, name: str, version: str | None = None) -> dict[str, Any]:
    """The configuration in the JSON form of `ModelConfig`. Raises NotFound.

    With a free first dimension in every input and output, `max_batch_size` is the number of rows that share a run at
    most (a request of more is split), and `dims` are without it; otherwise it is 0."""
    found = endpoint.model(name)
    served = found.get(version)
    inputs, outputs = served.signature.inputs, served.signature.outputs
    batched = all(spec.shape[:1] == [-1] for spec in inputs + outputs)
    config = {
        "name": name,
        "platform": PLATFORMS.get(served.format.value, served.format.value),
        "backend": "jupyter_modeldeploy",
        "version_policy": {"specific": {"versions": [int(number) for number in found.versions]}},
        "max_batch_size": served.chunk_rows if batched else 0,
        "input": [_tensor(spec, batched) for spec in inputs],
        "output": [_tensor(spec, batched) for spec in outputs],
    }
    return {**config, "dynamic_batching": {}} if batched and served.independent else config


def _tensor(spec: TensorSpec, batched: bool) -> dict[str, Any]:
    datatype = "STRING" if spec.dtype == "BYTES" else spec.dtype
    return {"name": spec.name, "data_type": f"TYPE_{datatype}", "dims": spec.shape[1:] if batched else spec.shape}
