"""Networks with fewer layers load and answer, with the weights of the layers that are evenly spread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from digit_images import TINY_YOLO
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    ConvNextConfig,
    ConvNextForImageClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    ResNetConfig,
    ResNetForImageClassification,
    SwinConfig,
    SwinForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.optimize.pruning.layers import chosen, depth, shorten
from jupyter_modeldeploy.optimize.pruning.scales import smaller
from jupyter_modeldeploy.optimize.pruning.structured import prune as prune_structured
from jupyter_modeldeploy.optimize.pruning.unstructured import prune
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.runtimes import yolo_network
from jupyter_modeldeploy.runtimes.transformers import TransformersRuntime, load_model

SIDE = 32
WIDTHS: dict[str, Any] = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
WORDS = {"vocab_size": 20, "pad_token_id": 0}
STAGES: dict[str, Any] = {"num_channels": 1, "image_size": SIDE, "hidden_sizes": [8, 16], "depths": [3, 2]}
NETWORKS: dict[str, tuple[Any, int, int]] = {
    "bert": (lambda: BertForSequenceClassification(BertConfig(**WIDTHS, **WORDS, num_hidden_layers=6)), 6, 3),
    "distilbert": (
        lambda: DistilBertForSequenceClassification(
            DistilBertConfig(**WORDS, dim=16, n_heads=2, hidden_dim=32, n_layers=4)
        ),
        4,
        2,
    ),
    "modernbert": (
        lambda: ModernBertForSequenceClassification(ModernBertConfig(**WIDTHS, **WORDS, num_hidden_layers=4)),
        4,
        2,
    ),
    "vit": (
        lambda: ViTForImageClassification(
            ViTConfig(**WIDTHS, image_size=SIDE, patch_size=8, num_channels=1, num_hidden_layers=4)
        ),
        4,
        1,
    ),
    "resnet": (lambda: ResNetForImageClassification(ResNetConfig(**STAGES, embedding_size=8)), 5, 3),
    "convnext": (lambda: ConvNextForImageClassification(ConvNextConfig(**STAGES, num_stages=2)), 5, 2),
    "swin": (
        lambda: SwinForImageClassification(
            SwinConfig(
                image_size=SIDE,
                num_channels=1,
                patch_size=4,
                embed_dim=8,
                depths=[2, 2],
                num_heads=[2, 2],
                window_size=4,
            )
        ),
        4,
        2,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_shallower_network_answers_and_has_the_weights_of_the_deeper_one(name: str, tmp_path: Path) -> None:
    make, before, after = NETWORKS[name]
    torch.manual_seed(1)
    make().eval().save_pretrained(tmp_path / "deep")
    deep = load_model(tmp_path / "deep").model

    shallow = load_model(shorten(tmp_path / "deep", tmp_path / "shallow", after)).model

    assert (depth(tmp_path / "deep"), depth(tmp_path / "shallow")) == (before, after)
    known = {tuple(tensor.flatten()[:5].tolist()) for tensor in deep.state_dict().values()}
    assert all(tuple(tensor.flatten()[:5].tolist()) in known for tensor in shallow.state_dict().values())
    runtime = TransformersRuntime(tmp_path / "shallow")
    answer = runtime.run({spec.name: _some(spec.name) for spec in runtime.signature.inputs})
    assert np.isfinite(next(iter(answer.values()))).all()


def test_the_first_and_the_last_layer_stay() -> None:
    assert chosen(6, 3) == [0, 2, 5]
    assert chosen(12, 6) == [0, 2, 4, 7, 9, 11]
    assert chosen(4, 1) == [0]


def test_a_network_in_stages_keeps_some_of_each(tmp_path: Path) -> None:
    ResNetForImageClassification(ResNetConfig(**{**STAGES, "depths": [6, 2]}, embedding_size=8)).save_pretrained(
        tmp_path / "deep"
    )

    shallow = load_model(shorten(tmp_path / "deep", tmp_path / "shallow", 4)).model

    assert shallow.config.depths == [3, 1]


@pytest.mark.parametrize("layers", [0, 1, 5, 9])
def test_layers_that_cannot_be_left_are_refused(layers: int, tmp_path: Path) -> None:
    NETWORKS["resnet"][0]().save_pretrained(tmp_path / "deep")

    with pytest.raises(InvalidInput, match="5 layers in 2 stages"):
        shorten(tmp_path / "deep", tmp_path / "shallow", layers)
    assert not (tmp_path / "shallow").exists()


def test_a_network_that_lacks_channels_keeps_its_layers(tmp_path: Path) -> None:
    NETWORKS["resnet"][0]().save_pretrained(tmp_path / "deep")
    prune_structured(tmp_path / "deep", tmp_path / "narrow", 0.5, Silent())

    with pytest.raises(InvalidInput, match="lacks channels already"):
        shorten(tmp_path / "narrow", tmp_path / "shallow", 3)


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_the_smallest_weights_become_zeros_which_only_compression_makes_use_of(
    scope: Any, classifier: Path, tmp_path: Path
) -> None:
    result = prune(classifier, tmp_path / "sparse", 0.6, scope, Silent())

    assert result.size_after_bytes == result.size_before_bytes
    assert result.compressed_after_bytes < 0.8 * result.compressed_before_bytes
    assert result.zeros_before < 0.05 < 0.3 < result.zeros_after < 0.6
    before, after = (load_model(folder).model for folder in (classifier, tmp_path / "sparse"))
    layer = "bert.encoder.layer.1.output.dense"
    weights, left = (model.get_submodule(layer).weight for model in (before, after))
    assert weights[left == 0].abs().max() <= weights[left != 0].abs().min()
    if scope == "layer":
        assert (left == 0).float().mean().item() == pytest.approx(0.6, abs=0.01)
    TransformersRuntime(tmp_path / "sparse").close()


@pytest.mark.parametrize("share", [0, 1])
def test_a_share_of_weights_out_of_range_is_refused(share: float, classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        prune(classifier, tmp_path / "sparse", share, "global", Silent())


def _some(name: str) -> np.ndarray:
    if name == "pixel_values":
        return np.random.default_rng(0).standard_normal((2, 1, SIDE, SIDE)).astype(np.float32)
    return np.full((2, 6), 0 if name == "token_type_ids" else 1, np.int64)


def test_a_detector_has_a_student_of_the_next_smaller_scale(tmp_path: Path) -> None:
    described = {**TINY_YOLO, "scales": {"n": [1.0, 0.5, 64], "s": [1.0, 1.0, 64]}, "scale": "s"}
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "tiny.yaml").write_text(yaml.safe_dump(described))

    smaller(tmp_path / "s", tmp_path / "n")

    wide, narrow = (yolo_network.load(tmp_path / name) for name in ("s", "n"))
    count, fewer = (sum(one.numel() for one in network.model.parameters()) for network in (wide, narrow))
    assert fewer < count
    assert not narrow.trained
    with pytest.raises(InvalidInput, match="no smaller scale"):
        smaller(tmp_path / "n", tmp_path / "nothing")
