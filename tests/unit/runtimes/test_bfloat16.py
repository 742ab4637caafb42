"""BF16 goes in and comes out of every runtime, as its bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_onnx
import tiny_torch
import torch
from onnx import TensorProto

from jupyter_modeldeploy.datatypes import BF16, narrowed
from jupyter_modeldeploy.runtimes import Runtime
from jupyter_modeldeploy.runtimes.exported import ExportedRuntime
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime


class Same(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 0


def onnx_echo(folder: Path) -> Runtime:
    return OnnxRuntime(tiny_onnx.echo(folder, TensorProto.BFLOAT16, ["batch", 3]))


def exported_echo(folder: Path) -> Runtime:
    return ExportedRuntime(tiny_torch.exported(folder, Same(), torch.zeros(2, 3, dtype=torch.bfloat16)))


@pytest.mark.parametrize("make", [onnx_echo, exported_echo])
def test_bfloat16_goes_in_and_comes_out(tmp_path: Path, make: Callable[[Path], Runtime]) -> None:
    runtime = make(tmp_path / "model")
    given = narrowed(np.array([[1.5, -2, 3e38], [0, 1e-30, 100]], np.float32))
    [spec] = runtime.signature.outputs
    assert (runtime.signature.inputs[0].dtype, spec.dtype) == ("BF16", "BF16")
    [output] = runtime.run({"x": given}).values()
    assert output.dtype == BF16
    assert output.tobytes() == given.tobytes()
    assert runtime.run({"x": given[:0]})[spec.name].shape == (0, 3)
