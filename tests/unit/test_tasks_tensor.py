"""A model in its own tensors: every row is an item, and nothing is converted silently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_onnx
from onnx import TensorProto

from jupyter_modeldeploy.datatypes import NUMPY, to_array
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.tasks.tensor import Tensor


def test_each_row_is_an_item_with_an_answer_of_its_own(tmp_path: Path) -> None:
    runtime = OnnxRuntime(folder := tiny_onnx.add_one(tmp_path / "adder"))
    task = Tensor(folder, runtime.signature)
    items = task.parse({"inputs": {"x": [[1, 2, 3, 4], [5, 6, 7, 8]]}})
    assert len(items) == 2
    assert task.decode(runtime.run(task.encode(items))) == [{"y": [2, 3, 4, 5]}, {"y": [6, 7, 8, 9]}]


@pytest.mark.parametrize("body", [[[1, 2, 3, 4]], {"inputs": [[1, 2, 3, 4]]}])
def test_one_input_needs_no_name(tmp_path: Path, body: Any) -> None:
    runtime = OnnxRuntime(folder := tiny_onnx.add_one(tmp_path / "adder"))
    task = Tensor(folder, runtime.signature)
    assert task.decode(runtime.run(task.encode(task.parse(body)))) == [{"y": [2, 3, 4, 5]}]


def test_a_model_with_a_fixed_first_dimension_takes_one_item(tmp_path: Path) -> None:
    runtime = OnnxRuntime(folder := tiny_onnx.echo(tmp_path / "echo", TensorProto.FLOAT, [2, 2]))
    task = Tensor(folder, runtime.signature)
    items = task.parse({"inputs": {"x": [[1, 2], [3, 4]]}})
    assert len(items) == 1
    assert task.decode(runtime.run(task.encode(items))) == [{"y": [[1, 2], [3, 4]]}]


def test_strings_come_back_as_strings(tmp_path: Path) -> None:
    runtime = OnnxRuntime(folder := tiny_onnx.echo(tmp_path / "echo", TensorProto.STRING, ["batch"]))
    task = Tensor(folder, runtime.signature)
    assert task.decode(runtime.run(task.encode(task.parse({"inputs": {"x": ["a", "ü"]}})))) == [{"y": "a"}, {"y": "ü"}]


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"inputs": {}},
        {"inputs": {"x": []}},
        {"inputs": {"z": [[1, 2, 3, 4]]}},
        {"inputs": {"x": [[1, 2, 3, 4]], "z": [1]}},
        {"inputs": {"x": [[1, 2, 3]]}},
        {"inputs": {"x": [1, 2, 3, 4]}},
        {"inputs": {"x": [[1, 2, 3, 4], [1]]}},
        {"inputs": {"x": [["1", "2", "3", "4"]]}},
        {"inputs": {"x": [[None, 2, 3, 4]]}},
        {"inputs": {"x": [[True, False, True, True]]}},
        {"inputs": {"x": {"a": 1}}},
    ],
)
def test_wrong_requests_are_refused(tmp_path: Path, body: Any) -> None:
    runtime = OnnxRuntime(folder := tiny_onnx.add_one(tmp_path / "adder"))
    with pytest.raises(InvalidInput):
        Tensor(folder, runtime.signature).parse(body)


@pytest.mark.parametrize(
    ("data", "datatype"),
    [
        ([1.5], "INT64"),
        ([256], "UINT8"),
        ([-1], "UINT16"),
        ([2**70], "INT64"),
        ([2**63], "INT64"),
        ([1], "BOOL"),
        (["a"], "FP32"),
        ([1], "BYTES"),
        ([["a"], ["b", "c"]], "BYTES"),
        ([[1], 2], "FP32"),
        ([3.4e38], "BF16"),
        ([1e300], "BF16"),
        ([1], "int64"),
        ([1], ["FP32"]),
        ([1.0, True], "FP32"),
        ([1, False], "INT64"),
        ([True, 1], "BOOL"),
        ([1e39], "FP32"),
        ([-65520], "FP16"),
        ([2**64], "UINT64"),
        ([None], "FP32"),
        ([[[1]], [1]], "FP32"),
    ],
)
def test_no_list_is_converted_silently(data: Any, datatype: Any) -> None:
    with pytest.raises(InvalidInput):
        to_array(data, datatype, "x")


@pytest.mark.parametrize("datatype", NUMPY)
def test_lists_become_arrays_of_each_datatype(datatype: str) -> None:
    data = {"BOOL": [[True], [False]], "BYTES": [["a"], ["b"]]}.get(datatype, [[0], [1]])
    array = to_array(data, datatype, "x")
    assert (array.dtype, array.shape) == (NUMPY[datatype], (2, 1))


def test_large_unsigned_numbers_keep_their_value() -> None:
    assert to_array([2**64 - 1, 1], "UINT64", "x").tolist() == [2**64 - 1, 1]


@pytest.mark.parametrize(("data", "shape"), [([], (0,)), ([[], []], (2, 0)), (7, ()), ([[[7]]], (1, 1, 1))])
def test_the_nesting_is_the_shape(data: Any, shape: tuple[int, ...]) -> None:
    assert to_array(data, "FP32", "x").shape == shape


def test_arrays_of_lists_may_be_written_to() -> None:
    assert to_array([1.0], "FP32", "x").flags.writeable


def test_lists_nested_deeper_than_any_tensor_are_refused() -> None:
    data: Any = 1.0
    for _ in range(1000):
        data = [data]
    with pytest.raises(InvalidInput, match="more than 32 dimensions"):
        to_array(data, "FP32", "x")
