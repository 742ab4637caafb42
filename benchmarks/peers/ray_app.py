"""Ray Serve: `python ray_app.py PORT`. One replica per instance, each a process."""

from __future__ import annotations

import signal
import sys

import ray
from onnx_model import INSTANCES, NAME, OnnxModel
from open_inference import HEADER_LENGTH, decode, encode
from ray import serve
from starlette.requests import Request
from starlette.responses import Response


@serve.deployment(num_replicas=INSTANCES, max_ongoing_requests=100, ray_actor_options={"num_cpus": 0.5})
class Onnx:
    def __init__(self) -> None:
        self._onnx = OnnxModel()

    async def __call__(self, request: Request) -> Response:
        inputs, binary = decode(await request.body(), request.headers.get(HEADER_LENGTH))
        body, headers = encode(self._onnx.run(inputs), binary)
        return Response(body, headers=headers)


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(sys.argv[1])}, logging_config={"enable_access_log": False}
    )
    serve.run(Onnx.bind(), route_prefix=f"/v2/models/{NAME}/infer")
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
