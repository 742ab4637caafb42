"""The models that are optimised, with their data, each made once in the benchmark's workspace: a fine-tuned MiniLM, a
ResNet-50 that tells crops of two photos apart, a small ResNet on digits and a YOLO nano on digits pasted on photos."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from digit_images import TINY_RESNET, digit_folder, digit_photos, untrained_yolo
from PIL import Image
from sklearn.datasets import load_sample_images

from jupyter_modeldeploy import Workspace, demo
from jupyter_modeldeploy.records import Version

HOUR_S = 3600.0
RESNET50 = {"architectures": ["ResNetForImageClassification"], "model_type": "resnet", "image_size": 224}
DIGITS_RESNET = {**TINY_RESNET, "embedding_size": 64, "hidden_sizes": [64, 128]}
CROPS, CROP_SIDE = 200, 224
PHOTOS, HELD_OUT, PHOTO_SIDE = 256, 64, 128


class Prepared(NamedTuple):
    """A trained checkpoint and the dataset that it was trained on."""

    version: Version
    dataset: str


def minilm(workspace: Workspace, folder: Path) -> Prepared:
    def sentences() -> Path:
        return demo.write_sentences(workspace, folder / "sentences.csv")

    _fetched(workspace, "minilm", demo.MODEL)
    _added(workspace, "sentences", sentences, text_column="text", label_column="label")
    return _finetuned(workspace, "minilm", "sentences", "sentiment")


def resnet(workspace: Workspace, folder: Path) -> Prepared:
    """From nothing, and just long enough to tell the two photos apart: its speed does not depend on the weights."""
    _fetched(workspace, "resnet50", lambda: _config(folder / "resnet50", RESNET50))
    _added(workspace, "crops", lambda: _crops(folder / "crops"))
    options = {"max_steps": 60, "batch_size": 16, "learning_rate": 1e-3, "augmentation": "none", "precision": "fp32"}
    return _finetuned(workspace, "resnet50", "crops", "photos", **options)


def digits(workspace: Workspace, folder: Path) -> Prepared:
    _fetched(workspace, "resnet", lambda: _config(folder / "resnet", DIGITS_RESNET))
    _added(workspace, "digits", lambda: digit_folder(folder / "digits"))
    return _finetuned(workspace, "resnet", "digits", "digits")


def yolo(workspace: Workspace, folder: Path) -> Prepared:
    _fetched(workspace, "yolo", lambda: untrained_yolo(folder / "yolo"))
    _added(workspace, "photos", lambda: digit_photos(folder / "photos", PHOTOS, HELD_OUT, PHOTO_SIDE))
    options = {"epochs": 15, "image_size": PHOTO_SIDE, "augmentation": "light"}
    return _finetuned(workspace, "yolo", "photos", "finder", **options)


def _fetched(workspace: Workspace, name: str, source: str | Callable[[], Path]) -> None:
    if not any(model.name == name for model in workspace.models.list()):
        told = source if isinstance(source, str) else f"file:{source().resolve()}"
        workspace.models.fetch(told, name=name).wait(timeout_s=HOUR_S)


def _added(workspace: Workspace, name: str, make: Callable[[], Path], **columns: str) -> None:
    if not any(dataset.name == name for dataset in workspace.datasets.list()):
        workspace.datasets.add(f"file:{make().resolve()}", name=name, **columns).wait(timeout_s=HOUR_S)


def _finetuned(workspace: Workspace, base: str, dataset: str, name: str, **options: Any) -> Prepared:
    job = workspace.models.finetune(f"{base}@1", dataset, name, reuse=True, **options)
    return Prepared(job.version(timeout_s=HOUR_S), dataset)


def _config(folder: Path, config: dict[str, Any]) -> Path:
    """A checkpoint without weights: they are drawn when it is loaded."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def _crops(folder: Path) -> Path:
    """Squares out of the two photos of scikit-learn, as a folder `PHOTO/NUMBER.jpg`."""
    generator = np.random.default_rng(0)
    for name, photo in zip(("temple", "flower"), load_sample_images().images, strict=True):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(CROPS):
            side = int(generator.integers(96, 320))
            top, left = (int(generator.integers(0, size - side)) for size in photo.shape[:2])
            crop = Image.fromarray(photo[top : top + side, left : left + side]).resize((CROP_SIDE, CROP_SIDE))
            crop.save(folder / name / f"{number}.jpg", quality=92)
    return folder
