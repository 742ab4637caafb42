"""A version's answers to held-out rows, through the runtime and the task that serve it, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from jupyter_modeldeploy.datasets.reader import BoxedImage, Example, LabelledImage, MultiLabelExample
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.judging import metric_intervals
from jupyter_modeldeploy.judging.metrics import HeldOut, Kind, evaluate, main_metric
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Dataset, Interval
from jupyter_modeldeploy.runtimes import Runtime
from jupyter_modeldeploy.tasks import Judgeable, ReadsImages, Task

TOLD_EVERY = 16
CLEAR = 0.25
"""The score of boxes that a service tells of."""


@dataclass(frozen=True)
class Questions:
    """Held-out rows as a task reads them: `item(i)` is what is asked in row `i`, of about `size(i)`, and
    `held_out.labels[i]` the right answer. `columns` are the model's numbers of `held_out.classes`."""

    held_out: HeldOut
    item: Callable[[int], Any]
    size: Callable[[int], int]
    columns: np.ndarray

    def __len__(self) -> int:
        return len(self.held_out.labels)


@dataclass(frozen=True)
class Judgement:
    """A model's answers to held-out rows, as `metrics` has them, and what they come to: the standard metrics, of which
    `main` is the one that the task is judged by."""

    held_out: HeldOut
    answers: Sequence[np.ndarray]

    @cached_property
    def metrics(self) -> dict[str, float]:
        return evaluate(self.held_out.kind, self.answers, self.held_out.labels, self.held_out.classes)

    @cached_property
    def rows(self) -> np.ndarray:
        """What differences are made of: `metric_intervals.kept`."""
        return metric_intervals.kept(self.held_out, self.answers)

    @property
    def main(self) -> str:
        return main_metric(self.held_out)


class Difference(NamedTuple):
    """The candidate's metric with its interval, and what it is above the base's on the same rows, with the p-value of
    this metric alone; `method` says how the intervals were found."""

    value: Interval
    difference: Interval
    p_value: float
    method: str


def questions(task: Task, dataset: Dataset, rows: Sequence[Any]) -> Questions:
    """The rows, of a reader of `datasets`, as what a version's `task` reads. The version may know more classes than the
    dataset has: they come after the dataset's.

    Raises InvalidInput without rows, for a task whose answers cannot be judged, rows that it does not read, and
    for a dataset with classes that the version does not know."""
    if not rows:
        raise InvalidInput(f"{dataset.ref} has no rows to judge on.", "Choose a dataset with held-out rows.")
    if not isinstance(task, Judgeable):
        raise InvalidInput(f"Answers of {type(task).__name__} cannot be judged.", "Name a version that classifies.")
    classes, columns = _classes(task.class_names, dataset)
    kind, labels = _labels(rows, len(classes))
    if isinstance(task, ReadsImages) != isinstance(rows[0], (LabelledImage, BoxedImage)) or kind not in task.judged_as:
        raise InvalidInput(
            f"{dataset.ref} is for {dataset.task}, and the version does something else.", "Name a dataset for its task."
        )
    held_out = HeldOut(kind, labels, classes, lambda row: _shown(rows[row]))
    if isinstance(task, ReadsImages):
        return Questions(held_out, lambda row: task.parse_files(rows[row].path.read_bytes())[0], lambda row: 0, columns)
    return Questions(held_out, lambda row: rows[row].text, lambda row: len(rows[row].text), columns)


def judge(runtime: Runtime, task: Task, asked: Questions, reporter: Reporter, batch_size: int = 1) -> Judgement:
    """Ask a version all of it. One row at a time is how a service answers one client: a dynamically quantized model
    scales its activations over the whole batch, which cost a MiniLM another 0.4 points of accuracy at 32 texts a batch.
    Where batches are larger, rows of a like size share one. Raises what the runtime and the task raise."""
    assert isinstance(task, Judgeable)  # `questions` made sure
    rows = len(asked)
    order = sorted(range(rows), key=asked.size) if batch_size > 1 else list(range(rows))
    answers: list[np.ndarray] = [np.empty(0)] * rows
    for start in range(0, rows, batch_size):
        batch = order[start : start + batch_size]
        items = [asked.item(row) for row in batch]
        outputs = runtime.run(task.encode(items))
        for row, answer in zip(batch, task.judged_answers(items, outputs), strict=True):
            answers[row] = _in_columns(answer, asked)
        if start // batch_size % TOLD_EVERY == 0 or start + len(batch) == rows:
            reporter.progress(start + len(batch), rows, "rows", "Judging on held-out rows")
    return Judgement(asked.held_out, answers)


