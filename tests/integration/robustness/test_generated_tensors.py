"""Thousands of bad requests in tensors, as JSON, as raw bytes and in shared memory: each answer is right or clear.

With `test_generated_words` and `test_generated_routes` they are more than ten thousand. Nothing is answered 5xx but the
503 and 504 that tell of load, nothing hangs, no server process dies, and none logs a failure."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from multiprocessing import shared_memory

import pytest
from bad_requests import (
    BODIES,
    DATATYPES,
    HEADERS,
    PARAMETERS,
    PLACES,
    REGION,
    REGION_BYTES,
    REQUESTS,
    SHAPES,
    SIZES,
    TWICE,
    compressed,
    encoded,
    examples,
)
from hypothesis import given
from hypothesis import strategies as st
from serving_service import MAX_BODY, Served

MODELS = ["adder", "adder/versions/2", "texts", "slow", "embed", "pictures", "bf16", "fp16", "bytes"]
ROUTES = [f"/v2/models/{model}/infer" for model in MODELS]
LENGTH = "Inference-Header-Content-Length"
GOOD = {"name": "x", "shape": [1, 4], "datatype": "FP32"}


@pytest.fixture(scope="module")
def region(served: Served) -> Iterator[str]:
    """Shared memory of a client, which the service knows by the name `REGION`."""
    memory = shared_memory.SharedMemory(create=True, size=REGION_BYTES)
    memory.buf[:] = struct.pack("<16f", *range(16))
    told = {"key": memory.name, "offset": 0, "byte_size": REGION_BYTES}
    served.client.post(f"/v2/systemsharedmemory/region/{REGION}/register", json=told).raise_for_status()
    yield REGION
    served.client.post(f"/v2/systemsharedmemory/region/{REGION}/unregister").raise_for_status()
    memory.close()
    memory.unlink()


@examples(3500)
@given(route=st.sampled_from(ROUTES), body=BODIES, headers=HEADERS)
def test_tensors_as_json(caller, route: str, body: bytes, headers: list[tuple[str, str]]) -> None:
    caller.ask("POST", route, body, headers)


@examples(1500)
@given(
    route=st.sampled_from(ROUTES),
    shape=st.one_of(st.lists(st.integers(0, 4), min_size=1, max_size=3), SHAPES),
    datatype=st.sampled_from(DATATYPES),
    size=st.integers(-1, 80),
    raw=st.binary(max_size=80),
    cut=st.integers(-5, 5),
    name=st.sampled_from(["x", "input_ids", "z"]),
)
def test_tensors_as_bytes(
    caller, route: str, shape: object, datatype: str, size: int, raw: bytes, cut: int, name: str
) -> None:
    tensor = {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}
    header = encoded({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    caller.ask("POST", route, header + raw, [(LENGTH, str(len(header) + cut))])


@examples(500)
@given(texts=st.lists(st.binary(max_size=12), max_size=4), wrong=st.integers(-3, 3), route=st.sampled_from(ROUTES))
def test_strings_as_bytes(caller, texts: list[bytes], wrong: int, route: str) -> None:
    raw = b"".join(struct.pack("<I", max(0, len(text) + wrong)) + text for text in texts)
    tensor = {"name": "x", "shape": [len(texts)], "datatype": "BYTES", "parameters": {"binary_data_size": len(raw)}}
    header = encoded({"inputs": [tensor]})
    assert caller.ask("POST", route, header + raw, [(LENGTH, str(len(header)))]) == 400


@examples(700)
@given(
    model=st.sampled_from(["adder", "bf16", "fp16", "bytes"]),
    raw=st.binary(min_size=16, max_size=16),
    classes=SIZES,
    parameters=PARAMETERS,
    named=st.booleans(),
)
def test_right_tensors_of_any_bytes_with_wrong_wishes(
    caller, region: str, model: str, raw: bytes, classes: object, parameters: dict[str, object], named: bool
) -> None:
    """Not-a-numbers, infinities, strings that are no text: they reach the model and come back as classes or JSON."""
    datatype, shape = {"bf16": ("BF16", [4, 2]), "fp16": ("FP16", [4, 2]), "bytes": ("BYTES", [2, 2])}.get(
        model, ("FP32", [1, 4])
    )
    if datatype == "BYTES":
        raw = b"".join(struct.pack("<I", 4) + raw[at : at + 4] for at in range(0, 16, 4))
    tensor = {"name": "x", "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": len(raw)}}
    outputs = [{"name": "y", "parameters": {"classification": classes, **parameters}}] if named else None
    header = encoded({"inputs": [tensor], "outputs": outputs, "parameters": parameters})
    caller.ask("POST", f"/v2/models/{model}/infer", header + raw, [(LENGTH, str(len(header)))])


@examples(700)
@given(taken=PLACES, given_back=PLACES, shape=st.sampled_from([[1, 4], [0, 4], [4, 4], [2**40, 4]]))
def test_tensors_in_shared_memory(
    caller, region: str, taken: dict[str, object], given_back: dict[str, object], shape: list[int]
) -> None:
    request = {
        "inputs": [{**GOOD, "shape": shape, "parameters": {"shared_memory_region": region, **taken}}],
        "outputs": [{"name": "y", "parameters": given_back}],
    }
    caller.ask("POST", "/v2/models/adder/infer", encoded(request))


@examples(600)
@given(
    request=st.one_of(REQUESTS, st.just({"inputs": [{**GOOD, "data": [1, 2, 3, 4]}]})),
    how=st.sampled_from(["gzip", "deflate", "raw"]),
    called=st.sampled_from(["gzip", "deflate", "GZip", "br", "gzip, deflate"]),
    cut=st.sampled_from([0, 0, 1, 8]),
    headers=TWICE,
)
def test_compressed_bodies(
    caller, request: object, how: str, called: str, cut: int, headers: list[tuple[str, str]]
) -> None:
    caller.ask("POST", ROUTES[0], compressed(encoded(request), how, cut), [*headers, ("Content-Encoding", called)])


@pytest.mark.parametrize("how", ["gzip", "deflate"])
def test_a_body_that_grows_without_end_is_refused(caller, how: str) -> None:
    body = compressed(bytes(500 * MAX_BODY), how, 0)
    assert len(body) < MAX_BODY
    assert caller.ask("POST", ROUTES[0], body, [("Content-Encoding", how)]) == 413


@pytest.mark.parametrize("extra", [0, 1])
def test_a_large_body_is_read_beside_others(caller, extra: int) -> None:
    """JSON of just the largest size that is taken, and one byte more."""
    data = json.dumps({"inputs": [{**GOOD, "shape": [40_000, 4], "data": [1.5] * 160_000}]}).encode()
    assert caller.ask("POST", ROUTES[0], data.ljust(MAX_BODY + extra)) == (413 if extra else 200)


EMPTY = {
    "slow": ("x",),
    "texts": ("input_ids", "attention_mask", "token_type_ids"),
    "embed": ("input_ids", "attention_mask"),
}


@pytest.mark.parametrize("model", EMPTY)
@pytest.mark.parametrize("shape", [[2**17, 0], [2**40, 0], [0, 2**40], [2**63 - 1, 0]])
def test_a_small_request_of_an_empty_tensor_keeps_no_model_busy(caller, model: str, shape: list[int]) -> None:
    """Each row would be computed, though there is nothing in it: for hours, or until the memory is full."""
    datatype = "FP32" if model == "slow" else "INT64"
    inputs = [{"name": name, "shape": shape, "datatype": datatype, "data": []} for name in EMPTY[model]]
    assert caller.ask("POST", f"/v2/models/{model}/infer", encoded({"inputs": inputs})) == 400
