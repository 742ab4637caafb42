"""Bad requests over gRPC: each is told what is wrong in a status that means it, and never UNKNOWN nor INTERNAL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from bad_requests import DATATYPES, REGION, examples
from hypothesis import given
from hypothesis import strategies as st
from serving_service import Served

from jupyter_modeldeploy.serving.grpc.messages import SERVICE, ModelInferRequest

MEANT = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.FAILED_PRECONDITION,
}
PATH = f"/{SERVICE.full_name}/"
OPERATIONS = [method.name for method in SERVICE.methods if "Infer" not in method.name]
MODELS = ["adder", "texts", "embed", "slow", "pictures", "bf16", "fp16", "bytes", "nothing", ""]
NUMBERS = st.one_of(st.integers(-1, 5), st.sampled_from([2**31, 2**62, -(2**63)]))
VALUES = st.one_of(
    st.tuples(st.just("int64_param"), NUMBERS),
    st.tuples(st.just("bool_param"), st.booleans()),
    st.tuples(st.just("string_param"), st.one_of(st.just(REGION), st.text(max_size=5))),
    st.tuples(st.just("double_param"), st.floats()),
    st.tuples(st.just("uint64_param"), st.integers(0, 2**64 - 1)),
)
PARAMETERS = st.dictionaries(
    st.sampled_from(
        [
            "shared_memory_region",
            "shared_memory_byte_size",
            "shared_memory_offset",
            "classification",
            "timeout",
            "priority",
            "binary_data",
            "other",
        ]
    ),
    VALUES,
    max_size=3,
)
CONTENTS = {
    "bool_contents": st.booleans(),
    "int_contents": st.integers(-(2**31), 2**31 - 1),
    "int64_contents": st.integers(-(2**63), 2**63 - 1),
    "uint_contents": st.integers(0, 2**32 - 1),
    "fp32_contents": st.floats(width=32),
    "fp64_contents": st.floats(),
    "bytes_contents": st.binary(max_size=4),
}


def fill(parameters: Any, values: dict[str, tuple[str, Any]]) -> None:
    for name, (field, value) in values.items():
        if field in parameters[name].DESCRIPTOR.fields_by_name:
            setattr(parameters[name], field, value)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A message that is well-formed, if nothing else."""
    request = ModelInferRequest(model_name=draw(st.sampled_from(MODELS)), id=draw(st.text(max_size=5)))
    request.model_version = draw(st.sampled_from(["", "", "1", "9", "x"]))
    fill(request.parameters, draw(PARAMETERS))
    for name in draw(st.lists(st.sampled_from(["x", "input_ids", "attention_mask", ""]), max_size=3)):
        tensor = request.inputs.add(name=name, datatype=draw(st.sampled_from([*DATATYPES, "", "FP8"])))
        shapes = st.one_of(st.lists(NUMBERS, max_size=4), st.sampled_from([[1, 4], [2, 2], [1] * 40, [2**40, 0]]))
        tensor.shape.extend(draw(shapes))
        fill(tensor.parameters, draw(PARAMETERS))
        for field, values in draw(st.sampled_from([{}, *({one: CONTENTS[one]} for one in CONTENTS)])).items():
            getattr(tensor.contents, field).extend(draw(st.lists(values, max_size=8)))
    for name in draw(st.lists(st.sampled_from(["y", "logits", ""]), max_size=2)):
        fill(request.outputs.add(name=name).parameters, draw(PARAMETERS))
    request.raw_input_contents.extend(draw(st.lists(st.binary(max_size=40), max_size=3)))
    content: bytes = request.SerializeToString()
    return content


@pytest.fixture
def call(unharmed: Served) -> Iterator[Callable[[str, bytes], grpc.StatusCode | None]]:
    """Asks a method with these bytes; gives the status of the error, which tells what is wrong, or None."""
    metadata = (("authorization", f"Bearer {unharmed.token}"),)
    with grpc.insecure_channel(str(unharmed.service.grpc_url)) as channel:

        def called(method: str, raw: bytes) -> grpc.StatusCode | None:
            error = channel.unary_unary(PATH + method).future(raw, metadata=metadata, timeout=120).exception()
            if error is None:
                return None
            assert error.code() in MEANT, error
            assert error.details()
            code: grpc.StatusCode = error.code()
            return code

        yield called


@examples(1500)
@given(raw=requests())
def test_requests_that_are_well_formed(call, raw: bytes) -> None:
    call("ModelInfer", raw)


@examples(700)
@given(raw=requests(), damage=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=4))
def test_requests_that_are_damaged(call, raw: bytes, damage: list[tuple[int, int]]) -> None:
    content = bytearray(raw)
    for place, byte in damage:
        if content:
            content[place % len(content)] = byte
    call("ModelInfer", bytes(content))


@examples(700)
@given(method=st.sampled_from(OPERATIONS), raw=st.one_of(st.binary(max_size=40), requests()))
def test_all_other_methods(call, method: str, raw: bytes) -> None:
    call(method, raw)


@examples(30)
@given(raws=st.lists(st.one_of(requests(), st.binary(max_size=30)), min_size=1, max_size=20))
def test_a_stream_answers_each_of_its_requests(unharmed: Served, raws: list[bytes]) -> None:
    metadata = (("authorization", f"Bearer {unharmed.token}"),)
    with grpc.insecure_channel(str(unharmed.service.grpc_url)) as channel:
        stream = channel.stream_stream(PATH + "ModelStreamInfer")
        assert len(list(stream(iter(raws), metadata=metadata, timeout=120))) == len(raws)
