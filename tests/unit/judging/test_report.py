"""The report on held-out rows, against counts made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from jupyter_modeldeploy.intervals import wilson
from jupyter_modeldeploy.judging.calibration import calibration
from jupyter_modeldeploy.judging.metric_intervals import kept
from jupyter_modeldeploy.judging.metrics import HeldOut, Kind, evaluate
from jupyter_modeldeploy.judging.report import report
from jupyter_modeldeploy.records import EvaluationReport


def judged(
    kind: Kind,
    answers: Sequence[np.ndarray],
    labels: Sequence[Any],
    classes: Sequence[str] = (),
    before: Sequence[np.ndarray] | None = None,
    training_labels: Sequence[Any] | None = None,
) -> EvaluationReport:
    held_out = HeldOut(kind, labels, classes, lambda index: f"row\n{index} " + "x" * 300)
    earlier = answers if before is None else before
    return report(
        "made@1",
        held_out,
        answers,
        evaluate(kind, answers, labels, classes),
        evaluate(kind, earlier, labels, classes),
        kept(held_out, earlier),
        labels if training_labels is None else training_labels,
    )


def one_label() -> EvaluationReport:
    """Eight of ten right; class c never wanted, and answered once."""
    labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    chosen = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2]
    answers = [4.0 * np.eye(3)[choice] * (2 if choice == 2 else 1) for choice in chosen]
    return judged("single-label", answers, labels, ["a", "b", "c"], before=[np.eye(3)[1]] * 10)


def test_accuracy_has_its_interval_and_stands_beside_the_majority_and_the_model_before() -> None:
    accuracy = one_label().metrics[0]

    assert (accuracy.name, accuracy.value, accuracy.before, accuracy.majority) == ("accuracy", 0.8, 0.4, 0.6)
    assert accuracy.interval == wilson(8, 10)
    assert accuracy.difference is not None
    assert accuracy.difference.value == pytest.approx(0.4)
    assert accuracy.difference.low < 0.4 < accuracy.difference.high


def test_what_has_no_closed_form_is_taken_anew_on_rows_that_are_drawn() -> None:
    _, f1 = one_label().metrics

    assert f1.name == "f1_macro"
    assert f1.interval is not None
    assert f1.interval.value == pytest.approx(f1.value)
    assert 0 < f1.interval.low < f1.value < f1.interval.high <= 1
    assert f1.difference is not None
    assert f1.difference.value == pytest.approx(f1.value - f1.before)
    assert (f1.method, one_label().metrics[1]) == ("bootstrap over the held-out rows", f1)


def test_the_same_answers_as_before_differ_by_nothing_on_any_rows() -> None:
    labels = [0, 1] * 20
    found = judged(
        "single-label", [np.eye(2)[label * (index % 7 > 0)] for index, label in enumerate(labels)], labels, "ab"
    )

    f1 = found.metrics[1].difference
    assert f1 is not None
    assert (f1.low, f1.value, f1.high) == (0.0, 0.0, 0.0)


def test_each_class_has_its_precision_recall_and_support() -> None:
    a, b, c = one_label().per_class

    assert (a.precision, a.recall, a.f1, a.support) == pytest.approx((1.0, 5 / 6, 10 / 11, 6))
    assert (b.precision, b.recall, b.f1, b.support) == (0.75, 0.75, 0.75, 4)
    assert (c.precision, c.recall, c.f1, c.support) == (0.0, None, 0.0, 0)


def test_the_confusion_counts_wanted_by_answered() -> None:
    confusion = one_label().confusion
    assert confusion is not None
    assert confusion.counts == [[5, 1, 0], [0, 3, 1], [0, 0, 0]]


def test_the_most_confident_mistake_comes_first_with_its_text_shortened() -> None:
    worst = one_label().worst

    assert [(mistake.row, mistake.wanted, mistake.answered) for mistake in worst] == [(9, "b", "c"), (5, "a", "b")]
    assert worst[0].score > worst[1].score
    assert worst[0].text.startswith("row 9 ")
    assert len(worst[0].text) == 200


def test_of_many_classes_the_rare_ones_are_counted_together() -> None:
    labels = [number for number in range(30) for _ in range(30 - number)]
    answers = [np.eye(30)[(label + (label == 29)) % 30] for label in labels]

    confusion = judged("single-label", answers, labels, [f"class {number}" for number in range(30)]).confusion

    assert confusion is not None
    assert len(confusion.classes) == len(confusion.counts) == 20
    assert confusion.joined == 11
    assert sum(map(sum, confusion.counts)) == len(labels)
    assert confusion.counts[-1][0] == 1


def test_confidence_that_is_as_often_right_as_it_says_has_no_error() -> None:
    sure = np.repeat([0.75, 1.0], 100)
    right = np.concatenate([np.arange(100) < 75, np.ones(100, bool)])

    assert calibration(sure, right).ece == pytest.approx(0)
    assert [part.count for part in calibration(sure, right).bins] == [100, 100]


def test_confidence_beyond_what_is_right_is_the_error() -> None:
    found = calibration(np.full(50, 0.9), np.arange(50) < 30)

    assert found.ece == pytest.approx(0.3)
    assert (found.bins[0].confidence, found.bins[0].accuracy) == pytest.approx((0.9, 0.6))


def test_several_labels_are_judged_class_by_class() -> None:
    answers = [np.array([3.0, -3.0]), np.array([3.0, 5.0]), np.array([-1.0, -1.0])]
    found = judged(
        "multi-label", answers, [[1, 0], [1, 0], [1, 0]], ["a", "b"], training_labels=[[1, 0], [0, 1], [1, 0]]
    )

    assert found.metrics[0].interval == wilson(1, 3)
    assert found.metrics[0].majority == 1.0
    assert {metric.name for metric in found.metrics if metric.interval and metric.difference} == {
        "accuracy",
        "f1_micro",
        "f1_macro",
    }
    assert all(metric.interval and metric.interval.value == metric.value for metric in found.metrics)
    assert [(one.name, one.support, one.recall) for one in found.per_class] == [
        ("a", 3, pytest.approx(2 / 3)),
        ("b", 0, None),
    ]
    assert [(mistake.wanted, mistake.answered) for mistake in found.worst] == [("a", "a, b"), ("a", "none")]


def test_tagged_words_are_judged_by_whole_entities_with_an_interval() -> None:
    classes = ["B-x", "I-x", "O"]
    right = [[0, 1, 2], [2, 2, 0], [0, 2, 2], [2, 0, 1]] * 10
    answers = [np.eye(3)[tags] for tags in right]
    answers[0] = np.eye(3)[[0, 2, 2]]

    found = judged("tagging", answers, right, classes, before=[np.eye(3)[[2, 2, 2]]] * 40)

    f1 = found.metrics[0]
    assert f1.name == "f1"
    assert (f1.value, f1.before, f1.majority) == pytest.approx((39 / 40, 0.0, 0.0), abs=0.01)
    assert f1.interval is not None
    assert f1.interval.value == pytest.approx(f1.value)
    assert 0.9 < f1.interval.low < f1.value <= f1.interval.high <= 1
    assert f1.difference is not None
    assert f1.difference.low > 0.9
    assert [(mistake.row, mistake.wanted, mistake.answered) for mistake in found.worst] == [(0, "I-x", "O")]
    for metric in found.metrics:
        assert metric.interval is not None
        assert metric.interval.value == pytest.approx(metric.value)
    assert sum(one.support for one in found.per_class) == 120


def test_a_language_model_has_the_interval_of_its_perplexity_and_its_least_likely_rows() -> None:
    answers = [np.array([20.0 + index % 7, 10.0]) for index in range(50)]
    worse = [answer + np.array([10.0, 0.0]) for answer in answers]

    found = judged("language-model", answers, [None] * 50, before=worse)

    perplexity = found.metrics[0]
    assert perplexity.name == "perplexity"
    assert perplexity.interval is not None
    assert perplexity.interval.low < perplexity.value < perplexity.interval.high
    assert perplexity.difference is not None
    assert perplexity.difference.value == pytest.approx(perplexity.value * (1 - math.e))
    assert perplexity.difference.high < 0
    assert found.worst[0].row == 6
    assert found.worst[0].score == pytest.approx(2.6)


def test_boxes_have_an_average_precision_for_each_class() -> None:
    wanted = [np.array([[0, 0, 0, 10, 10], [1, 20, 20, 40, 40]], float)] * 4
    found_boxes = [np.array([[0, 0, 10, 10, 0.9, 0], [60, 60, 80, 80, 0.8, 1]], float)] * 4

    found = judged("detection", found_boxes, wanted, ["cat", "dog"])

    assert [(one.name, one.support, one.ap50) for one in found.per_class] == [
        ("cat", 4, pytest.approx(1)),
        ("dog", 4, 0.0),
    ]
    assert found.metrics[0].name == "map50"
    assert found.metrics[0].value == pytest.approx(0.5)


def test_a_mean_average_precision_has_the_interval_of_images_that_are_drawn() -> None:
    wanted = [np.array([[0, 0, 0, 10, 10]], float)] * 40
    right, wrong = [0, 0, 10, 10, 0.9, 0], [30, 30, 40, 40, 0.8, 0]
    found_boxes = [np.array([wrong if index % 4 == 0 else right], float) for index in range(40)]

    map50, map50_95 = judged("detection", found_boxes, wanted, ["cat"], before=[np.array([wrong], float)] * 40).metrics

    for metric in (map50, map50_95):
        assert metric.interval is not None
        assert metric.difference is not None
        assert metric.value == pytest.approx(76 / 101)
        assert metric.interval.value == metric.difference.value == pytest.approx(metric.value)
        assert 0.5 < metric.interval.low < metric.value < metric.interval.high < 0.95
        assert (metric.difference.low, metric.difference.high) == (metric.interval.low, metric.interval.high)
