"""An `EvaluationReport` of a model's answers to held-out rows, as `metrics` has them. Numpy and scipy alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jupyter_modeldeploy.judging import metric_intervals
from jupyter_modeldeploy.judging.average_precision import by_class
from jupyter_modeldeploy.judging.calibration import calibration, softmax
from jupyter_modeldeploy.judging.metrics import HeldOut, evaluate, main_metric
from jupyter_modeldeploy.records import (
    ClassResult,
    Confusion,
    EvaluatedMetric,
    EvaluationReport,
    Mistake,
)

SHOWN_CLASSES, SHOWN_MISTAKES, SHOWN_CHARACTERS = 20, 10, 200
OTHERS = "(others)"


def report(
    dataset: str,
    held_out: HeldOut,
    answers: Sequence[np.ndarray],
    metrics: Mapping[str, float],
    before: Mapping[str, float] | None = None,
    before_rows: np.ndarray | None = None,
    training_labels: Sequence[Any] | None = None,
) -> EvaluationReport:
    """`metrics` and `before` are what `evaluate` says of the model and of the one before training, or any other that it
    is held against; `before_rows` are the `metric_intervals.kept` of that one's answers. Intervals are at 95 %."""
    majority = {} if training_labels is None else _majority(held_out, training_labels)
    rows = metric_intervals.kept(held_out, answers)
    intervals = metric_intervals.intervals(held_out, rows, rows if before_rows is None else before_rows)
    for each in intervals.values():
        del each["p_value"]
        if before_rows is None:
            del each["difference"]
    found = [
        EvaluatedMetric(
            name=name,
            value=value,
            before=before.get(name) if before else None,
            majority=majority.get(name),
            **intervals.get(name, {}),
        )
        for name, value in metrics.items()
        if name != "loss"
    ]
    first = main_metric(held_out)
    return EvaluationReport(
        kind=held_out.kind,
        dataset=dataset,
        rows=len(answers),
        metrics=sorted(found, key=lambda metric: metric.name != first),
        **_DETAILS[held_out.kind](held_out, answers),
    )


def _majority(held_out: HeldOut, training_labels: Sequence[Any]) -> dict[str, float]:
    """The metrics of answering everything with what is most frequent among the training rows."""
    classes = len(held_out.classes)
    if held_out.kind == "single-label":
        common = np.eye(classes)[np.bincount(np.asarray(training_labels), minlength=classes).argmax()]
    elif held_out.kind == "multi-label":
        sets = Counter(tuple(np.asarray(label).astype(int).tolist()) for label in training_labels)
        common = np.array(sets.most_common(1)[0][0]) - 0.5
    elif held_out.kind == "tagging":
        tags = np.concatenate([np.asarray(label, dtype=int) for label in training_labels])
        common = np.eye(classes)[np.bincount(tags, minlength=classes).argmax()]
        repeated = [np.tile(common, (len(label), 1)) for label in held_out.labels]
        return evaluate(held_out.kind, repeated, held_out.labels, held_out.classes)
    else:
        return {}
    return evaluate(held_out.kind, [common] * len(held_out.labels), held_out.labels, held_out.classes)


def _of_one_label(held_out: HeldOut, answers: Sequence[np.ndarray]) -> dict[str, Any]:
    labels = np.asarray(held_out.labels)
    return _of_choices(held_out, np.stack(list(answers)), labels, np.arange(len(labels)))


def _of_tags(held_out: HeldOut, answers: Sequence[np.ndarray]) -> dict[str, Any]:
    labels = [np.asarray(label, dtype=int) for label in held_out.labels]
    rows = np.repeat(np.arange(len(labels)), [len(label) for label in labels])
    return _of_choices(held_out, np.concatenate(list(answers)), np.concatenate(labels), rows)


def _of_choices(held_out: HeldOut, logits: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    """Of choices of one class each; choice `i` is in row `rows[i]`."""
    names, chosen = held_out.classes, logits.argmax(axis=-1)
    sure = softmax(logits).max(axis=-1)
    counts = np.zeros((len(names), len(names)), np.int64)
    np.add.at(counts, (labels, chosen), 1)
    wrong = np.flatnonzero(labels != chosen)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:SHOWN_MISTAKES]
    return {
        "per_class": _table(names, counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)),
        "confusion": _confusion(names, counts),
        "calibration": calibration(sure, labels == chosen),
        "worst": [
            _mistake(held_out, int(rows[i]), names[int(labels[i])], names[int(chosen[i])], sure[i]) for i in worst
        ],
    }


