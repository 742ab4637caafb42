"""The task of a checkpoint, and its classes, by its configuration."""

from __future__ import annotations

from typing import Any

from jupyter_modeldeploy.errors import InvalidInput

CONFIG = "config.json"
TASKS_BY_HEAD = {
    "ForSequenceClassification": "text-classification",
    "ForImageClassification": "image-classification",
    "ForObjectDetection": "object-detection",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForAudioClassification": "audio-classification",
    "ForSemanticSegmentation": "image-segmentation",
    "ForUniversalSegmentation": "image-segmentation",
    "ForDepthEstimation": "depth-estimation",
    "ForSpeechSeq2Seq": "automatic-speech-recognition",
    "ForCTC": "automatic-speech-recognition",
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "ForConditionalGeneration": "text-generation",
}
IMAGE_TASKS = frozenset(("image-classification", "object-detection"))
ENCODER_TASK = "feature-extraction"


def architecture(config: dict[str, Any]) -> str | None:
    """The first class that the configuration names."""
    named = _architectures(config)
    return named[0] if named else None


def task_of(config: dict[str, Any]) -> str:
    """By the head that the architecture's name ends with; an encoder without one gives features."""
    named = _architectures(config)
    return next((task for name in named for head, task in TASKS_BY_HEAD.items() if name.endswith(head)), ENCODER_TASK)


def classes_of(config: dict[str, Any], task: str) -> list[str] | None:
    """The names of the classes in the order of the model's outputs. Raises InvalidInput where they have no order."""
    names = config.get("id2label")
    if not (task.endswith("-classification") or task in IMAGE_TASKS):
        return None
    if isinstance(in_order := config.get("label_names"), list):  # of timm
        return [str(name) for name in in_order]
    if not isinstance(names, dict):
        return None
    try:
        return [str(name) for _, name in sorted(names.items(), key=lambda item: int(item[0]))]
    except ValueError as error:
        raise InvalidInput(f"{CONFIG} numbers its classes {list(names)[:5]}.", "They must be 0, 1, 2, …") from error


def _architectures(config: dict[str, Any]) -> list[str]:
    named = config.get("architectures")
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
