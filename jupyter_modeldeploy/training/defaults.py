"""What a training takes where its options leave it open, by its dataset's task. Imports no torch: forms read it."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_modeldeploy.records import Dataset
from jupyter_modeldeploy.training.options import Augmentation, Method


@dataclass(frozen=True)
class Defaults:
    """What suits a task where the options leave it open. `lora_learning_rate` takes the place of `learning_rate` for
    LoRA; a new head learns `head_factor` times as fast as the rest."""

    method: Method = "full"
    epochs: float = 1.0
    batch_size: int = 32
    learning_rate: float = 1e-4
    lora_learning_rate: float = 1e-3
    head_factor: float = 10.0


TEXT_CLASSIFICATION = Defaults()
TAUGHT_TEXT_CLASSIFICATION = Defaults(epochs=3.0, head_factor=1.0)
TOKEN_CLASSIFICATION = Defaults(epochs=3.0, batch_size=16)
TEXT_GENERATION = Defaults(method="lora", batch_size=8, learning_rate=5e-5, lora_learning_rate=5e-4)
IMAGE_CLASSIFICATION = Defaults(epochs=5.0, batch_size=32, learning_rate=1e-4)
IMAGE_CLASSIFICATION_FROM_NOTHING = Defaults(epochs=30.0, batch_size=32, learning_rate=1e-3, head_factor=1.0)
TAUGHT_IMAGE_CLASSIFICATION = Defaults(epochs=15.0, learning_rate=1e-3, head_factor=1.0)
DETECTION_FROM_NOTHING = Defaults(epochs=60.0, batch_size=16, learning_rate=2e-3, head_factor=1.0)
AUGMENTATION: dict[str, Augmentation] = {"image-classification": "light", "object-detection": "medium"}
CONTEXT_LENGTH = 512
"""Tokens that a language model learns from together, where it can take so many."""


def detection(classes: int) -> Defaults:
    """The learning rate is ultralytics' own for AdamW."""
    return Defaults(epochs=30.0, batch_size=16, learning_rate=round(0.01 / (4 + classes), 6), head_factor=1.0)


def suiting(dataset: Dataset, trained: bool) -> Defaults | None:
    """What our own trainer of the dataset's task takes, for a base with weights (`trained`) or a description alone;
    None for a task that another package trains for."""
    return {
        "text-classification": TEXT_CLASSIFICATION,
        "token-classification": TOKEN_CLASSIFICATION,
        "text-generation": TEXT_GENERATION,
        "image-classification": IMAGE_CLASSIFICATION if trained else IMAGE_CLASSIFICATION_FROM_NOTHING,
        "object-detection": detection(len(dataset.classes)) if trained else DETECTION_FROM_NOTHING,
    }.get(dataset.task)
