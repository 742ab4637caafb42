"""By which metric a sweep chooses."""

from __future__ import annotations

from typing import Literal

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Dataset

Direction = Literal["maximize", "minimize"]
LOWER_IS_BETTER = ("loss", "perplexity")


def metric_of(dataset: Dataset, wanted: str | None) -> str:
    """The wanted metric, or what is usual for the task. Raises InvalidInput for one that the task does not have; what a
    trainer of another package reports is not known before it has trained."""
    known = metrics(dataset)
    if wanted is None:
        return known[0]
    if wanted not in known and len(known) > 1:
        raise InvalidInput(f"{dataset.task} has no metric {wanted!r}.", f"{dataset.ref} has: {', '.join(known)}.")
    return wanted


def metrics(dataset: Dataset) -> tuple[str, ...]:
    """What is measured on validation rows of this dataset; the usual one first."""
    if dataset.task == "text-classification":
        return ("accuracy", "f1_micro", "f1_macro", "loss") if dataset.multi_label else ("accuracy", "f1_macro", "loss")
    if dataset.task == "token-classification":
        from jupyter_modeldeploy.judging.metrics import of_entities

        entities = ("f1",) if of_entities(dataset.classes) else ()
        return (*entities, "accuracy", "f1_macro", "loss")
    if dataset.task == "image-classification":
        return ("accuracy", "f1_macro", "loss")
    if dataset.task == "object-detection":
        return ("map50_95", "map50", "loss")
    if dataset.task == "text-generation":
        return ("perplexity", "loss")
    return ("loss",)


def direction_of(metric: str) -> Direction:
    return "minimize" if metric in LOWER_IS_BETTER else "maximize"
