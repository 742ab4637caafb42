"""BentoML: `bentoml serve bento_service:Onnx`."""

from __future__ import annotations

from typing import Any

import bentoml
from onnx_model import NAME, OnnxModel
from open_inference import answer, decode_json


@bentoml.service(workers=1, traffic={"timeout": 60}, metrics={"enabled": False})
class Onnx:
    def __init__(self) -> None:
        self._onnx = OnnxModel()

    @bentoml.api(route=f"/v2/models/{NAME}/infer")
    async def infer(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        return answer(await self._onnx.arun(decode_json(inputs)), plain=True)
