"""The peer of the serving benchmark: the same model behind FastAPI and orjson, as one would write it by hand."""

from __future__ import annotations

import os

import numpy as np
import onnxruntime
import orjson
from fastapi import FastAPI, Request, Response

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
app = FastAPI()


@app.post("/v2/models/mlp/infer")
async def infer(request: Request) -> Response:
    body = orjson.loads(await request.body())
    tensor = body["inputs"][0]
    array = np.array(tensor["data"], np.float32).reshape(tensor["shape"])
    (answer,) = session.run(["y"], {tensor["name"]: array})
    output = {"name": "y", "datatype": "FP32", "shape": answer.shape, "data": answer.ravel()}
    content = {"model_name": "mlp", "model_version": "1", "outputs": [output]}
    return Response(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
