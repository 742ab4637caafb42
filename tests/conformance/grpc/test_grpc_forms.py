"""Requests of one form are parsed once: each is answered as if it had been alone, whatever came before it."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from grpc_service import GrpcServed
from tritonclient.grpc import service_pb2


def message(values: list[list[float]], version: str = "1", **more: object) -> service_pb2.ModelInferRequest:
    array = np.array(values, np.float32)
    made = service_pb2.ModelInferRequest(model_name="adder", model_version=version, **more)
    made.inputs.add(name="x", datatype="FP32", shape=array.shape)
    made.raw_input_contents.append(array.tobytes())
    return made


def answer(served: GrpcServed, raw: bytes, **more: object) -> tuple[list[float], service_pb2.ModelInferResponse]:
    """The first output's values, and the whole answer."""
    answered = service_pb2.ModelInferResponse.FromString(served.call(raw, **more))
    return np.frombuffer(answered.raw_output_contents[0], np.float32).tolist(), answered


@pytest.mark.parametrize("timeout", [None, 20])
def test_each_request_of_a_form_has_its_own_values(served: GrpcServed, timeout: float | None) -> None:
    for first in range(5):
        values, answered = answer(served, message([[first, 2, 3, 4]]).SerializeToString(), timeout=timeout)
        assert values == [first + 1, 3, 4, 5]
        assert (answered.model_name, answered.model_version, answered.id) == ("adder", "1", "")
        assert list(answered.outputs[0].shape) == [1, 4]


def test_forms_of_one_length_are_told_apart(served: GrpcServed) -> None:
    for _ in range(3):
        assert answer(served, message([[1, 2, 3, 4]], "1").SerializeToString())[0] == [2, 3, 4, 5]
        assert answer(served, message([[1, 2, 3, 4]], "2").SerializeToString())[0] == [3, 4, 5, 6]


def test_outputs_ids_and_typed_contents_are_heeded_after_a_plain_request(served: GrpcServed) -> None:
    typed = message([[1, 2, 3, 4]])
    typed.ClearField("raw_input_contents")
    typed.inputs[0].contents.fp32_contents.extend([5, 6, 7, 8])
    asked = message([[1, 2, 3, 4]])
    asked.outputs.add(name="y")
    for _ in range(3):
        assert answer(served, message([[1, 2, 3, 4]]).SerializeToString())[0] == [2, 3, 4, 5]
        assert answer(served, message([[1, 2, 3, 4]], id="mine").SerializeToString())[1].id == "mine"
        assert answer(served, typed.SerializeToString())[0] == [6, 7, 8, 9]
        assert answer(served, asked.SerializeToString())[0] == [2, 3, 4, 5]


def test_an_output_that_does_not_exist_is_refused_each_time(served: GrpcServed) -> None:
    asked = message([[1, 2, 3, 4]])
    asked.outputs.add(name="z")
    for _ in range(3):
        with pytest.raises(grpc.RpcError, match="no output 'z'"):
            served.call(asked.SerializeToString())


def test_contents_that_stand_first_are_found_where_they_are(served: GrpcServed) -> None:
    """Serialized by hand, with bytes at the end that only look like contents."""
    contents = np.array([1, 2, 3, 4], np.float32).tobytes()
    disguised = message([[1, 2, 3, 4]])
    disguised.ClearField("raw_input_contents")
    field = b"\x3a" + bytes([len(contents)])
    unknown = b"\xa2\x06" + bytes([len(field + contents)]) + field
    for first in range(3):
        last = np.array([first, 2, 3, 4], np.float32).tobytes()
        raw = field + contents + disguised.SerializeToString() + unknown + last
        assert answer(served, raw)[0] == [2, 3, 4, 5]
