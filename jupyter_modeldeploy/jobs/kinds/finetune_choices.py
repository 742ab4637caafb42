"""What there is to choose before a fine-tuning: bases that suit a dataset, what is taken where nothing is said, and how
much memory it takes at least. Reads records alone, so that a form can ask with every change."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jupyter_modeldeploy.jobs.kinds.finetune import BASE_FORMATS
from jupyter_modeldeploy.records import Dataset, Format, Record, Version
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.training.defaults import AUGMENTATION, CONTEXT_LENGTH, suiting
from jupyter_modeldeploy.training.options import FinetuneOptions, Method
from jupyter_modeldeploy.training.plan import Plan

TEXT_TASKS = frozenset(
    ("feature-extraction", "text-classification", "token-classification", "question-answering", "fill-mask")
)
SUITING_TASKS = {
    "text-classification": TEXT_TASKS,
    "token-classification": TEXT_TASKS,
    "image-classification": frozenset(("image-classification", "image-feature-extraction")),
    "object-detection": frozenset(("object-detection",)),
    "text-generation": frozenset(("text-generation",)),
}
METHODS: dict[str, list[Method]] = {"object-detection": ["full", "head"], "text-generation": ["full", "lora"]}
ALL_METHODS: list[Method] = ["full", "head", "lora"]
WEIGHTS = (".safetensors", ".bin", ".pt")
FLOAT = 4
"""Bytes; weights are trained in float32."""
HELD_BY_TRAINING = 3
"""Gradients and AdamW's two moments, as many bytes as the weights each."""


class FinetuneChoices(Record):
    """What suits a dataset. `bases` are the versions that its trainer starts from, the newest of each model first;
    `other_bases` have a format that it reads, but were made for another task. `defaults` are the options that it
    chooses by itself, for the `base` and the `method` that were named."""

    task: str
    bases: list[str]
    other_bases: list[str]
    methods: list[Method]
    defaults: dict[str, Any]
    memory_bytes: int | None = Field(
        default=None,
        description="for weights, gradients and optimizer; what the rows of a batch take comes on top, and is measured "
        "before the first step",
    )


def choices(
    store: Store, dataset: Dataset, base: Version | None = None, method: Method | None = None
) -> FinetuneChoices:
    """For a fine-tuning on `dataset`, from `base` if that is known."""
    readable = [version for version in store.versions.list() if _readable(version, dataset.task)]
    readable.sort(key=lambda version: (version.model, -version.number))
    suiting_tasks = SUITING_TASKS.get(dataset.task)
    fits = {version.ref for version in readable if suiting_tasks is None or version.task in suiting_tasks}
    defaults = _defaults(dataset, base, method)
    return FinetuneChoices(
        task=dataset.task,
        bases=[version.ref for version in readable if version.ref in fits],
        other_bases=[version.ref for version in readable if version.ref not in fits],
        methods=METHODS.get(dataset.task, ALL_METHODS),
        defaults=defaults,
        memory_bytes=_memory(base, method or defaults.get("method")),
    )


def _readable(version: Version, task: str) -> bool:
    safe = version.verdict is None or not version.verdict.quarantined
    return safe and version.format is BASE_FORMATS.get(task, Format.transformers)


def _defaults(dataset: Dataset, base: Version | None, method: Method | None) -> dict[str, Any]:
    trained = base is None or any(file.path.endswith(WEIGHTS) for file in base.files)
    known = suiting(dataset, trained)
    if known is None:
        return {}
    planned = Plan.of(FinetuneOptions(method=method), known).as_options()
    chosen = {name: getattr(planned, name) for name in ("epochs", "batch_size", "learning_rate", "head_learning_rate")}
    more: dict[str, Any] = {"method": known.method, **chosen}
    if dataset.task in AUGMENTATION:
        more["augmentation"] = AUGMENTATION[dataset.task]
    if dataset.task == "text-generation":
        more["context_length"] = CONTEXT_LENGTH
    return more


def _memory(base: Version | None, method: Method | None) -> int | None:
    """Of adapters and of a head alone little more is held than the weights."""
    parameters = base.facts.parameters if base and base.facts else None
    if parameters is None:
        return None
    return parameters * FLOAT * (1 + (HELD_BY_TRAINING if method in ("full", None) else 0))
