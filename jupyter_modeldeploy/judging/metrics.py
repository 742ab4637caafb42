"""How good a model's answers to held-out rows are. Numpy alone: the answers are arrays, wherever they came from.

What an answer is depends on the kind of problem, one array for each row:

- `single-label`: logits float32[classes]; the label is a class index
- `multi-label`: logits float32[classes]; the label is 0 or 1 for each class
- `tagging`: logits float32[words, classes]; the label is the tag's index for each word
- `language-model`: float64[2], the sum of the negative log likelihoods of the row's tokens and their number; the label
  is not looked at
- `detection`: the found boxes float32[boxes, 6], the label is the wanted ones float32[boxes, 5], both as
  `average_precision.mean_average_precision` has them
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from jupyter_modeldeploy.judging.average_precision import mean_average_precision

ENTITY = re.compile(r"[BIESLU]-.+")
Kind = Literal["single-label", "multi-label", "tagging", "language-model", "detection"]


@dataclass(frozen=True)
class HeldOut:
    """The held-out rows: their labels, and what stands in row `i` for people to read."""

    kind: Kind
    labels: Sequence[Any]
    classes: Sequence[str]
    text: Callable[[int], str] | None = None


def main_metric(held_out: HeldOut) -> str:
    """The metric that the task is judged by."""
    if held_out.kind == "tagging":
        return "f1" if of_entities(held_out.classes) else "accuracy"
    return {"language-model": "perplexity", "detection": "map50"}.get(held_out.kind, "accuracy")


def evaluate(
    kind: Kind, answers: Sequence[np.ndarray], labels: Sequence[Any], classes: Sequence[str]
) -> dict[str, float]:
    """The standard metrics of the kind; ratios go from 0 to 1.

    single-label: accuracy, f1_macro. multi-label: accuracy (all classes of a row right), f1_micro, f1_macro.
    tagging: accuracy (of words), f1 (of whole entities, where the classes are such tags: B-…, I-…, O), f1_macro (of
    tags). language-model: perplexity, loss. detection: map50, map50_95."""
    return _METRICS[kind](answers, labels, classes)


def _single_label(answers: Sequence[np.ndarray], labels: Sequence[Any], classes: Sequence[str]) -> dict[str, float]:
    return _by_class(np.array([answer.argmax() for answer in answers]), np.asarray(labels), len(classes))


def _by_class(chosen: np.ndarray, right: np.ndarray, classes: int) -> dict[str, float]:
    one_hot = np.eye(classes, dtype=bool)
    f1 = _f1_of_classes(one_hot[chosen], one_hot[right])
    return {"accuracy": float((chosen == right).mean()), "f1_macro": float(f1.mean())}


def _multi_label(answers: Sequence[np.ndarray], labels: Sequence[Any], classes: Sequence[str]) -> dict[str, float]:
    chosen = np.stack(list(answers)) > 0
    right = np.stack([np.asarray(label) for label in labels]).astype(bool)
    hits, misses = float((chosen & right).sum()), float((chosen != right).sum())
    return {
        "accuracy": float((chosen == right).all(axis=1).mean()),
        "f1_micro": 2 * hits / (2 * hits + misses) if hits + misses else 1.0,
        "f1_macro": float(_f1_of_classes(chosen, right).mean()),
    }


def _f1_of_classes(chosen: np.ndarray, right: np.ndarray) -> np.ndarray:
    """float64[n] for bool[rows, classes]; of the `n` classes that occur in either."""
    hits, total = (chosen & right).sum(axis=0), chosen.sum(axis=0) + right.sum(axis=0)
    occurs = total > 0
    scores: np.ndarray = 2 * hits[occurs] / total[occurs]
    return scores


def _tagging(answers: Sequence[np.ndarray], labels: Sequence[Any], classes: Sequence[str]) -> dict[str, float]:
    chosen = [answer.argmax(axis=-1) for answer in answers]
    right = [np.asarray(label) for label in labels]
    metrics = _by_class(np.concatenate(chosen), np.concatenate(right), len(classes))
    if of_entities(classes):
        metrics["f1"] = _entity_f1(chosen, right, classes)
    return metrics


def of_entities(classes: Sequence[str]) -> bool:
    """Whether the tags are of whole entities: B-…, I-…, O."""
    return all(name == "O" or ENTITY.fullmatch(name) for name in classes)


def _entity_f1(chosen: Sequence[np.ndarray], right: Sequence[np.ndarray], classes: Sequence[str]) -> float:
    found = entities(chosen, classes)
    wanted = entities(right, classes)
    return 2 * len(found & wanted) / (len(found) + len(wanted)) if found or wanted else 1.0


def entities(sentences: Sequence[np.ndarray], classes: Sequence[str]) -> set[tuple[int, int, int, str]]:
    """Whole entities as (sentence, first word, word after the last, type), in the schemes IOB2, IOBES and BILOU. A tag
    that continues nothing begins an entity, as in the evaluation of the CoNLL shared tasks."""
    entities = set()
    for number, tags in enumerate(sentences):
        start, type_ = 0, ""
        for index, name in enumerate([*(classes[tag] for tag in tags), "O"]):
            place, _, of = name.partition("-")
            if type_ and (place in "BSUO" or of != type_):
                entities.add((number, start, index, type_))
                type_ = ""
            if place != "O" and not type_:
                start, type_ = index, of
            if place in "ELSU":
                entities.add((number, start, index + 1, type_))
                type_ = ""
    return entities


def _language_model(answers: Sequence[np.ndarray], labels: Sequence[Any], classes: Sequence[str]) -> dict[str, float]:
    total, tokens = np.stack(list(answers)).sum(axis=0)
    loss = float(total / tokens)
    return {"perplexity": math.exp(min(loss, 700.0)), "loss": loss}


_METRICS = {
    "single-label": _single_label,
    "multi-label": _multi_label,
    "tagging": _tagging,
    "language-model": _language_model,
    "detection": mean_average_precision,
}
