"""The model.py of Triton's Python backend; its instances are processes, so each runs on a thread of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import triton_python_backend_utils as triton
from onnx_model import OnnxModel


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        self._onnx = OnnxModel()

    def execute(self, requests: list[Any]) -> list[Any]:
        """One run for all requests: there are several only where the configuration asks for dynamic batching."""
        given = [{tensor.name(): tensor.as_numpy() for tensor in request.inputs()} for request in requests]
        if len(given) == 1:
            return [_response(self._onnx.run(given[0]))]
        outputs = self._onnx.run({name: np.concatenate([one[name] for one in given]) for name in given[0]})
        ends = np.cumsum([len(next(iter(one.values()))) for one in given])[:-1]
        parts = {name: np.split(array, ends) for name, array in outputs.items()}
        return [_response({name: parts[name][number] for name in parts}) for number in range(len(given))]


def _response(outputs: dict[str, np.ndarray]) -> Any:
    return triton.InferenceResponse([triton.Tensor(name, array) for name, array in outputs.items()])
