"""A tiny checkpoint as timm writes them, with random weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save_file

SIDE = 32
ARCHITECTURE = "test_resnet"


def make_timm(
    folder: Path, names: Sequence[str], architecture: str = ARCHITECTURE, **model_args: Any
) -> torch.nn.Module:
    """The network of 0.4 million parameters that lies in `folder` afterwards, for pictures of 32 pixels a side."""
    torch.manual_seed(0)
    model: torch.nn.Module = timm.create_model(architecture, pretrained=False, num_classes=len(names), **model_args)
    pretrained: dict[str, Any] = {**model.pretrained_cfg, "input_size": [3, SIDE, SIDE], "num_classes": len(names)}
    pretrained |= {"crop_pct": 0.875, "interpolation": "bicubic"}
    config = {
        "architecture": architecture,
        "num_classes": len(names),
        "num_features": model.num_features,
        "label_names": list(names),
        "model_args": {"num_classes": len(names), "in_chans": 3, **model_args},
        "pretrained_cfg": pretrained,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, default=str))
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    return model.eval()
