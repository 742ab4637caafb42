"""Image classifiers of timm: config.json with the name of an architecture and how it was trained, beside weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_modeldeploy.records import Format, Signature, TensorSpec
from jupyter_modeldeploy.sources.formats.recognised import Recognised
from jupyter_modeldeploy.sources.formats.tasks import ENCODER_TASK, classes_of

CLASSIFIER_TASK = "image-classification"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
EXTRA = "The extra [timm] is needed: pip install 'jupyter_modeldeploy[timm]'."
PICKLED = "Only weights in safetensors are loaded, and {name} is a pickle: ask for model.safetensors."
HEADLESS = "It has no head and gives features of images, which nothing here serves: fine-tune it to classify."


def recognise(folder: Path, config: dict[str, Any] | None) -> Recognised | None:
    """The checkpoint, also as transformers saves one that it has wrapped."""
    primary = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if config is None or primary is None or not is_timm(config):
        return None
    classes = _classes(config)
    task = CLASSIFIER_TASK if classes else ENCODER_TASK
    notes = [
        EXTRA,
        PICKLED.format(name=primary.name) if primary.suffix == ".bin" else "",
        "" if classes else HEADLESS,
    ]
    return Recognised(
        Format.transformers,
        task,
        _signature(config, classes) if classes else None,
        classes_of(config, task),
        primary,
        " ".join(note for note in notes if note),
        framework="timm",
        architecture=str(config["architecture"]),
    )


def is_timm(config: dict[str, Any]) -> bool:
    """Whether a configuration is timm's, by what transformers tells it by."""
    return isinstance(config.get("pretrained_cfg"), dict) and isinstance(config.get("architecture"), str)


def _classes(config: dict[str, Any]) -> int:
    stated = config.get("num_classes", config["pretrained_cfg"].get("num_classes"))
    return stated if isinstance(stated, int) and stated > 0 else 0


def _signature(config: dict[str, Any], classes: int) -> Signature:
    size = config["pretrained_cfg"].get("input_size")
    known = isinstance(size, list) and len(size) == 3 and all(isinstance(side, int) for side in size)
    shape = [-1, *size] if known else [-1, 3, -1, -1]
    return Signature([TensorSpec("pixel_values", "FP32", shape)], [TensorSpec("logits", "FP32", [-1, classes])])
