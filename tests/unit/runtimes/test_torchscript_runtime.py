"""TorchScript: a signature that is told, traced or tried out, and no reach beyond the archive."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_torch
import torch

from jupyter_modeldeploy.errors import InvalidInput, NotFound, UnsafeContent
from jupyter_modeldeploy.records import TensorSpec
from jupyter_modeldeploy.runtimes.exported import ExportedRuntime
from jupyter_modeldeploy.runtimes.torchscript import TorchScriptRuntime

ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_a_scripted_module_tells_its_signature_by_its_first_weights(tmp_path: Path) -> None:
    runtime = TorchScriptRuntime(tiny_torch.scripted(tmp_path / "model", tiny_torch.Classifier()))
    assert runtime.signature.inputs == [TensorSpec(name="x", dtype="FP32", shape=[-1, 4])]
    assert runtime.signature.outputs == [TensorSpec(name="output", dtype="FP32", shape=[-1, 3])]


def test_a_traced_module_has_the_shapes_that_it_was_traced_with(tmp_path: Path) -> None:
    folder = tiny_torch.traced(tmp_path / "model", tiny_torch.Filters(), torch.zeros(1, 3, 16, 16))
    runtime = TorchScriptRuntime(folder)
    assert runtime.signature.inputs[0].shape == [-1, 3, 16, 16]
    assert runtime.signature.outputs[0].shape == [-1, 2]


@pytest.mark.parametrize(
    ("module", "spec"),
    [
        (tiny_torch.Filters(), TensorSpec(name="x", dtype="FP32", shape=[-1, 3, -1, -1])),
        (tiny_torch.Words(), TensorSpec(name="ids", dtype="INT64", shape=[-1, -1])),
    ],
)
def test_free_dimensions_are_those_that_a_trial_shows(
    tmp_path: Path, module: torch.nn.Module, spec: TensorSpec
) -> None:
    assert TorchScriptRuntime(tiny_torch.scripted(tmp_path / "model", module)).signature.inputs == [spec]


def test_exported_and_torchscript_answer_alike(tmp_path: Path) -> None:
    module = tiny_torch.Classifier()
    exported = ExportedRuntime(tiny_torch.exported(tmp_path / "exported", module, torch.zeros(2, 4)))
    scripted = TorchScriptRuntime(tiny_torch.scripted(tmp_path / "scripted", module, "net.ts"))
    assert np.allclose(exported.run({"x": ROWS})["output"], scripted.run({"x": ROWS})["output"], atol=1e-6)


def test_several_inputs_need_a_signature_beside_the_file(tmp_path: Path) -> None:
    folder = tiny_torch.scripted(tmp_path / "model", tiny_torch.Two())
    with pytest.raises(InvalidInput, match=r"signature\.json"):
        TorchScriptRuntime(folder)
    inputs = [{"name": name, "dtype": "FP32", "shape": [-1, 3]} for name in ("a", "b")]
    (folder / "signature.json").write_text(json.dumps({"inputs": inputs, "outputs": []}))

    runtime = TorchScriptRuntime(folder)

    assert {spec.name: spec.shape for spec in runtime.signature.outputs} == {"sum": [-1, 3], "product": [-1, 3]}
    assert np.array_equal(runtime.run({"a": ROWS[:, :3], "b": ROWS[:, 1:]})["sum"], ROWS[:, :3] + ROWS[:, 1:])


@pytest.mark.parametrize(
    "content",
    [
        "nothing",
        "{}",
        '{"inputs": [], "outputs": []}',
        '{"inputs": [{"name": "x", "dtype": "BYTES", "shape": [1]}], "outputs": []}',
    ],
)
def test_a_wrong_signature_file_is_refused(tmp_path: Path, content: str) -> None:
    folder = tiny_torch.scripted(tmp_path / "model", tiny_torch.Classifier())
    (folder / "signature.json").write_text(content)
    with pytest.raises(InvalidInput, match=r"signature\.json"):
        TorchScriptRuntime(folder)


class Saves(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, "/tmp/never-written")
        return x


class Reads(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.from_file("/etc/hostname", size=1, dtype=torch.uint8)


@pytest.mark.parametrize("module", [Saves(), Reads()])
def test_modules_that_reach_for_files_are_refused(tmp_path: Path, module: torch.nn.Module) -> None:
    with pytest.raises(UnsafeContent, match="files"):
        TorchScriptRuntime(tiny_torch.scripted(tmp_path / "model", module))


@pytest.mark.parametrize("content", [b"", b"not an archive"])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.pt").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"model\.pt"):
        TorchScriptRuntime(tmp_path)


def test_a_folder_without_a_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        TorchScriptRuntime(tmp_path)


def test_plain_weights_are_no_torchscript(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "model.pt")
    with pytest.raises(InvalidInput, match="no TorchScript"):
        TorchScriptRuntime(tmp_path)
