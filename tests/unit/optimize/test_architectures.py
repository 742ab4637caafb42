"""Architectures of every kind convert with a free batch and length, and answer as the original. The benchmark
optimize.py has them all."""

from __future__ import annotations

from pathlib import Path

import pytest
from random_models import RandomModel, named

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime


@pytest.mark.parametrize(
    "model",
    named("albert", "distilbert", "roberta", "convnext", "vit", "timm test_resnet"),
    ids=lambda model: model.name,
)
def test_an_architecture_converts(model: RandomModel, tmp_path: Path) -> None:
    model.make(tmp_path / "model")
    convert = plugins.load("converters", f"{model.format}-onnx")

    made = convert(tmp_path / "model", tmp_path / "onnx", Silent())

    assert all(row.passed and row.max_relative_difference < 1e-4 for row in made.parity)
    assert {shape[0] for row in made.parity for shape in row.shapes} >= {1, 3}
    assert OnnxRuntime(tmp_path / "onnx").signature == made.signature


def test_a_model_that_writes_text_too_is_refused_by_name(tmp_path: Path) -> None:
    [model] = named("bart")
    model.make(tmp_path / "model")

    with pytest.raises(InvalidInput, match="bart is no text encoder"):
        plugins.load("converters", "transformers-onnx")(tmp_path / "model", tmp_path / "onnx", Silent())
