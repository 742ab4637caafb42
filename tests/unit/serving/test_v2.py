"""The Open Inference Protocol's requests are read strictly, and its answers are what its clients read."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_modeldeploy.datatypes import NUMPY
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.serving.protocols.v2 import decode_request, encode_response

GOOD = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}


def request(*inputs: Any, **more: Any) -> bytes:
    return orjson.dumps({"inputs": list(inputs), **more})


def changed(**fields: Any) -> bytes:
    return request({**GOOD, **fields})


def test_flat_and_nested_data_are_the_same_tensor() -> None:
    flat, nested = decode_request(request(GOOD), None), decode_request(changed(data=[[1, 2]]), None)
    assert np.array_equal(flat.inputs["x"], nested.inputs["x"])
    assert flat.inputs["x"].shape == (1, 2)


@pytest.mark.parametrize("datatype", NUMPY)
def test_each_datatype_survives_json_and_binary(datatype: str) -> None:
    values = {"BOOL": [True, False], "BYTES": ["a", "grün"]}.get(datatype, [0, 1])
    as_json = decode_request(request({"name": "x", "shape": [2], "datatype": datatype, "data": values}), None)
    array = as_json.inputs["x"]
    for binary in (False, True):
        as_json.binary_default = binary
        body, header_length = encode_response("m", "1", {"x": array}, as_json)
        answer = orjson.loads(body[:header_length])
        again = request({key: answer["outputs"][0][key] for key in answer["outputs"][0]})
        raw = body[header_length:] if header_length else b""
        decoded = decode_request(again + raw, str(len(again)).encode() if raw else None)
        assert decoded.inputs["x"].tolist() == array.tolist()
        assert decoded.inputs["x"].dtype == array.dtype


def test_id_version_and_wanted_outputs_are_in_the_answer() -> None:
    parsed = decode_request(request(GOOD, id="7", outputs=[{"name": "b"}]), None)
    outputs = {"a": np.zeros(1, np.float32), "b": np.ones((1, 2), np.int64)}
    answer = orjson.loads(encode_response("m", "3", outputs, parsed)[0])
    assert answer == {
        "model_name": "m",
        "model_version": "3",
        "id": "7",
        "outputs": [{"name": "b", "datatype": "INT64", "shape": [1, 2], "data": [1, 1]}],
    }


def test_an_output_says_for_itself_whether_it_is_binary() -> None:
    outputs = [{"name": "a", "parameters": {"binary_data": False}}, {"name": "b"}]
    parsed = decode_request(request(GOOD, outputs=outputs, parameters={"binary_data_output": True}), None)
    body, length = encode_response("m", "1", {"a": np.ones(1, np.float32), "b": np.ones(1, np.float32)}, parsed)
    first, second = orjson.loads(body[:length])["outputs"]
    assert first["data"] == [1.0]
    assert second["parameters"] == {"binary_data_size": 4}
    assert body[length:] == struct.pack("<f", 1.0)


def test_an_output_that_is_not_there_is_refused() -> None:
    parsed = decode_request(request(GOOD, outputs=[{"name": "b"}]), None)
    with pytest.raises(InvalidInput, match="no output 'b'"):
        encode_response("m", "1", {"a": np.ones(1)}, parsed)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        request(),
        b'{"inputs": {}}',
        request(7),
        request({}),
        request(GOOD, GOOD),
        changed(name=7),
        changed(shape=None),
        changed(shape=[-1, 2]),
        changed(shape=[1.0, 2]),
        changed(shape=[True, 2]),
        changed(shape=[3]),
        changed(shape=[1] * 33),
        changed(shape=[0, 2**62, 2**62], data=[]),
        changed(shape=[2**62, 2**62]),
        changed(shape=[2**63]),
        changed(shape=[0, 2**64 - 1], data=[]),
        changed(shape=[]),
        changed(data=[1, True]),
        changed(data=[1e39, 0]),
        b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [NaN]}]}',
        b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [Infinity]}]}',
        b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1e400]}]}',
        b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        changed(datatype=None),
        changed(datatype="FLOAT"),
        changed(datatype="BF16", data=[1, 3.4e38]),
        changed(data=None),
        changed(data=[1]),
        changed(data=["a", "b"]),
        changed(data=[[1], [2, 3]]),
        changed(data={"a": 1}),
        changed(datatype="INT8", data=[1, 300]),
        changed(parameters=[]),
        changed(parameters={"binary_data_size": 8}),
        changed(parameters={"binary_data_size": -1}),
        changed(parameters={"binary_data_size": "8"}),
        changed(parameters={"shared_memory_region": "r"}),
        request(GOOD, id=7),
        request(GOOD, parameters=[]),
        request(GOOD, parameters={"binary_data_output": "yes"}),
        request(GOOD, outputs={}),
        request(GOOD, outputs=[{}]),
        request(GOOD, outputs=[{"name": "y"}, {"name": "y"}]),
        request(GOOD, outputs=[{"name": "y", "parameters": {"classification": 0}}]),
        request({"name": "x", "shape": [1], "datatype": "FP32"}),
    ],
)
def test_a_malformed_request_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_request(body, None)


@pytest.mark.parametrize("field", ["name", "shape", "datatype", "parameters"])
@pytest.mark.parametrize("value", ["a" * 100_000, list(range(100_000)), {str(n): n for n in range(10_000)}])
def test_an_error_does_not_repeat_all_that_was_sent(field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as raised:
        decode_request(changed(**{field: value, "data": "wrong"}), None)
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize("length", [b"-1", b"9" * 5000, b"1e3", b"", b"99999", b"x", "²".encode()])
def test_a_wrong_header_length_is_refused(length: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_request(request(GOOD), length)


@pytest.mark.parametrize(
    ("raw", "datatype", "shape"),
    [
        (b"\0" * 7, "FP32", [2]),
        (b"\0" * 9, "FP32", [2]),
        (b"\x05\0\0\0ab", "BYTES", [1]),
        (b"\x01\0\0\0a", "BYTES", [2]),
        (b"\x01\0\0", "BYTES", [1]),
        (b"\xff\xff\xff\xff", "BYTES", [1]),
    ],
)
def test_binary_data_that_does_not_fit_its_shape_is_refused(raw: bytes, datatype: str, shape: list[int]) -> None:
    size = {"parameters": {"binary_data_size": len(raw)}}
    header = request({"name": "x", "shape": shape, "datatype": datatype, **size})
    with pytest.raises(InvalidInput):
        decode_request(header + raw, str(len(header)).encode())


def test_bytes_that_no_tensor_names_are_refused() -> None:
    header = request(GOOD)
    with pytest.raises(InvalidInput, match="3 bytes follow"):
        decode_request(header + b"abc", str(len(header)).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "data"]), inner, max_size=2),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "shape", "datatype", "data", "parameters"), JSON)))
def test_no_request_raises_anything_but_invalid_input(tensor: dict[str, Any]) -> None:
    try:
        body = orjson.dumps({"inputs": [{**GOOD, **tensor}]})
    except TypeError:  # an integer beyond 64 bits, which orjson does not write
        return
    try:
        decode_request(body, None)
    except InvalidInput:
        return
