"""How sure the metrics are that `metrics` gives, and their differences to those of another model on the same rows.

Rows are drawn with replacement, all metrics taken anew, and for the difference those of both models on the same rows:
the paired bootstrap. The share of rows that are right has closed forms instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from jupyter_modeldeploy.intervals import (
    bootstrap_p_value,
    mcnemar,
    paired_difference_of_proportions,
    percentiles,
    resampled,
    wilson,
)
from jupyter_modeldeploy.judging import average_precision
from jupyter_modeldeploy.judging.metrics import HeldOut, entities, of_entities
from jupyter_modeldeploy.records import Interval

CLOSED = "Wilson's interval; of the difference Newcombe's for pairs"
BOOTSTRAP = "bootstrap over the held-out rows"
Measure = Callable[[np.ndarray], dict[str, np.ndarray]]
"""From how often each row occurs, float[n, rows], to float[n] for each metric."""


def kept(held_out: HeldOut, answers: Sequence[np.ndarray]) -> np.ndarray:
    """What has to be kept of answers so that metrics can be taken anew, numbers in two dimensions.

    One label: the class. Several: 0 or 1 for each class. Tagging: for each row met, found and wanted entities (where
    the classes are of such), then for each class words that are right and words so tagged. Language model: negative
    log likelihood and tokens. Detection: `average_precision.matches`."""
    match held_out.kind:
        case "single-label":
            return np.array([[answer.argmax()] for answer in answers], np.int64)
        case "multi-label":
            return np.array([answer > 0 for answer in answers], np.int64)
        case "tagging":
            return _tagging_counts(held_out, [answer.argmax(axis=-1) for answer in answers])
        case "language-model":
            return np.stack(list(answers)).astype(float)
        case "detection":
            return average_precision.matches(answers, held_out.labels, len(held_out.classes))


def intervals(held_out: HeldOut, after: np.ndarray, before: np.ndarray) -> dict[str, dict[str, Any]]:
    """For each metric the fields `interval`, `difference` and `method` of an EvaluatedMetric, from what is `kept`, and
    the `p_value` of there being no difference."""
    measures = [_MEASURES[held_out.kind](held_out, each) for each in (after, before)]
    once = np.ones((1, len(held_out.labels)))
    values, values_before = (measure(once) for measure in measures)
    draws = [[measure(drawn) for measure in measures] for drawn in resampled(len(held_out.labels))]
    found: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        drawn, drawn_before = (np.concatenate([both[side][name] for both in draws]) for side in (0, 1))
        found[name] = {
            "interval": percentiles(float(value[0]), drawn),
            "difference": percentiles(float(value[0] - values_before[name][0]), drawn - drawn_before),
            "p_value": bootstrap_p_value(drawn - drawn_before),
            "method": BOOTSTRAP,
        }
    if held_out.kind in ("single-label", "multi-label"):
        found["accuracy"] = _of_share(_right(held_out, after), _right(held_out, before))
    return found


def _of_share(after: np.ndarray, before: np.ndarray) -> dict[str, Any]:
    return {
        "interval": wilson(int(after.sum()), len(after)),
        "difference": _paired(after, before),
        "p_value": mcnemar(int((after & ~before).sum()), int((~after & before).sum())),
        "method": CLOSED,
    }


def _paired(after: np.ndarray, before: np.ndarray) -> Interval:
    return paired_difference_of_proportions(
        both=int((after & before).sum()),
        only_a=int((after & ~before).sum()),
        only_b=int((~after & before).sum()),
        neither=int((~after & ~before).sum()),
    )


def _right(held_out: HeldOut, rows: np.ndarray) -> np.ndarray:
    """bool[rows]: whether all of a row is right."""
    return np.asarray((rows == np.asarray(held_out.labels).reshape(len(rows), -1)).all(axis=1))


def _tagging_counts(held_out: HeldOut, chosen: Sequence[np.ndarray]) -> np.ndarray:
    right = [np.asarray(label, dtype=int) for label in held_out.labels]
    classes = len(held_out.classes)
    rows = []
    for a, b in zip(chosen, right, strict=True):
        met = np.bincount(b[a == b], minlength=classes)
        rows.append([*_entities(held_out, a, b), *met, *np.bincount(a, minlength=classes)])
    return np.array(rows, np.int64)


def _entities(held_out: HeldOut, chosen: np.ndarray, right: np.ndarray) -> tuple[int, ...]:
    if not of_entities(held_out.classes):
        return ()
    found, wanted = entities([chosen], held_out.classes), entities([right], held_out.classes)
    return len(found & wanted), len(found), len(wanted)


def _of_one_label(held_out: HeldOut, rows: np.ndarray) -> Measure:
    names = len(held_out.classes)
    chosen, wanted = _one_hot(rows[:, 0], names), _one_hot(np.asarray(held_out.labels), names)
    met = chosen.multiply(wanted).tocsr()
    return lambda drawn: {"f1_macro": _f1_macro(drawn @ met, drawn @ chosen + drawn @ wanted)}


def _of_several_labels(held_out: HeldOut, rows: np.ndarray) -> Measure:
    wanted = np.array(held_out.labels).astype(np.int64)

    def measure(drawn: np.ndarray) -> dict[str, np.ndarray]:
        met, counted = drawn @ (rows & wanted), drawn @ (rows + wanted)
        return {"f1_micro": _f1(met.sum(axis=1), counted.sum(axis=1)), "f1_macro": _f1_macro(met, counted)}

    return measure


def _of_tags(held_out: HeldOut, rows: np.ndarray) -> Measure:
    names = len(held_out.classes)
    met, chosen = rows[:, -2 * names : -names], rows[:, -names:]
    wanted = np.array([np.bincount(np.asarray(label, dtype=int), minlength=names) for label in held_out.labels])
    words = wanted.sum(axis=1)

    def measure(drawn: np.ndarray) -> dict[str, np.ndarray]:
        metrics = {
            "accuracy": drawn @ met.sum(axis=1) / np.maximum(drawn @ words, 1),
            "f1_macro": _f1_macro(drawn @ met, drawn @ (chosen + wanted)),
        }
        if of_entities(held_out.classes):
            metrics["f1"] = _f1(drawn @ rows[:, 0], drawn @ (rows[:, 1] + rows[:, 2]))
        return metrics

    return measure


def _of_texts(held_out: HeldOut, rows: np.ndarray) -> Measure:
    def measure(drawn: np.ndarray) -> dict[str, np.ndarray]:
        losses = drawn @ rows[:, 0] / np.maximum(drawn @ rows[:, 1], 1)
        return {"perplexity": np.exp(np.minimum(losses, 700.0))}

    return measure


def _of_boxes(held_out: HeldOut, rows: np.ndarray) -> Measure:
    boxes = rows.astype(np.int64).reshape(-1, 3)  # of no boxes, what was kept in JSON has one dimension
    matched = average_precision.from_matches(boxes, held_out.labels, len(held_out.classes))

    def measure(drawn: np.ndarray) -> dict[str, np.ndarray]:
        precisions = average_precision.mean_over_classes(matched, drawn)
        return {"map50": precisions[:, 0], "map50_95": precisions.mean(axis=1)}

    return measure


def _one_hot(numbers: np.ndarray, classes: int) -> Any:
    """Sparse [rows, classes]: there may be thousands of classes."""
    rows = len(numbers)
    return sparse.csr_array((np.ones(rows), (np.arange(rows), numbers.astype(int))), shape=(rows, classes))


def _f1(met: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """`counted` is found and wanted together; nothing of either is no mistake."""
    return np.where(counted > 0, 2 * met / np.maximum(counted, 1), 1.0)


def _f1_macro(met: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """float64[n], over the classes that occur, of float[n, classes]."""
    scores: np.ndarray = (2 * met / np.maximum(counted, 1)).sum(axis=1) / np.maximum((counted > 0).sum(axis=1), 1)
    return scores


_MEASURES: dict[str, Callable[[HeldOut, np.ndarray], Measure]] = {
    "single-label": _of_one_label,
    "multi-label": _of_several_labels,
    "tagging": _of_tags,
    "language-model": _of_texts,
    "detection": _of_boxes,
}
