"""How good a fine-tuned version is, on the command line and in a notebook."""

from __future__ import annotations

import pytest

from jupyter_modeldeploy.cli import evaluation_page
from jupyter_modeldeploy.cli.door import Door
from jupyter_modeldeploy.records import (
    Calibration,
    CalibrationBin,
    Confusion,
    EvaluatedMetric,
    EvaluationReport,
    Interval,
)

ACCURACY = EvaluatedMetric(
    name="accuracy",
    value=0.85,
    interval=Interval(value=0.85, low=0.8, high=0.9, level=0.95),
    before=0.5,
    difference=Interval(value=0.35, low=0.25, high=0.45, level=0.95),
)


def report(classes: int) -> EvaluationReport:
    names = [f"class {number}" for number in range(classes)]
    counts = [[20 if label == answer else label for answer in range(classes)] for label in range(classes)]
    return EvaluationReport(
        kind="single-label",
        dataset="films@1",
        rows=100,
        metrics=[ACCURACY],
        confusion=Confusion(classes=names, counts=counts),
        calibration=Calibration(
            ece=0.1, bins=[CalibrationBin(low=0.6, high=0.8, count=42, confidence=0.71, accuracy=0.61)]
        ),
    )


def test_a_small_confusion_matrix_is_shown_whole_with_calibration(capsys: pytest.CaptureFixture[str]) -> None:
    evaluation_page.show(Door(), report(3))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["class", "2", "2", "2", "20"] in lines
    assert ["0.710", "42", "0.610"] in lines


def test_of_many_classes_the_most_frequent_confusions_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    evaluation_page.show(Door(), report(12))
    assert "11 × class 11 taken for class 0" in capsys.readouterr().out


def test_in_a_notebook_the_metrics_are_a_table() -> None:
    row = "| accuracy | 0.850 | 0.800 to 0.900 | 0.500 | +0.350 | 0.250 to 0.450 |"
    assert row in report(2)._repr_markdown_()
