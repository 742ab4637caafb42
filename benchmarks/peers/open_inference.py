"""The Open Inference Protocol V2, JSON and binary, for peers that leave the format to their user: as fast as one would
write it by hand, with orjson and NumPy and without any check."""

from __future__ import annotations

import math

import numpy as np
import orjson
from onnx_model import DATATYPES, DTYPES, NAME

HEADER_LENGTH = "inference-header-content-length"


def decode(body: bytes, header_length: str | None) -> tuple[dict[str, np.ndarray], bool]:
    """The inputs, and whether the outputs are wanted as binary tensors."""
    if header_length is None:
        return decode_json(orjson.loads(body)["inputs"]), False
    end = int(header_length)
    header, arrays = orjson.loads(body[:end]), {}
    for tensor in header["inputs"]:
        dtype, shape = DTYPES[tensor["datatype"]], tensor["shape"]
        arrays[tensor["name"]] = np.frombuffer(body, dtype, math.prod(shape), end).reshape(shape)
        end += arrays[tensor["name"]].nbytes
    return arrays, header.get("parameters", {}).get("binary_data_output", False)


def decode_json(inputs: list[dict]) -> dict[str, np.ndarray]:
    return {
        tensor["name"]: np.array(tensor["data"], DTYPES[tensor["datatype"]]).reshape(tensor["shape"])
        for tensor in inputs
    }


def encode(arrays: dict[str, np.ndarray], binary: bool) -> tuple[bytes, dict[str, str]]:
    """The body and its headers."""
    if not binary:
        return orjson.dumps(answer(arrays), option=orjson.OPT_SERIALIZE_NUMPY), {}
    outputs = [
        {
            "name": name,
            "datatype": DATATYPES[array.dtype],
            "shape": array.shape,
            "parameters": {"binary_data_size": array.nbytes},
        }
        for name, array in arrays.items()
    ]
    header = orjson.dumps({"model_name": NAME, "model_version": "1", "outputs": outputs})
    body = b"".join([header, *(array.tobytes() for array in arrays.values())])
    return body, {HEADER_LENGTH: str(len(header))}


def answer(arrays: dict[str, np.ndarray], plain: bool = False) -> dict:
    """The answer as JSON's types; `plain` where whatever writes it knows nothing of NumPy."""
    outputs = [
        {
            "name": name,
            "datatype": DATATYPES[array.dtype],
            "shape": list(array.shape),
            "data": array.ravel().tolist() if plain else array.ravel(),
        }
        for name, array in arrays.items()
    ]
    return {"model_name": NAME, "model_version": "1", "outputs": outputs}
