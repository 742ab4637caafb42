"""Small models of many architectures with random weights, each in a second: real checkpoints to convert.

The weights are drawn so that signals neither fade nor explode on their way: with the near zeros that architectures
begin a training with, any two models answer almost alike."""

from __future__ import annotations

import jupyter_modeldeploy  # noqa: F401  # before transformers and timm: torchvision may be for another torch

# isort: split
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from tiny_timm import SIDE, make_timm
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    PreTrainedModel,
    set_seed,
)

from jupyter_modeldeploy.runtimes import yolo_network
from jupyter_modeldeploy.signatures import Format

CLASSES = 3
WIDTHS: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 160,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
GPT = {"vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 160}
SPECIAL = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
TEXTS: dict[str, dict[str, Any]] = {
    "bert": WIDTHS,
    "distilbert": {"vocab_size": 64, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "roberta": WIDTHS,
    "albert": {**WIDTHS, "embedding_size": 16},
    "electra": {**WIDTHS, "embedding_size": 16},
    "deberta": {**WIDTHS, "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "max_relative_positions": 64},
    "deberta-v2": {**WIDTHS, "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_buckets": 32},
    "mpnet": WIDTHS,
    "xlm-roberta": WIDTHS,
    "camembert": WIDTHS,
    "mobilebert": {**WIDTHS, "embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16},
    "squeezebert": {**WIDTHS, "embedding_size": 32},
    "convbert": {**WIDTHS, "embedding_size": 32},
    "ernie": WIDTHS,
    "fnet": WIDTHS,
    "funnel": {"vocab_size": 64, "block_sizes": [1, 1], "d_model": 32, "n_head": 4, "d_head": 8, "d_inner": 64},
    "ibert": WIDTHS,
    "longformer": {**WIDTHS, "attention_window": 8},
    "megatron-bert": WIDTHS,
    "modernbert": {**WIDTHS, "global_attn_every_n_layers": 2, "local_attention": 16},
    "nystromformer": {**WIDTHS, "num_landmarks": 4, "segment_means_seq_len": 16},
    "rembert": {**WIDTHS, "input_embedding_size": 16, "output_embedding_size": 16},
    "roformer": {**WIDTHS, "embedding_size": 32},
    "xlnet": {"vocab_size": 64, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64},
    "gpt2": {**GPT, **SPECIAL},
    "llama": {**WIDTHS, "num_key_value_heads": 2},
    "bart": {"vocab_size": 64, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, **SPECIAL},
}
IMAGES: dict[str, dict[str, Any]] = {
    "vit": {**WIDTHS, "image_size": 32, "patch_size": 8},
    "deit": {**WIDTHS, "architectures": ["DeiTForImageClassification"], "image_size": 32, "patch_size": 8},
    "beit": {**WIDTHS, "image_size": 32, "patch_size": 8, "use_relative_position_bias": True},
    "data2vec-vision": {**WIDTHS, "image_size": 32, "patch_size": 8, "use_relative_position_bias": True},
    "dinov2": {**WIDTHS, "image_size": 28, "patch_size": 14},
    "vit_msn": {**WIDTHS, "image_size": 32, "patch_size": 8},
    "swin": {
        "image_size": 32,
        "patch_size": 2,
        "embed_dim": 16,
        "depths": [2, 2],
        "num_heads": [2, 4],
        "window_size": 4,
    },
    "swinv2": {
        "image_size": 32,
        "patch_size": 2,
        "embed_dim": 16,
        "depths": [2, 2],
        "num_heads": [2, 4],
        "window_size": 4,
    },
    "convnext": {"image_size": 32, "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]},
    "convnextv2": {"image_size": 32, "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]},
    "resnet": {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], "layer_type": "basic"},
    "regnet": {"embedding_size": 16, "hidden_sizes": [16, 32, 32, 32], "depths": [1, 1, 1, 1], "groups_width": 8},
    "bit": {"embedding_size": 32, "hidden_sizes": [32, 64], "depths": [1, 1], "num_groups": 8},
    "mobilenet_v1": {"image_size": 64, "depth_multiplier": 0.25},
    "mobilenet_v2": {
        "image_size": 64,
        "depth_multiplier": 0.25,
        "finegrained_output": True,
    },
    "efficientnet": {
        "image_size": 64,
        "width_coefficient": 0.25,
        "depth_coefficient": 0.25,
        "hidden_dim": 320,
    },
    "levit": {
        "architectures": ["LevitForImageClassification"],
        "image_size": 64,
        "hidden_sizes": [32, 48, 64],
        "num_attention_heads": [2, 2, 2],
        "depths": [1, 1, 1],
    },
    "mobilevit": {
        "image_size": 64,
        "hidden_sizes": [32, 40, 48],
        "neck_hidden_sizes": [8, 16, 24, 32, 40, 48, 64],
    },
    "mobilevitv2": {"image_size": 64, "width_multiplier": 0.25},
    "poolformer": {"image_size": 64, "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]},
    "pvt": {
        "image_size": 64,
        "hidden_sizes": [8, 16, 32, 64],
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 2, 4, 8],
    },
    "pvt_v2": {
        "image_size": 64,
        "hidden_sizes": [8, 16, 32, 64],
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 2, 4, 8],
    },
    "focalnet": {
        "image_size": 32,
        "patch_size": 4,
        "embed_dim": 16,
        "depths": [1, 1],
        "focal_levels": [2, 2],
        "focal_windows": [3, 3],
    },
    "segformer": {"hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 1, 1]},
    "cvt": {"embed_dim": [8, 16, 32], "num_heads": [1, 2, 4], "depth": [1, 2, 3]},
    "swiftformer": {"image_size": 64, "depths": [1, 1, 1, 1], "embed_dims": [8, 16, 24, 32]},
}
TIMM = ("test_resnet", "test_vit", "test_efficientnet", "test_convnext")
YOLO = ("v5/yolov5", "v8/yolov8", "v9/yolov9t", "v10/yolov10n", "11/yolo11", "12/yolo12")
YOLO_SIDE = 64


@dataclass(frozen=True)
class RandomModel:
    """`make` writes it to a folder, in `format`."""

    name: str
    format: Format
    make: Callable[[Path], object]


def every() -> list[RandomModel]:
    return [
        *(_text(name, AutoModelForSequenceClassification) for name in TEXTS),
        _text("bert", AutoModel, "bert, without a head"),
        _text("xlm-roberta", AutoModel, "xlm-roberta, without a head"),
        *(_image(name) for name in IMAGES),
        *(_timm(name) for name in TIMM),
        *(_yolo(name) for name in YOLO),
    ]


def named(*names: str) -> list[RandomModel]:
    known = {model.name: model for model in every()}
    return [known[name] for name in names]


def _text(name: str, auto_class: Any, title: str = "") -> RandomModel:
    def make(folder: Path) -> None:
        _save(auto_class, AutoConfig.for_model(name, num_labels=CLASSES, **TEXTS[name]), folder)

    return RandomModel(title or name, Format.transformers, make)


def _image(name: str) -> RandomModel:
    def make(folder: Path) -> None:
        _save(AutoModelForImageClassification, AutoConfig.for_model(name, num_labels=CLASSES, **IMAGES[name]), folder)

    return RandomModel(name, Format.transformers, make)


def _timm(name: str) -> RandomModel:
    more = {"img_size": SIDE} if name == "test_vit" else {}
    return RandomModel(
        f"timm {name}", Format.transformers, lambda folder: make_timm(folder, ["a", "b", "c"], name, **more)
    )


def _yolo(name: str) -> RandomModel:
    def make(folder: Path) -> None:
        found = find_spec("ultralytics")
        assert found is not None
        described = folder.with_name(f"{folder.name}.described")
        described.mkdir(parents=True)
        text = (Path(str(found.origin)).parent / "cfg" / "models" / f"{name}.yaml").read_text()
        (described / "network.yml").write_text(text)
        network = yolo_network.with_classes(yolo_network.load(described), ["a", "b", "c"], seed=0)
        yolo_network.save(replace(network, image_size=YOLO_SIDE), folder)

    return RandomModel(name.rpartition("/")[2], Format.ultralytics, make)


def _save(auto_class: Any, config: Any, folder: Path) -> None:
    set_seed(0)
    model: PreTrainedModel = auto_class.from_config(config)
    _enliven(model)
    model.save_pretrained(folder)


@torch.no_grad()
def _enliven(model: torch.nn.Module) -> None:
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, 1 / math.sqrt(parameter[0].numel()))
        else:
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    for name, values in model.named_buffers():
        if name.endswith("running_mean"):
            values.normal_(0, 0.1)
        elif name.endswith("running_var"):
            values.uniform_(0.5, 1.5)
