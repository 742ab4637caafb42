from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from jupyter_modeldeploy.errors import ParityFailed
from jupyter_modeldeploy.optimize.converting.parity import check_parity
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.runtimes.transformers import TransformersRuntime

IDS = np.array([[2, 7, 9, 3]])
BATCH = {"input_ids": IDS, "attention_mask": np.ones_like(IDS), "token_type_ids": np.zeros_like(IDS)}


@pytest.fixture
def changed(converted: Path, tmp_path: Path) -> Callable[[float], OnnxRuntime]:
    """The converted model with a number added to the bias of its first class."""

    def change(by: float) -> OnnxRuntime:
        folder = shutil.copytree(converted, tmp_path / "changed")
        model = onnx.load(folder / "model.onnx")
        bias = next(tensor for tensor in model.graph.initializer if tensor.name.endswith("classifier.bias"))
        bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32([by, 0]), bias.name))
        onnx.save(model, folder / "model.onnx")
        return OnnxRuntime(folder)

    return change


def test_a_small_difference_is_measured(classifier: Path, changed: Callable[[float], OnnxRuntime]) -> None:
    [row] = check_parity(TransformersRuntime(classifier), changed(1e-4), [BATCH], tolerance=1e-3)

    assert row.max_absolute_difference == pytest.approx(1e-4, rel=0.05)
    assert row.shapes == [[1, 4]]


def test_a_changed_weight_is_found(classifier: Path, changed: Callable[[float], OnnxRuntime]) -> None:
    with pytest.raises(ParityFailed, match=r"differs from .* by up to 0\.01 .*allowed: 0\.001"):
        check_parity(TransformersRuntime(classifier), changed(1e-2), [BATCH], tolerance=1e-3)


def test_an_answer_that_is_no_number_is_found(classifier: Path, changed: Callable[[float], OnnxRuntime]) -> None:
    with pytest.raises(ParityFailed, match="not finite"):
        check_parity(TransformersRuntime(classifier), changed(float("nan")), [BATCH], tolerance=1e-3)
