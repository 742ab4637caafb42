"""torch's own archives to ONNX, and checkpoints to torch's archives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_torch import Classifier, Filters, Two, Words, exported, scripted, traced

from jupyter_modeldeploy import plugins, runtimes
from jupyter_modeldeploy.errors import UnsafeContent
from jupyter_modeldeploy.optimize.converting.from_torch import exported_to_onnx, torchscript_to_onnx
from jupyter_modeldeploy.optimize.converting.from_transformers import (
    transformers_to_exported,
    transformers_to_torchscript,
)
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.runtimes.transformers import TransformersRuntime

ROWS = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)


@pytest.mark.parametrize("make", [scripted, lambda folder, module: traced(folder, module, torch.zeros(2, 4))])
def test_torchscript_becomes_onnx(make: object, tmp_path: Path) -> None:
    folder = make(tmp_path / "model", Classifier())
    made = torchscript_to_onnx(folder, tmp_path / "onnx", Silent())

    assert (made.exporter, made.signature.inputs[0].shape) == ("trace", [-1, 4])
    served = OnnxRuntime(tmp_path / "onnx")
    expected = Classifier().eval()(torch.from_numpy(ROWS)).detach().numpy()
    np.testing.assert_allclose(served.run({"x": ROWS})["output"], expected, atol=1e-5)
    assert [path.name for path in (tmp_path / "onnx").iterdir()] == ["model.onnx"]


def test_tokens_and_images_keep_their_free_sides(tmp_path: Path) -> None:
    words = torchscript_to_onnx(scripted(tmp_path / "words", Words()), tmp_path / "words-onnx", Silent())
    images = torchscript_to_onnx(scripted(tmp_path / "images", Filters()), tmp_path / "images-onnx", Silent())

    assert words.signature.inputs[0].shape == [-1, -1]
    assert images.signature.inputs[0].shape == [-1, 3, -1, -1]
    assert all(len(made.parity[0].shapes) == 3 for made in (words, images))


def test_an_exported_program_becomes_onnx(tmp_path: Path) -> None:
    folder = exported(tmp_path / "model", Two(), torch.zeros(2, 4), torch.zeros(2, 4))
    made = exported_to_onnx(folder, tmp_path / "onnx", Silent())

    assert made.exporter == "dynamo"
    answers = OnnxRuntime(tmp_path / "onnx").run({"a": ROWS, "b": ROWS})
    np.testing.assert_allclose(answers["sum"], ROWS + ROWS)
    np.testing.assert_allclose(answers["product"], ROWS * ROWS, rtol=1e-6)


def test_an_archive_that_reaches_for_files_is_not_converted(tmp_path: Path) -> None:
    class Writes(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            torch.save(x, "/tmp/never")
            return x

    with pytest.raises(UnsafeContent):
        torchscript_to_onnx(scripted(tmp_path / "model", Writes()), tmp_path / "onnx", Silent())


@pytest.mark.parametrize(
    ("convert", "format"),
    [(transformers_to_torchscript, Format.torchscript), (transformers_to_exported, Format.exported)],
)
def test_a_checkpoint_becomes_an_archive_that_is_served(
    classifier: Path, tmp_path: Path, convert: object, format: Format
) -> None:
    made = convert(classifier, tmp_path / "made", Silent(), ["a good film"])
    served, original = runtimes.load(format, tmp_path / "made"), TransformersRuntime(classifier)

    assert made.format is format
    assert served.signature == original.signature
    ids = np.random.default_rng(1).integers(5, 25, (3, 17))
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    np.testing.assert_allclose(served.run(inputs)["logits"], original.run(inputs)["logits"], atol=1e-5)
    assert (tmp_path / "made" / "tokenizer.json").exists()


def test_every_converter_that_is_announced_is_there() -> None:
    for name in plugins.available("converters"):
        assert callable(plugins.load("converters", name))
