from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from jupyter_modeldeploy.errors import InvalidInput, ParityFailed
from jupyter_modeldeploy.optimize.quantizing.dynamic import dynamic_int8
from jupyter_modeldeploy.optimize.quantizing.result import Quantization
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime


@pytest.fixture(scope="module")
def quantization(converted: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Quantization]:
    out = tmp_path_factory.mktemp("quantized") / "int8"
    return out, dynamic_int8(converted, out, Silent())


def test_the_file_is_smaller_and_its_weights_are_integers(quantization: tuple[Path, Quantization]) -> None:
    out, result = quantization

    assert result.size_after_bytes == (out / "model.onnx").stat().st_size
    assert result.ratio > 2.5
    assert result.share == 1.0
    assert "MatMulInteger" in result.operators_after
    assert "MatMulInteger" not in result.operators_before


def test_the_answers_stay_near(converted: Path, quantization: tuple[Path, Quantization]) -> None:
    ids = np.random.default_rng(0).integers(5, 25, (64, 12))
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}

    before = OnnxRuntime(converted).run(inputs)["logits"]
    after = OnnxRuntime(quantization[0]).run(inputs)["logits"]

    assert np.abs(before - after).max() < 0.1 * np.ptp(before)


def test_what_lay_beside_the_weights_comes_along(converted: Path, quantization: tuple[Path, Quantization]) -> None:
    assert {path.name for path in quantization[0].iterdir()} == {path.name for path in converted.iterdir()}


def test_a_quantized_model_is_not_quantized_again(quantization: tuple[Path, Quantization], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="quantized already"):
        dynamic_int8(quantization[0], tmp_path / "again", Silent())

    assert not list(tmp_path.iterdir())


def test_a_model_that_gives_no_numbers_leaves_nothing(converted: Path, tmp_path: Path) -> None:
    model = onnx.load(converted / "model.onnx")
    bias = next(tensor for tensor in model.graph.initializer if tensor.name.endswith("classifier.bias"))
    bias.CopyFrom(numpy_helper.from_array(np.float32([np.nan, 0]), bias.name))
    (tmp_path / "broken").mkdir()
    onnx.save(model, tmp_path / "broken" / "model.onnx")

    with pytest.raises(ParityFailed, match="not finite"):
        dynamic_int8(tmp_path / "broken", tmp_path / "int8", Silent())

    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


@pytest.mark.parametrize("content", [None, b"no model"], ids=["nothing", "no ONNX"])
def test_what_is_no_onnx_model_is_refused(tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    if content:
        (folder / "model.onnx").write_bytes(content)

    with pytest.raises(InvalidInput, match=r"model\.onnx"):
        dynamic_int8(folder, tmp_path / "int8", Silent())
