"""One inference through tritonclient's gRPC stub: `python -m serving_bench.grpc_call ADDRESS FOLDER`.

The token comes on standard input, if there is one; printed are the outputs in the form of `expected.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import grpc
import numpy as np
from tritonclient import grpc as triton

DTYPES = {"FP32": np.float32}


def call(address: str, folder: Path, token: str) -> dict[str, list[float]]:
    request = triton.service_pb2.ModelInferRequest.FromString((folder / "request.grpc").read_bytes()[5:])
    metadata = [("authorization", f"Bearer {token}")] if token else []
    with grpc.insecure_channel(address) as channel:
        stub = triton.service_pb2_grpc.GRPCInferenceServiceStub(channel)
        reply = stub.ModelInfer(request, metadata=metadata, timeout=30, wait_for_ready=True)
    answer = {}
    for number, output in enumerate(reply.outputs):
        if reply.raw_output_contents:
            values = np.frombuffer(reply.raw_output_contents[number], DTYPES[output.datatype])
        else:
            values = np.array(output.contents.fp32_contents, np.float32)
        answer[output.name] = values.tolist()
    return answer


if __name__ == "__main__":
    print(json.dumps(call(sys.argv[1], Path(sys.argv[2]), sys.stdin.read())))
