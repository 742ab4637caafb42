"""ONNX models are loaded with a true signature, refuse what they cannot take, and never read beyond their folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_onnx
from onnx import TensorProto
from onnxruntime.capi import onnxruntime_pybind11_state as native

from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, NotFound
from jupyter_modeldeploy.records import TensorSpec
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime

DTYPES = {
    TensorProto.BOOL: ("BOOL", np.bool_),
    TensorProto.UINT8: ("UINT8", np.uint8),
    TensorProto.UINT16: ("UINT16", np.uint16),
    TensorProto.UINT32: ("UINT32", np.uint32),
    TensorProto.UINT64: ("UINT64", np.uint64),
    TensorProto.INT8: ("INT8", np.int8),
    TensorProto.INT16: ("INT16", np.int16),
    TensorProto.INT32: ("INT32", np.int32),
    TensorProto.INT64: ("INT64", np.int64),
    TensorProto.FLOAT16: ("FP16", np.float16),
    TensorProto.FLOAT: ("FP32", np.float32),
    TensorProto.DOUBLE: ("FP64", np.float64),
}


@pytest.fixture
def adder(tmp_path: Path) -> OnnxRuntime:
    return OnnxRuntime(tiny_onnx.add_one(tmp_path / "adder"))


def test_the_signature_has_protocol_datatypes_and_free_dimensions(adder: OnnxRuntime) -> None:
    assert adder.signature.inputs == [TensorSpec(name="x", dtype="FP32", shape=[-1, 4])]
    assert adder.signature.outputs == [TensorSpec(name="y", dtype="FP32", shape=[-1, 4])]


def test_run_gives_all_outputs_by_name(adder: OnnxRuntime) -> None:
    outputs = adder.run({"x": np.zeros((3, 4), np.float32)})
    assert list(outputs) == ["y"]
    assert np.array_equal(outputs["y"], np.ones((3, 4), np.float32))


@pytest.mark.parametrize("onnx_type", DTYPES)
def test_every_datatype_goes_in_and_comes_out(tmp_path: Path, onnx_type: int) -> None:
    name, dtype = DTYPES[onnx_type]
    runtime = OnnxRuntime(tiny_onnx.echo(tmp_path / "echo", onnx_type, ["batch"]))
    given = np.array([0, 1, 1], dtype)
    assert runtime.signature.inputs[0].dtype == name
    assert np.array_equal(runtime.run({"x": given})["y"], given)


def test_strings_are_bytes_in_utf_8(tmp_path: Path) -> None:
    runtime = OnnxRuntime(tiny_onnx.echo(tmp_path / "echo", TensorProto.STRING, ["batch"]))
    given = np.array(["grün".encode(), b""], dtype=np.object_)
    assert runtime.signature.inputs[0].dtype == "BYTES"
    assert runtime.run({"x": given})["y"].tolist() == given.tolist()
    with pytest.raises(InvalidInput, match="UTF-8"):
        runtime.run({"x": np.array([b"\xff"], dtype=np.object_)})


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "'x' is missing"),
        ({"z": np.zeros((1, 4), np.float32)}, "'x' is missing"),
        ({"x": np.zeros((1, 4), np.float32), "z": np.zeros(1)}, "no input 'z'"),
        ({"x": np.zeros((1, 4), np.float64)}, "FP64.*FP32"),
        ({"x": np.zeros((1, 4), np.complex64)}, "complex64"),
        ({"x": np.zeros((1, 5), np.float32)}, r"\[1, 5\].*\[-1, 4\]"),
        ({"x": np.zeros(4, np.float32)}, r"\[4\].*\[-1, 4\]"),
    ],
)
def test_wrong_inputs_are_refused_with_the_value_and_what_was_expected(
    adder: OnnxRuntime, inputs: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        adder.run(inputs)


def test_values_that_the_graph_cannot_take_are_the_callers_fault(tmp_path: Path) -> None:
    runtime = OnnxRuntime(tiny_onnx.encoder(tmp_path / "encoder"))
    beyond = np.array([[99]], np.int64)
    with pytest.raises(InvalidInput, match="cannot take"):
        runtime.run({"input_ids": beyond, "attention_mask": np.ones_like(beyond)})


def test_free_dimensions_that_do_not_fit_each_other_are_the_callers_fault(tmp_path: Path) -> None:
    sides = [tiny_onnx.value(name, TensorProto.FLOAT, [name]) for name in ("a", "b", "y")]
    folder = tiny_onnx.save(tmp_path, [onnx.helper.make_node("Add", ["a", "b"], ["y"])], sides[:2], sides[2:], {})
    with pytest.raises(InvalidInput, match="cannot take"):
        OnnxRuntime(folder).run({"a": np.ones(2, np.float32), "b": np.ones(3, np.float32)})


@pytest.mark.parametrize("error", [native.NotImplemented("no kernel"), native.Fail("CUDA failure 700: illegal")])
def test_what_no_input_would_have_saved_is_the_models_failure(
    adder: OnnxRuntime, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*given: object) -> None:
        raise error

    monkeypatch.setattr(adder, "_run_session", fail)
    with pytest.raises(ModelDeployError, match="The model failed") as raised:
        adder.run({"x": np.zeros((1, 4), np.float32)})
    assert raised.value.status == 500


def test_run_may_be_called_from_several_threads(adder: OnnxRuntime) -> None:
    wrong: list[int] = []

    def call(number: int) -> None:
        for _ in range(50):
            if not (adder.run({"x": np.full((2, 4), number, np.float32)})["y"] == number + 1).all():
                wrong.append(number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_only_onnx_file_is_found_whatever_its_name(tmp_path: Path) -> None:
    folder = tiny_onnx.add_one(tmp_path / "adder")
    (folder / "model.onnx").rename(folder / "other.onnx")
    assert OnnxRuntime(folder).signature.inputs[0].name == "x"


def test_a_folder_without_a_model_and_one_with_too_many_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no \.onnx file"):
        OnnxRuntime(tmp_path)
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / name).touch()
    with pytest.raises(NotFound, match=r"a\.onnx, b\.onnx"):
        OnnxRuntime(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08" * 100])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"cannot load model\.onnx"):
        OnnxRuntime(tmp_path)


@pytest.mark.parametrize("location", ["../secret", "{absolute}", "link", "inside/../../secret"])
def test_weights_outside_the_folder_are_never_read(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(np.ones(4, np.float32).tobytes())
    folder = tiny_onnx.add_one(tmp_path / "model")
    os.symlink("../secret", folder / "link")
    (folder / "inside").mkdir()
    model = onnx.load(folder / "model.onnx")
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entries = {"location": location.format(absolute=tmp_path / "secret"), "offset": "0", "length": "16"}
    for key, value in entries.items():
        weight.external_data.add(key=key, value=value)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InvalidInput, match="cannot load"):
        OnnxRuntime(folder)
