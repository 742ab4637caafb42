"""Exported programs: a true signature, the module's own answers, and nothing that an archive could run."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_torch
import torch
from torch.export import Dim

from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, NotFound, TooLarge, UnsafeContent
from jupyter_modeldeploy.records import TensorSpec
from jupyter_modeldeploy.runtimes import exported_archive
from jupyter_modeldeploy.runtimes.exported import ExportedRuntime
from jupyter_modeldeploy.runtimes.torch_module import TorchModule
from jupyter_modeldeploy.signatures import Signature

ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_the_program_answers_as_its_module_for_any_number_of_rows(tmp_path: Path) -> None:
    module = tiny_torch.Classifier()
    runtime = ExportedRuntime(tiny_torch.exported(tmp_path / "model", module, torch.zeros(2, 4)))

    assert runtime.signature.inputs == [TensorSpec(name="x", dtype="FP32", shape=[-1, 4])]
    assert runtime.signature.outputs == [TensorSpec(name="output", dtype="FP32", shape=[-1, 3])]
    for rows in (ROWS[:1], ROWS):
        expected = module(torch.from_numpy(rows)).detach().numpy()
        assert np.allclose(runtime.run({"x": rows})["output"], expected, atol=1e-6)


def test_names_of_inputs_and_of_a_dict_are_kept(tmp_path: Path) -> None:
    runtime = ExportedRuntime(tiny_torch.exported(tmp_path / "model", tiny_torch.Two(), *torch.zeros(2, 2, 3)))

    assert [spec.name for spec in runtime.signature.inputs] == ["a", "b"]
    outputs = runtime.run({"a": ROWS[:, :3], "b": ROWS[:, 1:]})
    assert np.array_equal(outputs["sum"], ROWS[:, :3] + ROWS[:, 1:])
    assert np.array_equal(outputs["product"], ROWS[:, :3] * ROWS[:, 1:])


def test_memory_that_is_only_lent_is_not_written_to(tmp_path: Path) -> None:
    runtime = ExportedRuntime(tiny_torch.exported(tmp_path / "model", tiny_torch.Classifier(), torch.zeros(2, 4)))
    lent = np.frombuffer(ROWS.tobytes(), np.float32).reshape(3, 4)
    assert np.array_equal(runtime.run({"x": lent})["output"], runtime.run({"x": ROWS})["output"])


def test_a_range_of_sizes_is_held_and_told(tmp_path: Path) -> None:
    folder = tiny_torch.exported(
        tmp_path / "model", tiny_torch.Classifier(), torch.zeros(3, 4), batch=Dim("few", min=3, max=8)
    )
    runtime = ExportedRuntime(folder)
    assert runtime.max_rows == 8
    with pytest.raises(TooLarge, match="3 to 8"):
        runtime.run({"x": np.zeros((9, 4), np.float32)})
    with pytest.raises(InvalidInput, match="3 to 8"):
        runtime.run({"x": np.zeros((2, 4), np.float32)})


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "'x' is missing"),
        ({"x": ROWS.astype(np.float64)}, "FP64"),
        ({"x": ROWS[:, :3]}, "shape"),
        ({"x": ROWS, "y": ROWS}, "no input 'y'"),
    ],
)
def test_wrong_inputs_are_refused(tmp_path: Path, inputs: dict[str, np.ndarray], message: str) -> None:
    runtime = ExportedRuntime(tiny_torch.exported(tmp_path / "model", tiny_torch.Classifier(), torch.zeros(2, 4)))
    with pytest.raises(InvalidInput, match=message):
        runtime.run(inputs)


def test_rows_that_do_not_fit_each_other_are_the_callers_fault(tmp_path: Path) -> None:
    runtime = ExportedRuntime(tiny_torch.exported(tmp_path / "model", tiny_torch.Two(), *torch.zeros(2, 2, 3)))
    with pytest.raises(InvalidInput, match="cannot take"):
        runtime.run({"a": ROWS[:2, :3], "b": ROWS[:, :3]})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("expected 4D input (got 2D input)"), InvalidInput),
        (IndexError("index out of range in self"), InvalidInput),
        (AssertionError("Guard failed: b.size()[0] == a.size()[0]"), InvalidInput),
        (NotImplementedError("\"cumsum_out_cpu\" not implemented for 'Bool'"), ModelDeployError),
        (TypeError("unsupported operand"), ModelDeployError),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), ModelDeployError),
    ],
)
def test_what_no_input_would_have_saved_is_the_models_failure(error: Exception, kind: type[Exception]) -> None:
    def fails(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        raise error

    module = TorchModule(fails, Signature(inputs=[], outputs=[]), 1, torch.device("cpu"))
    with pytest.raises(ModelDeployError) as raised:
        module.run({})
    assert type(raised.value) is kind


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"not an archive"])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.pt2").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"model\.pt2"):
        ExportedRuntime(tmp_path)


def test_a_folder_without_a_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no \.pt2 file"):
        ExportedRuntime(tmp_path)


class _Touches:
    """A pickle that leaves a file where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


