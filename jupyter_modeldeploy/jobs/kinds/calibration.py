"""Rows of a dataset as the inputs that a version's model gets, to calibrate it with."""

from __future__ import annotations

import random
from typing import Any

from jupyter_modeldeploy import plugins, tasks
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Dataset, Signature, Version
from jupyter_modeldeploy.runtimes import Tensors
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.tasks import ReadsImages, Task

SEED = 0


def batches(store: Store, version: Version, signature: Signature, dataset: Dataset, count: int) -> list[Tensors]:
    """The inputs for `count` of the training rows, drawn at random, or for all where there are fewer; one row each.

    Raises InvalidInput for a dataset whose rows are nothing that the version is asked about."""
    if not dataset.task.startswith(("text-", "image-", "object-")) or version.task is None:
        raise InvalidInput(
            f"{dataset.ref} is for {dataset.task}, {version.ref} does {version.task or 'nothing known'}.",
            "Name a dataset of texts or of images.",
        )
    task = tasks.load(version.task, store.versions.folder(version), signature)
    split = plugins.load("datasets", dataset.task).read(store.datasets.path(dataset), dataset)
    rows = split.train or split.test
    chosen = random.Random(SEED).sample(rows, min(count, len(rows)))
    return [task.encode(_items(task, row)) for row in chosen]


def _items(task: Task, row: Any) -> list[Any]:
    """What the task makes of a row: a text, or an image file."""
    if isinstance(task, ReadsImages) != hasattr(row, "path"):
        raise InvalidInput("The dataset holds images and the version takes none, or the other way round.")
    return task.parse_files(row.path.read_bytes()) if isinstance(task, ReadsImages) else task.parse({"text": row.text})
