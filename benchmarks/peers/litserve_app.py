"""LitServe: `python litserve_app.py PORT`. Its workers are processes."""

from __future__ import annotations

import sys

import litserve
import numpy as np
from onnx_model import INSTANCES, NAME, OnnxModel
from open_inference import answer, decode_json


class Onnx(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self._onnx = OnnxModel()

    def decode_request(self, request: dict) -> dict[str, np.ndarray]:
        return decode_json(request["inputs"])

    def predict(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return self._onnx.run(inputs)

    def encode_response(self, outputs: dict[str, np.ndarray]) -> dict:
        return answer(outputs, plain=True)


if __name__ == "__main__":
    api = Onnx(api_path=f"/v2/models/{NAME}/infer")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=INSTANCES, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        generate_client_file=False,
        num_api_servers=1,
        log_level="warning",
        access_log=False,
    )
