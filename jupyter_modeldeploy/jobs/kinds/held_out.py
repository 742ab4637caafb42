"""The held-out sentences that a version is judged on, and its answers to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modeldeploy import devices, runtimes, tasks
from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Dataset, Format, Version
from jupyter_modeldeploy.store import Store

if TYPE_CHECKING:
    from jupyter_modeldeploy.datasets.reader import Example
    from jupyter_modeldeploy.experiments.evaluate import Evaluation

JUDGED_TASK = "text-classification"


def dataset_of(store: Store, version: Version) -> Dataset | None:
    """The dataset that the version, or the nearest of its ancestors, was made with."""
    while version.lineage.dataset is None:
        if version.lineage.parent is None:
            return None
        version = store.versions.get(version.lineage.parent)
    return store.datasets.get(version.lineage.dataset)


def chosen_dataset(store: Store, version: Version, ref: str | None) -> Dataset | None:
    """The dataset `ref`, else the version's own, if it has one."""
    return store.datasets.get(ref) if ref else dataset_of(store, version)


def required_dataset(store: Store, version: Version, ref: str | None) -> Dataset:
    """The dataset `ref`, else the version's own. Raises NotFound when there is none."""
    dataset = chosen_dataset(store, version, ref)
    if dataset is None:
        raise NotFound(f"{version.ref} was made without a dataset.", "Name one: --dataset NAME.")
    return dataset


def examples(store: Store, dataset: Dataset) -> list[Example]:
    """The dataset's held-out rows; none of a dataset for another task, or whose texts have several classes."""
    from jupyter_modeldeploy.datasets import text_classification

    if not _has_one_class_a_text(dataset):
        return []
    return text_classification.read_single(store.datasets.path(dataset), dataset).test


def can_judge(version: Version, dataset: Dataset) -> bool:
    """Whether the dataset's labels are what the version answers with."""
    fits = version.classes is None or set(version.classes) == set(dataset.classes)
    return version.task == JUDGED_TASK and _has_one_class_a_text(dataset) and fits


def check_judgeable(version: Version, dataset: Dataset) -> None:
    """Raise InvalidInput when the dataset's labels are not what the version answers with."""
    if version.task != JUDGED_TASK:
        raise InvalidInput(f"{version.ref} does {version.task}.", f"Only {JUDGED_TASK} versions can be evaluated.")
    if not _has_one_class_a_text(dataset):
        kind = f"several classes a text, {dataset.task}" if dataset.multi_label else dataset.task
        raise InvalidInput(f"{dataset.ref} is for {kind}.", "Evaluate on texts with one class each.")
    if not can_judge(version, dataset):
        raise InvalidInput(
            f"{version.ref} knows the classes {version.classes}, {dataset.ref} has {dataset.classes}.",
            "Evaluate on a dataset with the same classes.",
        )


def _has_one_class_a_text(dataset: Dataset) -> bool:
    return dataset.task == JUDGED_TASK and not dataset.multi_label


def judge(store: Store, format: Format, folder: Path, dataset: Dataset, reporter: Reporter) -> Evaluation:
    """The accuracy of the text classifier in `folder` on the held-out rows of a dataset."""
    from jupyter_modeldeploy.experiments.evaluate import evaluate

    held_out = examples(store, dataset)
    runtime = runtimes.load(format, folder, threads=devices.usable_cores())
    try:
        task = tasks.load(JUDGED_TASK, folder, runtime.signature)
        texts, labels = [example.text for example in held_out], [example.label for example in held_out]
        # One text at a time, as a service answers one client: a dynamically quantized model scales its activations over
        # the whole batch, which cost a MiniLM another 0.4 points at 32 texts a batch.
        return evaluate(runtime, task, texts, labels, dataset.classes, reporter, batch_size=1)
    finally:
        runtime.close()