def _of_several_labels(held_out: HeldOut, answers: Sequence[np.ndarray]) -> dict[str, Any]:
    """Each class of a row is a yes or no of its own; a mistake is as confident as its surest wrong class."""
    logits = np.stack(list(answers))
    wanted = np.stack([np.asarray(label) for label in held_out.labels]).astype(bool)
    chosen = logits > 0
    sure = 1 / (1 + np.exp(-np.abs(logits.astype(np.float64))))
    wrongness = np.where(chosen != wanted, sure, 0).max(axis=1)
    worst = [row for row in np.argsort(-wrongness, kind="stable")[:SHOWN_MISTAKES].tolist() if wrongness[row] > 0]
    return {
        "per_class": _table(held_out.classes, (chosen & wanted).sum(axis=0), chosen.sum(axis=0), wanted.sum(axis=0)),
        "calibration": calibration(sure.ravel(), (chosen == wanted).ravel()),
        "worst": [
            _mistake(
                held_out,
                row,
                _names(wanted[row], held_out.classes),
                _names(chosen[row], held_out.classes),
                wrongness[row],
            )
            for row in worst
        ],
    }


def _of_texts(held_out: HeldOut, answers: Sequence[np.ndarray]) -> dict[str, Any]:
    sums = np.stack(list(answers))
    losses = sums[:, 0] / np.maximum(sums[:, 1], 1)
    worst = np.argsort(-losses, kind="stable")[:SHOWN_MISTAKES].tolist()
    return {"worst": [_mistake(held_out, row, "", "", losses[row]) for row in worst]}


def _of_boxes(held_out: HeldOut, answers: Sequence[np.ndarray]) -> dict[str, Any]:
    precisions = by_class(answers, held_out.labels, len(held_out.classes))
    boxes = Counter(int(box[0]) for wanted in held_out.labels for box in wanted)
    return {
        "per_class": [
            ClassResult(
                name=held_out.classes[number],
                support=boxes[number],
                ap50=float(precision[0]),
                ap50_95=float(precision.mean()),
            )
            for number, precision in precisions.items()
        ]
    }


_DETAILS = {
    "single-label": _of_one_label,
    "multi-label": _of_several_labels,
    "tagging": _of_tags,
    "language-model": _of_texts,
    "detection": _of_boxes,
}


def _table(names: Sequence[str], hits: np.ndarray, chosen: np.ndarray, wanted: np.ndarray) -> list[ClassResult]:
    return [
        ClassResult(
            name=name,
            support=int(wanted[i]),
            precision=_share(hits[i], chosen[i]),
            recall=_share(hits[i], wanted[i]),
            f1=_share(2 * hits[i], chosen[i] + wanted[i]),
        )
        for i, name in enumerate(names)
    ]


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def _confusion(names: Sequence[str], counts: np.ndarray) -> Confusion:
    if len(names) <= SHOWN_CLASSES:
        return Confusion(classes=list(names), counts=counts.tolist())
    largest = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[: SHOWN_CLASSES - 1])
    place = np.full(len(names), len(largest))
    place[largest] = np.arange(len(largest))
    joined = np.zeros((len(largest) + 1, len(largest) + 1), np.int64)
    np.add.at(joined, (place[:, None], place[None, :]), counts)
    return Confusion(
        classes=[*(names[index] for index in largest), OTHERS],
        counts=joined.tolist(),
        joined=len(names) - len(largest),
    )


def _names(given: np.ndarray, classes: Sequence[str]) -> str:
    return ", ".join(classes[index] for index in np.flatnonzero(given).tolist()) or "none"


def _mistake(held_out: HeldOut, row: int, wanted: str, answered: str, score: float) -> Mistake:
    text = " ".join(held_out.text(row).split()) if held_out.text else ""
    short = text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
    return Mistake(row=row, text=short, wanted=wanted, answered=answered, score=float(score))
