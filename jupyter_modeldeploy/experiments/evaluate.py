"""How often a classifier is right on labelled texts, and by how much two differ on the same ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.intervals import paired_difference_of_proportions, wilson
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Interval, Record
from jupyter_modeldeploy.runtimes import Runtime
from jupyter_modeldeploy.tasks import Task


class ClassScore(Record):
    """One class: of the answers that name it, the share that is right (`precision`, None where no answer does); of its
    own texts, the share that was found (`recall`, None where there are none)."""

    name: str
    precision: float | None
    recall: float | None
    samples: int


class Evaluation(Record):
    """A classifier's answers to labelled texts. `correct` is in the texts' order; `confusion[i][j]` counts the texts of
    class i that were answered with class j."""

    accuracy: Interval
    correct: list[bool]
    classes: list[str]
    confusion: list[list[int]]
    per_class: list[ClassScore]


def evaluate(
    runtime: Runtime,
    task: Task,
    texts: Sequence[str],
    labels: Sequence[int],
    classes: Sequence[str],
    reporter: Reporter,
    batch_size: int = 32,
) -> Evaluation:
    """Judge a text classifier; `labels` are indexes into `classes`, which are named as the model names its answers.

    Texts run in batches of their like in length, so that little is padded. A dynamically quantized model scales its
    activations over a whole batch and may answer a text that lies near its border otherwise than alone.

    Raises InvalidInput without texts, for labels that are no class, and for a model that answers with other names."""
    if not texts or len(texts) != len(labels) or not all(0 <= label < len(classes) for label in labels):
        raise InvalidInput(
            f"{len(texts)} texts with {len(labels)} labels of {len(classes)} classes cannot be judged.",
            "Give each text one label, an index into the classes.",
        )
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    answered = np.empty(len(texts), dtype=np.int64)
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        answers = task.decode(runtime.run(task.encode([texts[index] for index in batch])))
        answered[batch] = [_class_index(answer["label"], classes) for answer in answers]
        reporter.progress(start + len(batch), len(texts), "texts", "Judging on held-out texts")
    return _scored(np.asarray(labels), answered, list(classes))


def paired_difference(candidate: Evaluation, base: Evaluation) -> Interval:
    """The candidate's accuracy minus the base's on the same texts, as a proportion, with its 95 % interval.

    Raises InvalidInput when the two were not judged on equally many texts."""
    ours, theirs = np.array(candidate.correct), np.array(base.correct)
    if ours.size != theirs.size:
        raise InvalidInput(f"{ours.size} and {theirs.size} texts are not the same ones.", "Judge both on one dataset.")
    return paired_difference_of_proportions(
        both=int(np.sum(ours & theirs)),
        only_a=int(np.sum(ours & ~theirs)),
        only_b=int(np.sum(~ours & theirs)),
        neither=int(np.sum(~ours & ~theirs)),
    )


def _class_index(name: str, classes: Sequence[str]) -> int:
    if name not in classes:
        raise InvalidInput(
            f"The model answers {name!r}, which is none of the classes {', '.join(classes)}.",
            "Judge it on a dataset with the model's classes, or fine-tune it on this one.",
        )
    return classes.index(name)


def _scored(labels: np.ndarray, answered: np.ndarray, classes: list[str]) -> Evaluation:
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (labels, answered), 1)
    right, named, there = confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1)
    return Evaluation(
        accuracy=wilson(int(right.sum()), len(labels)),
        correct=(labels == answered).tolist(),
        classes=classes,
        confusion=confusion.tolist(),
        per_class=[
            ClassScore(
                name=name,
                precision=float(right[index] / named[index]) if named[index] else None,
                recall=float(right[index] / there[index]) if there[index] else None,
                samples=int(there[index]),
            )
            for index, name in enumerate(classes)
        ],
    )
