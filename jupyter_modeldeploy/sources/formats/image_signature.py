"""The tensors of an image classifier by its configuration alone, as transformers' own classes take and give them."""

from __future__ import annotations

from typing import Any

from jupyter_modeldeploy.records import Signature, TensorSpec

DEFAULT_CLASSES = 2


def signature(config: dict[str, Any], task: str) -> Signature | None:
    """`float32[batch, channels, height, width]` to `float32[batch, classes]`; None for another task."""
    if task != "image-classification" or "model_type" not in config:
        return None
    size, names = config.get("image_size"), config.get("id2label")
    sides = [size, size] if isinstance(size, int) else size
    if not (isinstance(sides, list) and len(sides) == 2 and all(isinstance(side, int) for side in sides)):
        sides = [-1, -1]
    channels = config.get("num_channels", 3)
    classes = len(names) if isinstance(names, dict) else DEFAULT_CLASSES
    return Signature(
        [TensorSpec("pixel_values", "FP32", [-1, channels if isinstance(channels, int) else -1, *sides])],
        [TensorSpec("logits", "FP32", [-1, classes])],
    )
