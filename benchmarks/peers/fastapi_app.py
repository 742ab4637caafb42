"""FastAPI and orjson, as one would write an endpoint by hand: `uvicorn fastapi_app:app`."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from onnx_model import NAME, OnnxModel
from open_inference import HEADER_LENGTH, decode, encode

model = OnnxModel()
app = FastAPI()


@app.post(f"/v2/models/{NAME}/infer")
async def infer(request: Request) -> Response:
    inputs, binary = decode(await request.body(), request.headers.get(HEADER_LENGTH))
    body, headers = encode(await model.arun(inputs), binary)
    return Response(body, headers=headers, media_type="application/octet-stream" if binary else "application/json")
