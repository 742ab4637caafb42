from __future__ import annotations

import math

import numpy as np
import pytest

from jupyter_modeldeploy.judging.metrics import evaluate


def logits(*chosen: int, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[list(chosen)]


def test_one_label_of_several() -> None:
    metrics = evaluate("single-label", list(logits(0, 0, 1, 1, classes=3)), [0, 1, 1, 1], ["a", "b", "c"])
    assert metrics == {"accuracy": 0.75, "f1_macro": pytest.approx((2 / 3 + 0.8) / 2)}


def test_several_labels() -> None:
    answers = [np.array([1.0, -1.0]), np.array([1.0, 1.0]), np.array([-1.0, -1.0])]
    metrics = evaluate("multi-label", answers, [[1, 0], [1, 0], [0, 0]], ["a", "b"])
    assert metrics == {"accuracy": pytest.approx(2 / 3), "f1_micro": 0.8, "f1_macro": 0.5}


@pytest.mark.parametrize(
    ("right", "chosen", "f1"),
    [
        (["B-x", "I-x", "O"], ["B-x", "I-x", "O"], 1.0),
        (["B-x", "I-x", "O"], ["B-x", "O", "O"], 0.0),
        (["B-x", "B-x", "O"], ["B-x", "B-x", "O"], 1.0),
        (["B-x", "O", "B-y"], ["I-x", "O", "O"], 2 / 3),
        (["O", "O", "O"], ["O", "O", "O"], 1.0),
        (["B-x", "L-x", "U-y"], ["B-x", "L-x", "O"], 2 / 3),
        (["S-x", "S-x", "O"], ["S-x", "S-x", "O"], 1.0),
    ],
)
def test_entities_count_as_a_whole(right: list[str], chosen: list[str], f1: float) -> None:
    classes = sorted({*right, *chosen})
    answers = [logits(*(classes.index(name) for name in chosen), classes=len(classes))]
    metrics = evaluate("tagging", answers, [[classes.index(name) for name in right]], classes)
    assert metrics["f1"] == pytest.approx(f1)


def test_perplexity_is_over_all_tokens() -> None:
    metrics = evaluate("language-model", [np.array([3.0, 2.0]), np.array([1.0, 2.0])], [None, None], [])
    assert metrics == {"perplexity": pytest.approx(math.e), "loss": 1.0}
