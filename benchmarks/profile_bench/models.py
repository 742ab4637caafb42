"""The models that are profiled: MiniLM with its own weights, a ResNet-50 and a YOLO nano of chance, in torch and ONNX.

Each is made once, in `build/benchmark-profile`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

import numpy as np
from digit_images import untrained_yolo

from jupyter_modeldeploy import Workspace, demo
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.records import Format

FOLDER = Path(__file__).parents[2] / "build" / "benchmark-profile"
HOUR_S = 3600.0
TOKENS, SIDE = 128, 224
YOLO_SIDE = 640


class Case(NamedTuple):
    """A model as one runtime runs it, and what it is run on: one text or image."""

    name: str
    format: Format
    folder: Path
    inputs: list[Tensors]


def cases() -> list[Case]:
    """Of each model its torch form and its ONNX form."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = []
    with closing(Workspace(FOLDER / "root")) as workspace:
        for name, (source, inputs) in _sources().items():
            if not any(model.name == name for model in workspace.models.list()):
                workspace.models.fetch(source() if callable(source) else source, name=name).wait(timeout_s=HOUR_S)
                workspace.models.convert(f"{name}@1").wait(timeout_s=HOUR_S)
            for version in (workspace.models.version(f"{name}@{number}") for number in (1, 2)):
                found.append(Case(name, version.format, workspace.models.path(version.ref), [inputs]))
    return found


def _sources() -> dict[str, tuple[str | Callable[[], str], Tensors]]:
    """By name where each is fetched from, or what makes it and says where it lies, and an input."""
    ids = np.random.default_rng(0).integers(1000, 20000, (1, TOKENS))
    tokens = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    return {
        "minilm": (demo.MODEL, tokens),
        "resnet50": (_resnet, _pixels("pixel_values", SIDE)),
        "yolo": (_yolo, _pixels("images", YOLO_SIDE)),
    }


def _pixels(name: str, side: int) -> Tensors:
    return {name: np.random.default_rng(0).random((1, 3, side, side)).astype(np.float32)}


def _resnet() -> str:
    from transformers import ResNetConfig, ResNetForImageClassification

    folder = FOLDER / "resnet50"
    if not folder.exists():
        config = ResNetConfig(num_labels=1000, architectures=["ResNetForImageClassification"])
        config.image_size = SIDE
        ResNetForImageClassification(config).save_pretrained(folder)
    return f"file:{folder}"


def _yolo() -> str:
    folder = FOLDER / "yolo"
    if not folder.exists():
        untrained_yolo(folder)
    return f"file:{folder}"