def _rewritten(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Write the archive again with each file's content as `change(its name, its content)` gives it."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            if (new := change(name.partition("/")[2], content)) is not None:
                archive.writestr(name, new)


def _pickled(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Path, Path]:
    """A sound archive to be spoiled, and what a spoiled one would leave behind."""
    return tiny_torch.exported(tmp_path / "model", tiny_torch.Classifier(), torch.zeros(2, 4)), tmp_path / "ran"


def test_sample_inputs_are_never_unpickled(hostile: tuple[Path, Path]) -> None:
    folder, trace = hostile
    _rewritten(
        folder / "model.pt2",
        lambda name, content: _pickled(_Touches(trace)) if "sample_inputs" in name else content,
    )
    assert ExportedRuntime(folder).run({"x": ROWS})["output"].shape == (3, 3)
    assert not trace.exists()


def test_pickled_weights_are_refused(hostile: tuple[Path, Path]) -> None:
    folder, trace = hostile

    def spoiled(name: str, content: bytes) -> bytes:
        if name.endswith("model_weights_config.json"):
            return content.replace(b'"use_pickle": false', b'"use_pickle": true')
        return _pickled(_Touches(trace)) if name.endswith("weight_0") else content

    _rewritten(folder / "model.pt2", spoiled)
    with pytest.raises(UnsafeContent, match="pickle"):
        ExportedRuntime(folder)
    assert not trace.exists()


def test_the_old_form_of_weights_a_pickle_is_refused(hostile: tuple[Path, Path]) -> None:
    folder, trace = hostile
    with zipfile.ZipFile(folder / "model.pt2", "a") as archive:
        archive.writestr("model/data/weights/model.pt", _pickled(_Touches(trace)))
    with pytest.raises(UnsafeContent, match="pickle"):
        ExportedRuntime(folder)
    assert not trace.exists()


CODE = "__import__('os').mkdir('{}')"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text, code: text.replace("Symbol('s77', positive=True, integer=True)", code),
        lambda text, code: text.replace("torch.ops.aten.relu.default", "_operator.attrgetter"),
        lambda text, code: text.replace("torch.ops.aten.relu.default", "torch.os.mkdir"),
        lambda text, code: text.replace("torch.ops.aten.relu.default", "torch.ops.aten.from_file.default"),
        lambda text, code: text.replace("torch.ops.aten.relu.default", "torch.ops.aten.relu.__class__"),
        lambda text, code: text.replace("torch.ops.aten.relu.default", "#custom.op"),
        lambda text, code: text.replace('"relu"', json.dumps(f"relu = {code}\n    b")),
        lambda text, code: text.replace('"x"', json.dumps(f"x={code}")),
        lambda text, code: text.replace('"builtins.tuple', '"collections.defaultdict'),
        lambda text, code: text.replace("builtins.tuple", "collections.defaultdict"),
        lambda text, code: text.replace('\\"context\\": \\"[]\\"', '\\"context\\": \\"{\\\\\\"__enum__\\\\\\": 1}\\"'),
    ],
)
def test_a_graph_that_would_run_code_is_refused(hostile: tuple[Path, Path], spoil: Callable[[str, str], str]) -> None:
    folder, trace = hostile

    def spoiled(name: str, content: bytes) -> bytes:
        if name != "models/model.json":
            return content
        changed = spoil(content.decode(), CODE.format(trace))
        assert changed != content.decode()
        return changed.encode()

    _rewritten(folder / "model.pt2", spoiled)
    with pytest.raises(UnsafeContent):
        ExportedRuntime(folder)
    assert not trace.exists()


def test_guards_written_as_python_are_never_run(hostile: tuple[Path, Path]) -> None:
    folder, trace = hostile

    def spoiled(name: str, content: bytes) -> bytes:
        if name != "models/model.json":
            return content
        program = json.loads(content)
        program["guards_code"] = [CODE.format(trace)]
        return json.dumps(program).encode()

    _rewritten(folder / "model.pt2", spoiled)
    ExportedRuntime(folder).run({"x": ROWS})
    assert not trace.exists()


def test_of_what_an_exporter_noted_only_plain_paths_of_modules_are_read(hostile: tuple[Path, Path]) -> None:
    folder, trace = hostile
    _rewritten(
        folder / "model.pt2",
        lambda _, content: content.replace(b",layers.0,torch", f",{CODE.format(trace)},torch".encode()),
    )
    program = exported_archive.load(folder / "model.pt2")
    noted = [path for node in program.graph.nodes for path, _ in node.meta.get("nn_module_stack", {}).values()]
    assert noted == ["layers.1", "layers.2"]