def differences(candidate: Judgement, base: Judgement) -> dict[str, Difference]:
    """For each metric the candidate's minus the base's on the same rows, with 95 % intervals.

    Raises InvalidInput when they were not asked equally many rows."""
    if len(candidate.answers) != len(base.answers):
        raise InvalidInput(
            f"{len(candidate.answers)} and {len(base.answers)} rows are not the same ones.",
            "Judge both on one dataset.",
        )
    found = metric_intervals.intervals(candidate.held_out, candidate.rows, base.rows)
    return {
        name: Difference(each["interval"], each["difference"], each["p_value"], each["method"])
        for name, each in found.items()
    }


def agreement(candidate: Judgement, base: Judgement) -> float:
    """The share of rows that both answer alike, right or wrong: the same classes, or as many clear boxes of each."""
    if candidate.held_out.kind == "detection":
        pairs = zip(candidate.answers, base.answers, strict=True)
        return float(np.mean([_same_boxes(one, other) for one, other in pairs]))
    return float((candidate.rows == base.rows).all(axis=1).mean())


def _same_boxes(one: np.ndarray, other: np.ndarray) -> bool:
    counts = [np.bincount(boxes[boxes[:, 4] >= CLEAR, 5].astype(int)) for boxes in (one, other)]
    size = max(map(len, counts))
    first, second = (np.pad(each, (0, size - len(each))) for each in counts)
    return bool(np.array_equal(first, second))


def _classes(known: Sequence[str], dataset: Dataset) -> tuple[list[str], np.ndarray]:
    """The classes, the dataset's first, and the version's numbers of them."""
    number = {name: index for index, name in reversed(list(enumerate(known)))}
    missing = [name for name in dataset.classes if name not in number]
    if missing:
        few = ", ".join(known[:5]) + (" …" if len(known) > 5 else "")
        raise InvalidInput(
            f"{dataset.ref} has the class {missing[0]!r}, and the version knows {few or 'no classes'}.",
            "Judge it on a dataset with the version's classes, or fine-tune it on this one.",
        )
    classes = [*dataset.classes, *(name for name in number if name not in set(dataset.classes))]
    return classes, np.array([number[name] for name in classes], np.intp)


def _labels(rows: Sequence[Any], classes: int) -> tuple[Kind, list[Any]]:
    match rows[0]:
        case Example() | LabelledImage():
            return "single-label", [row.label for row in rows]
        case MultiLabelExample():
            return "multi-label", [np.isin(np.arange(classes), row.labels).astype(np.int64) for row in rows]
        case BoxedImage():
            return "detection", [_corners(row) for row in rows]
    raise InvalidInput(
        f"Rows of the kind {type(rows[0]).__name__} cannot be asked of a version that is served.",
        "Name a dataset of labelled texts or images.",
    )


def _corners(row: BoxedImage) -> np.ndarray:
    """float32[boxes, 5]: class and two corners, as shares of the image's width and height."""
    boxes = np.array(row.boxes, np.float32).reshape(-1, 5)
    half = boxes[:, 3:] / 2
    return np.concatenate([boxes[:, :1], boxes[:, 1:3] - half, boxes[:, 1:3] + half], axis=1)


def _in_columns(answer: np.ndarray, asked: Questions) -> np.ndarray:
    if asked.held_out.kind != "detection":
        return np.asarray(answer[asked.columns])
    place = np.full(int(max(asked.columns.max(), answer[:, 5].max(initial=0))) + 1, -1)
    place[asked.columns] = np.arange(len(asked.columns))
    return np.concatenate([answer[:, :5], place[answer[:, 5:].astype(np.intp)]], axis=1)


def _shown(row: Any) -> str:
    return str(row.path.name if isinstance(row, (LabelledImage, BoxedImage)) else row.text)
