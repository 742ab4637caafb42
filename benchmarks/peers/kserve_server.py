"""KServe's Python model server: `python kserve_server.py --http_port P --grpc_port G` (kserve reads the arguments)."""

from __future__ import annotations

import kserve
from kserve import InferOutput, InferRequest, InferResponse
from onnx_model import DATATYPES, NAME, OnnxModel


class Onnx(kserve.Model):
    def __init__(self) -> None:
        super().__init__(NAME)
        self._onnx = OnnxModel()
        self.ready = True

    async def predict(self, payload: InferRequest, *_: object, **__: object) -> InferResponse:
        outputs = await self._onnx.arun({tensor.name: tensor.as_numpy() for tensor in payload.inputs})
        binary = bool((payload.parameters or {}).get("binary_data_output")) or payload.from_grpc
        encoded = []
        for name, array in outputs.items():
            output = InferOutput(name, list(array.shape), DATATYPES[array.dtype])
            output.set_data_from_numpy(array, binary_data=binary)
            encoded.append(output)
        return InferResponse(payload.id or "0", NAME, encoded, model_version="1")


kserve.ModelServer().start([Onnx()])
