"""Calls a service with KServe's `InferenceRESTClient` and prints what came back as JSON: `kserve_calls.py URL TOKEN`.

Run by a Python of its own: the package `kserve` needs an older psutil than ours."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import httpx
import numpy as np

url, token = sys.argv[1:]
del sys.argv[1:]  # importing kserve parses them as options of a server

from kserve import InferInput, InferRequest  # noqa: E402
from kserve.inference_client import InferenceRESTClient, RESTConfig  # noqa: E402
from kserve.protocol.infer_type import RequestedOutput  # noqa: E402

DATATYPES = {
    **{"FP16": np.float16, "FP32": np.float32, "FP64": np.float64, "BOOL": np.bool_},
    **{f"{sign}INT{size}": np.dtype(f"{sign.lower()}int{size}") for sign in ("", "U") for size in (8, 16, 32, 64)},
}


def authorized() -> dict[str, str]:
    """New ones for each call: the client writes into them."""
    return {"authorization": f"Bearer {token}"}


def request(model: str, array: np.ndarray, datatype: str, binary: bool) -> InferRequest:
    x = InferInput(name="x", shape=list(array.shape), datatype=datatype)
    x.set_data_from_numpy(array, binary_data=binary)
    y = RequestedOutput("y", parameters={"binary_data": binary})
    return InferRequest(model_name=model, infer_inputs=[x], request_id="7", request_outputs=[y])


async def v1(client: InferenceRESTClient) -> dict[str, Any]:
    rows = {"instances": [[1, 2, 3, 4], [0, 0, 0, 0]]}
    return {
        "live": await client.is_server_live(url, headers=authorized()),
        "ready": await client.is_model_ready(url, "adder", headers=authorized()),
        "infer": await client.infer(url, rows, model_name="adder/versions/1", headers=authorized()),
        "texts": await client.infer(url, {"instances": ["good"]}, model_name="texts", headers=authorized()),
        "missing": await refused(client.infer(url, rows, model_name="nothing", headers=authorized())),
    }


async def v2(client: InferenceRESTClient) -> dict[str, Any]:
    ones = np.ones((1, 4), np.float32)
    adder = request("adder", ones, "FP32", True)
    return {
        "live": await client.is_server_live(url, headers=authorized()),
        "ready": await client.is_server_ready(url, headers=authorized()),
        "model_ready": await client.is_model_ready(url, "adder", headers=authorized()),
        "not_ready": await client.is_model_ready(url, "nothing", headers=authorized()),
        "echoes": {
            f"{datatype} {'binary' if binary else 'json'}": await echoed(client, datatype, dtype, binary)
            for datatype, dtype in DATATYPES.items()
            for binary in (True, False)
            if binary or datatype != "FP16"
        },
        "id": (await client.infer(url, adder, model_name="adder", headers=authorized())).id,
        "plain": await client.infer(
            url,
            {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [0, 0, 0, 0]}]},
            model_name="adder/versions/3",
            headers=authorized(),
        ),
        "missing": await refused(client.infer(url, adder, model_name="nothing", headers=authorized())),
        "without_token": await refused(client.infer(url, adder, model_name="adder")),
    }


async def echoed(client: InferenceRESTClient, datatype: str, dtype: Any, binary: bool) -> bool:
    given = np.array([[0, 1], [1, 0]], dtype)
    answer = await client.infer(
        url, request(datatype.lower(), given, datatype, binary), model_name=datatype.lower(), headers=authorized()
    )
    return bool(np.array_equal(answer.outputs[0].as_numpy(), given)) and answer.outputs[0].datatype == datatype


async def refused(call: Any) -> int:
    """The status that the client raised."""
    try:
        await call
    except httpx.HTTPStatusError as error:
        return error.response.status_code
    return 200


async def main() -> None:
    found = {}
    for protocol, calls in (("v1", v1), ("v2", v2)):
        client = InferenceRESTClient(RESTConfig(protocol=protocol))
        found[protocol] = await calls(client)
        await client.close()
    print(json.dumps(found, default=lambda answer: answer.to_dict()))


asyncio.run(main())
