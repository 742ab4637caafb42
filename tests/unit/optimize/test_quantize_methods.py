"""Quantization by every method, on a network whose output a blind quantization ruins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from jupyter_modeldeploy.errors import InvalidInput, ParityFailed
from jupyter_modeldeploy.optimize.quantizing import static
from jupyter_modeldeploy.optimize.quantizing.options import QuantizeOptions
from jupyter_modeldeploy.optimize.quantizing.quantize import quantize
from jupyter_modeldeploy.optimize.quantizing.sensitivity import NoiseToSignal, output_errors
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.runtimes import Tensors
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime

WIDTH = 640.0


class Detector(torch.nn.Module):
    """Boxes in pixels beside scores from 0 to 1, in one tensor, as YOLO answers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(3, 16, 3, 2, 1), torch.nn.BatchNorm2d(16), torch.nn.ReLU(), torch.nn.Conv2d(16, 32, 3, 2, 1)
        )
        self.boxes, self.scores = torch.nn.Conv2d(32, 4, 1), torch.nn.Conv2d(32, 5, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen = self.body(images).relu()
        boxes = self.boxes(seen).flatten(2).sigmoid() * WIDTH
        return torch.cat([boxes, (4 * self.scores(seen)).flatten(2).sigmoid()], 1)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("detector")
    with quiet():
        torch.onnx.export(
            Detector().eval(),
            (torch.randn(2, 3, 32, 32),),
            folder / "model.onnx",
            input_names=["images"],
            output_names=["found"],
            dynamic_shapes={"images": {0: torch.export.Dim.DYNAMIC}},
            dynamo=True,
            external_data=False,
        )
    return folder


@pytest.fixture(scope="module")
def pictures() -> list[Tensors]:
    generator = np.random.default_rng(0)
    return [{"images": generator.standard_normal((1, 3, 32, 32)).astype(np.float32)} for _ in range(16)]


def error(before: Path, after: Path, batches: list[Tensors]) -> float:
    exact, rounded = OnnxRuntime(before), OnnxRuntime(after)
    return max(output_errors([exact.run(x) for x in batches], [rounded.run(x) for x in batches]).values())


@pytest.mark.parametrize("calibration", ["minmax", "percentile", "entropy"])
def test_static_quantization_leaves_out_what_would_ruin_the_answers(
    detector: Path, pictures: list[Tensors], tmp_path: Path, calibration: str
) -> None:
    options = QuantizeOptions.model_validate({"method": "static-int8", "calibration": calibration})

    result = quantize(detector, tmp_path / "int8", options, Silent(), pictures)

    assert [layer.operator for layer in result.layers if layer.excluded] == ["Concat"]
    assert result.layers[0].error > 0.5 > 0.1 > result.layers[1].error
    assert result.share == 1.0
    assert result.output_error is not None
    assert result.output_error["found"] < 0.01
    assert error(detector, tmp_path / "int8", pictures) == pytest.approx(result.output_error["found"], rel=0.5)


def test_what_somebody_wants_left_out_stays_as_it_is(detector: Path, pictures: list[Tensors], tmp_path: Path) -> None:
    first = next(node.name for node in onnx.load(detector / "model.onnx").graph.node if node.op_type == "Conv")
    options = QuantizeOptions(method="static-int8", exclude=[first])

    result = quantize(detector, tmp_path / "int8", options, Silent(), pictures)

    assert next(layer for layer in result.layers if layer.node == first).excluded
    assert result.quantized_nodes == result.weighted_nodes - 1


def test_a_model_that_loses_too_much_whatever_is_left_out_is_not_kept(
    detector: Path, pictures: list[Tensors], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "MOST_OUTPUT_ERROR", -1.0)
    with pytest.raises(ParityFailed, match="whatever is left out"):
        quantize(detector, tmp_path / "int8", QuantizeOptions(method="static-int8"), Silent(), pictures)

    assert not list(tmp_path.iterdir())


def test_static_quantization_needs_data_and_nodes_that_are_there(
    detector: Path, pictures: list[Tensors], tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="data to calibrate"):
        quantize(detector, tmp_path / "int8", QuantizeOptions(method="static-int8"), Silent())
    options = QuantizeOptions(method="static-int8", exclude=["head"])
    with pytest.raises(InvalidInput, match="no node head"):
        quantize(detector, tmp_path / "int8", options, Silent(), pictures)


@pytest.mark.parametrize(
    ("method", "ratio", "most"), [("fp16", 1.6, 1e-4), ("weight-int8", 1.3, 1e-3), ("weight-int4", 1.4, 0.2)]
)
def test_other_methods_make_a_text_model_smaller_and_keep_its_answers(
    converted: Path, tmp_path: Path, method: str, ratio: float, most: float
) -> None:
    result = quantize(converted, tmp_path / "out", QuantizeOptions.model_validate({"method": method}), Silent())

    ids = np.random.default_rng(0).integers(5, 25, (16, 12))
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    assert result.ratio > ratio
    assert error(converted, tmp_path / "out", [inputs]) < most


def test_weights_alone_need_matrix_products(detector: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no matrix product"):
        quantize(detector, tmp_path / "out", QuantizeOptions(method="weight-int4"), Silent())


def test_a_quiet_channel_counts_as_much_as_a_loud_one() -> None:
    exact = np.stack([np.full(10, 500.0), np.linspace(0.1, 1, 10)])[np.newaxis]
    lost = exact.copy()
    lost[0, 1] = 0
    noise = NoiseToSignal()
    noise.add(exact, lost)

    assert noise.value == 0.5
