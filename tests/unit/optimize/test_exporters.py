"""What happens where the first exporter, or every one, fails."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from jupyter_modeldeploy.errors import ConversionFailed, ParityFailed
from jupyter_modeldeploy.optimize.converting.from_module import convert_module
from jupyter_modeldeploy.optimize.converting.opset import chosen, for_runtime
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.signatures import TensorSpec

ROWS = [TensorSpec("x", "FP32", [-1, 4])]


class Asks(torch.nn.Module):
    """Looks at its values to decide, which can be traced and not followed."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) if x.abs().sum() >= 0 else x


class Fixes(Asks):
    """A trace of it holds the number of rows that it was traced with."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + torch.zeros(int(x.shape[0]), 3)


class Unknown(torch.nn.Module):
    """Computes what no ONNX operator does."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.special.bessel_j0(x)


def test_what_cannot_be_followed_is_traced(tmp_path: Path) -> None:
    made = convert_module(Asks(), ROWS, tmp_path / "onnx", Format.onnx, Silent())

    assert made.exporter == "trace"
    assert "data-dependent" in made.refused["dynamo"]
    assert OnnxRuntime(tmp_path / "onnx").signature == made.signature


def test_a_row_count_that_became_a_constant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParityFailed, match=r"has the shape \(2, 3\) and not \(1, 3\)"):
        convert_module(Fixes(), ROWS, tmp_path / "onnx", Format.onnx, Silent())

    assert not list(tmp_path.iterdir())


def test_a_model_that_nothing_can_write_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConversionFailed, match="bessel_j0") as refused:
        convert_module(Unknown(), ROWS, tmp_path / "onnx", Format.onnx, Silent())

    assert "Traceback" not in str(refused.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", [Format.torchscript, Format.exported])
def test_what_onnx_cannot_hold_torchs_own_formats_can(tmp_path: Path, target: Format) -> None:
    made = convert_module(Unknown(), ROWS, tmp_path / "model", target, Silent())

    assert made.format is target
    assert [row.passed for row in made.parity] == [True]


def test_the_opset_is_one_that_the_runtime_loads_or_the_one_asked_for(tmp_path: Path) -> None:
    layer = torch.nn.Linear(4, 3).train()
    made = convert_module(layer, ROWS, tmp_path / "newest", Format.onnx, Silent())
    older = convert_module(layer, ROWS, tmp_path / "older", Format.onnx, Silent(), opset=18)

    assert (made.opset, older.opset) == (for_runtime(), 18)
    assert chosen() == for_runtime()
    assert layer.training  # as it was
