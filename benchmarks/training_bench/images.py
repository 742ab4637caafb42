"""What fine-tunings on images come to, each as a job in a workspace of its own: real digits, alone and on photos."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from digit_images import digit_folder, digit_photos, untrained_resnet, untrained_yolo

from jupyter_modeldeploy import Workspace

Make = Callable[[Path], Path]
PHOTOS, HELD_OUT, SIDE = 256, 64, 128
YOLO = {"epochs": 15, "image_size": SIDE, "augmentation": "light"}


def digits() -> dict[str, Any]:
    """scikit-learn's digits with a ResNet of two stages that has learnt nothing, with the defaults."""
    told = _finetuned(untrained_resnet, digit_folder)
    accuracy = told["metrics"]["accuracy"]
    print(f"\ndigits with the defaults: {accuracy:.1%} in {told['seconds']:.0f} s")
    return {"digits_accuracy": accuracy, "digits_seconds": told["seconds"]}


def yolo() -> dict[str, Any]:
    """A YOLO nano that has learnt nothing, on digits pasted on photos of 128 pixels."""
    told = _finetuned(untrained_yolo, lambda folder: digit_photos(folder, PHOTOS, HELD_OUT, SIDE), **YOLO)
    before, after = told["baseline"]["map50"], told["metrics"]["map50"]
    print(f"\nYOLO nano: mAP50 from {before:.2f} to {after:.2f} in {told['seconds']:.0f} s")
    return {"yolo_map50_gain": after - before, "yolo_map50": after, "yolo_seconds": told["seconds"]}


def _finetuned(make_base: Make, make_data: Make, **options: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch, closing(Workspace(Path(scratch) / "root")) as workspace:
        folder = Path(scratch)
        workspace.models.fetch(f"file:{make_base(folder / 'base')}", name="base").wait()
        workspace.datasets.add(f"file:{make_data(folder / 'data')}", name="data").wait()
        told: dict[str, Any] = workspace.models.finetune("base", "data", "tuned", **options).result()["training"]
    return told
