"""The held-out rows that a version is judged on, and its answers to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy import devices, plugins, runtimes, tasks
from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Dataset, Format, SplitName, Version
from jupyter_modeldeploy.runtimes import Runtime
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.tasks import Task

if TYPE_CHECKING:
    from jupyter_modeldeploy.datasets.reader import Example
    from jupyter_modeldeploy.judging.versions import Judgement, Questions

JUDGED_TASKS = ("text-classification", "image-classification", "object-detection")


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

    if dataset.task != "text-classification" or dataset.multi_label:
        return []
    return text_classification.read_single(store.datasets.path(dataset), dataset).test


def can_judge(version: Version, dataset: Dataset) -> bool:
    """Whether the dataset's labels are what the version answers with."""
    known = version.classes is None or set(dataset.classes) <= set(version.classes)
    return version.task in JUDGED_TASKS and dataset.task == version.task and known


def check_judgeable(version: Version, dataset: Dataset) -> None:
    """Raise InvalidInput when the dataset's labels are not what the version answers with."""
    if version.task not in JUDGED_TASKS:
        raise InvalidInput(
            f"{version.ref} does {version.task or 'nothing known'}.", f"What can be judged: {', '.join(JUDGED_TASKS)}."
        )
    if dataset.task != version.task:
        raise InvalidInput(f"{dataset.ref} is for {dataset.task}.", f"Name a dataset for {version.task}.")
    if not can_judge(version, dataset):
        raise InvalidInput(
            f"{version.ref} knows the classes {version.classes}, {dataset.ref} has {dataset.classes}.",
            "Judge it on a dataset with its classes.",
        )


def questions(store: Store, task: Task, dataset: Dataset, part: SplitName = "test") -> Questions:
    """The rows of one part of a dataset as a version's task reads them. Raises what `judging.versions.questions`
    raises."""
    from jupyter_modeldeploy.judging import versions

    rows: list[Any] = getattr(plugins.load("datasets", dataset.task).read(store.datasets.path(dataset), dataset), part)
    return versions.questions(task, dataset, rows)


def judge(
    store: Store, version: Version, dataset: Dataset, reporter: Reporter, made: tuple[Format, Path] | None = None
) -> Judgement:
    """The version's answers to the dataset's held-out rows, or those of what was `made` of it, in a format and folder.
    Raises what `check_judgeable` and `questions` raise."""
    from jupyter_modeldeploy.judging import versions

    with opened(store, version, dataset, made) as (runtime, task):
        return versions.judge(runtime, task, questions(store, task, dataset), reporter)


@contextmanager
def opened(
    store: Store, version: Version, dataset: Dataset, made: tuple[Format, Path] | None = None
) -> Iterator[tuple[Runtime, Task]]:
    """The version, or what was `made` of it, ready to be asked the dataset's rows. Raises what `check_judgeable`
    raises."""
    check_judgeable(version, dataset)
    assert version.task is not None  # it can be judged
    format, folder = made or (version.format, store.versions.path(version))
    runtime = runtimes.load(format, folder, threads=devices.usable_cores())
    try:
        yield runtime, tasks.load(version.task, folder, runtime.signature)
    finally:
        runtime.close()
