"""Pruned checkpoints load, answer, are fine-tuned and converted as others are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from digit_images import TINY_RESNET
from transformers import AutoConfig, ResNetConfig, ResNetForImageClassification, ViTConfig, ViTForImageClassification

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.optimize.converting.from_transformers import transformers_to_onnx
from jupyter_modeldeploy.optimize.pruning.structured import left_of, prune
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.runtimes.transformers import TransformersRuntime

VIT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
PIXELS = {"pixel_values": np.random.default_rng(0).standard_normal((2, 1, 32, 32)).astype(np.float32)}


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    known = {name: value for name, value in TINY_RESNET.items() if name not in ("architectures", "model_type")}
    folder = tmp_path_factory.mktemp("network") / "resnet"
    ResNetForImageClassification(ResNetConfig(**known, num_labels=10)).save_pretrained(folder)
    return folder


def test_a_network_of_convolutions_loses_channels_in_each_layer(resnet: Path, tmp_path: Path) -> None:
    result = prune(resnet, tmp_path / "pruned", 0.5, Silent())

    assert result.parameters_after < 0.4 * result.parameters_before
    assert result.operations_after < 0.4 * result.operations_before
    assert result.size_after_bytes < 0.5 * result.size_before_bytes
    logits = TransformersRuntime(tmp_path / "pruned").run(PIXELS)["logits"]
    assert logits.shape == (2, 10)
    assert np.abs(logits - TransformersRuntime(resnet).run(PIXELS)["logits"]).max() > 0
    transformers_to_onnx(tmp_path / "pruned", tmp_path / "onnx", Silent())
    np.testing.assert_allclose(OnnxRuntime(tmp_path / "onnx").run(PIXELS)["logits"], logits, atol=1e-4)


def test_what_is_pruned_can_be_pruned_again(resnet: Path, tmp_path: Path) -> None:
    first = prune(resnet, tmp_path / "once", 0.3, Silent())
    again = prune(tmp_path / "once", tmp_path / "twice", 0.3, Silent())

    assert again.parameters_before == first.parameters_after
    assert TransformersRuntime(tmp_path / "twice").run(PIXELS)["logits"].shape == (2, 10)


@pytest.mark.parametrize("kind", ["text", "images"])
def test_a_transformer_loses_neurons_and_stays_a_plain_checkpoint(classifier: Path, tmp_path: Path, kind: str) -> None:
    base = classifier
    if kind == "images":
        config = ViTConfig(**VIT, image_size=32, patch_size=8, num_channels=1)
        ViTForImageClassification(config).save_pretrained(base := tmp_path / "vit")
    before = AutoConfig.from_pretrained(base).intermediate_size

    result = prune(base, tmp_path / "pruned", 0.25, Silent())

    assert AutoConfig.from_pretrained(tmp_path / "pruned").intermediate_size == 0.75 * before
    assert not (tmp_path / "pruned" / "pruning.json").exists()
    assert result.parameters_after < result.parameters_before
    TransformersRuntime(tmp_path / "pruned").close()


@pytest.mark.parametrize(
    "taken",
    [{}, [["resnet.nowhere", True, [0]]], [["resnet", True, ["x"]]], [[0]], [["resnet.embedder", True, [10**9]]]],
    ids=["no list", "no layer", "no channel", "half a step", "beyond the layer"],
)
def test_a_plan_that_does_not_fit_is_refused(resnet: Path, tmp_path: Path, taken: object) -> None:
    prune(resnet, tmp_path / "pruned", 0.3, Silent())
    (tmp_path / "pruned" / "pruning.json").write_text(json.dumps(taken))

    with pytest.raises(InvalidInput):
        TransformersRuntime(tmp_path / "pruned")


@pytest.mark.parametrize(
    ("width", "share", "left"),
    [(64, 0.4, 32), (128, 0.4, 80), (1536, 0.3, 1072), (32, 0.3, 24), (20, 0.3, 14), (2, 0.9, 1)],
)
def test_what_is_left_of_wide_layers_is_what_processors_compute_at_a_time(width: int, share: float, left: int) -> None:
    assert left_of(width, share) == left


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_a_share_out_of_range_is_refused(resnet: Path, tmp_path: Path, share: float) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        prune(resnet, tmp_path / "pruned", share, Silent())
