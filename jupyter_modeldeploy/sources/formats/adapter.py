"""LoRA and other adapters of the package peft: a few weights that change a model which is elsewhere."""

from __future__ import annotations

from pathlib import Path

from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources.formats import safetensors_file, torch_archive
from jupyter_modeldeploy.sources.formats.bounded import json_object
from jupyter_modeldeploy.sources.formats.recognised import PLAIN_TASK, Recognised
from jupyter_modeldeploy.sources.formats.weights import Weights

CONFIG = "adapter_config.json"
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
TASKS = {
    "CAUSAL_LM": "text-generation",
    "SEQ_2_SEQ_LM": "text-generation",
    "SEQ_CLS": "text-classification",
    "TOKEN_CLS": "token-classification",
    "QUESTION_ANS": "question-answering",
    "FEATURE_EXTRACTION": "feature-extraction",
}


def recognise(folder: Path) -> Recognised | None:
    """The adapter in `folder`, with the model that it is for. Raises InvalidInput for a damaged configuration."""
    if not (folder / CONFIG).is_file():
        return None
    config = json_object(folder / CONFIG)
    kind = str(config.get("peft_type") or "adapter")[:80]
    base = str(config.get("base_model_name_or_path") or "a model that it does not name")[:200]
    primary = next((folder / name for name in WEIGHTS if (folder / name).is_file()), folder / CONFIG)
    note = (
        f"An adapter ({kind}) of {base}: it holds no model of its own. Merge it into that model with peft "
        "(merge_and_unload) and fetch the result."
    )
    task = TASKS.get(str(config.get("task_type")), PLAIN_TASK)
    return Recognised(Format.adapter, task, None, None, primary, note, framework="peft", architecture=kind)


def weights(recognised: Recognised) -> Weights | None:
    """The adapter's own parameters, without those of its base."""
    if recognised.primary.suffix == ".safetensors":
        return safetensors_file.count([recognised.primary])
    return torch_archive.count([recognised.primary])
