"""What every trainer gets. A trainer is registered under `jupyter_modeldeploy.trainers` by the task that it trains for:

    [project.entry-points."jupyter_modeldeploy.trainers"]
    text-classification = "jupyter_modeldeploy.training.text_classification:finetune"

It runs in a process of its own, which may use all cores that the process is granted and one device. It asks nothing of
the network and runs no code of the base. What it writes to `checkpoints` makes it resumable: called again after a kill,
it goes on from there. What it writes to `out` becomes a version.

Where the options ask for several `processes`, our own trainers run in each of them at the same time, as a
`training.group.Group`; one that is a call of `fit` has nothing to do for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Dataset
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult


@dataclass(frozen=True)
class Teaching:
    """A version that is learnt from beside the labels: the classifier in `folder`, with the dataset's classes. `share`
    of the loss are its logits softened by `temperature`, the rest are the labels. With a share of 0 it teaches nothing
    and is only what the trained model is held beside."""

    folder: Path
    temperature: float = 2.0
    share: float = 0.5


@dataclass(frozen=True)
class Training:
    """One fine-tuning.

    `base` is the folder of the version to start from, `data` the dataset's file or folder, as its reader takes it.
    `out` does not exist yet. `checkpoints` belongs to this training alone. `device` is "cpu" or "cuda:<n>".

    A `trial` of a sweep is judged by its validation rows alone: the result's `metrics` are theirs, those of the final
    weights. The held-out rows are not looked at, and nothing is written to `out`. Its last checkpoint is of its end, so
    that the same training without `trial` on these checkpoints only judges and writes.

    With a `teaching` the result's `baseline` is of the teacher, not of the model before training. With `keep_zeros`
    weights that are 0 in the base stay so."""

    base: Path
    dataset: Dataset
    data: Path
    out: Path
    checkpoints: Path
    options: FinetuneOptions
    reporter: Reporter
    device: str = "cpu"
    trial: bool = False
    teaching: Teaching | None = None
    keep_zeros: bool = False


Trainer = Callable[[Training], FinetuneResult]
"""Raises InvalidInput for an unusable base or data, Conflict when the checkpoints are another training's, Unavailable
without the device, StorageFull, and JobFailed when the loss is no longer a number or memory does not suffice."""
