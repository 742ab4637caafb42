"""The attention of a transformer as one operator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import random_models

from jupyter_modeldeploy.errors import ConversionFailed
from jupyter_modeldeploy.optimize.converting import attention
from jupyter_modeldeploy.optimize.converting.from_transformers import transformers_to_onnx
from jupyter_modeldeploy.optimize.quantizing.dynamic import dynamic_int8
from jupyter_modeldeploy.optimize.quantizing.graph import operators
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime


def test_each_layer_has_one_attention_and_answers_as_before(converted: Path, tmp_path: Path) -> None:
    fused = attention.fused(converted)
    onnx.save(fused, tmp_path / "model.onnx")

    found = operators(fused)
    assert found["Attention"] == 2
    assert not {"Softmax", "Transpose", "Where"} & found.keys()
    generator = np.random.default_rng(3)
    mask = generator.integers(0, 2, (4, 21))
    mask[:, 0] = 1
    inputs = {
        "input_ids": generator.integers(5, 25, mask.shape),
        "attention_mask": mask,
        "token_type_ids": np.zeros_like(mask),
    }
    before, after = (OnnxRuntime(folder).run(inputs)["logits"] for folder in (converted, tmp_path))
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_a_fused_attention_is_quantized_as_one(converted: Path, tmp_path: Path) -> None:
    made = dynamic_int8(converted, tmp_path / "int8", Silent())

    assert made.operators_after["QAttention"] == 2
    assert made.share == 1.0


@pytest.mark.parametrize("name", ["modernbert", "gpt2"])
def test_a_mask_that_hides_more_than_padding_is_left_alone(tmp_path: Path, name: str) -> None:
    [model] = random_models.named(name)
    model.make(tmp_path / "checkpoint")
    transformers_to_onnx(tmp_path / "checkpoint", tmp_path / "onnx", Silent())

    with pytest.raises(ConversionFailed):
        attention.fused(tmp_path / "onnx")
    assert "QAttention" not in dynamic_int8(tmp_path / "onnx", tmp_path / "int8", Silent()).operators_after
