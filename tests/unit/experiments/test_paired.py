"""Two versions on the same rows."""

from __future__ import annotations

import numpy as np
import pytest

from jupyter_modeldeploy.experiments import paired
from jupyter_modeldeploy.experiments.verdicts import sentence
from jupyter_modeldeploy.judging.metrics import HeldOut
from jupyter_modeldeploy.judging.versions import Judgement


def judgement(right: int, rows: int = 400) -> Judgement:
    """Answers to rows of two classes in turns, of which the first are right."""
    labels = np.arange(rows) % 2
    answers = np.where(np.arange(rows) < right, labels, 1 - labels)
    return Judgement(HeldOut("single-label", labels.tolist(), ["a", "b"]), list(np.eye(2)[answers]))


def test_rows_that_both_get_right_or_wrong_are_in_no_difference() -> None:
    accuracy, f1 = paired.metrics(judgement(340), judgement(352))
    assert (accuracy.metric, accuracy.verdict, f1.metric) == ("accuracy", "better", "f1_macro")
    assert accuracy.difference is not None
    assert (accuracy.base, accuracy.candidate) == (pytest.approx(0.85), 0.88)
    assert 0.01 < accuracy.difference.low < 0.03 < accuracy.difference.high < 0.06
    assert accuracy.p_value == pytest.approx(2**-12)  # twelve rows changed, all of them for the better: mid-p
    assert f1.p_value == pytest.approx(2 / 1001)  # none of a thousand resamples says otherwise


def test_several_metrics_are_judged_together() -> None:
    alone = paired.metrics(judgement(340), judgement(346))
    assert [one.verdict for one in alone] == ["better", "better"]
    rows = np.random.default_rng(1).normal(20, 1, 100)
    found = paired.together([paired.latency(rows, rows[::-1]), *alone, paired.size(800, 200)])
    assert [one.p_value for one in found[1:3]] == pytest.approx([3 * 2**-6, 3 * 2**-6], rel=0.6)
    assert [one.verdict for one in found] == ["undecided", "better", "better", "better"]
    assert found[-1].p_value is None
    many = paired.together(4 * alone)
    assert [one.verdict for one in many] == ["undecided"] * 8
    assert "as one of several metrics" in sentence("m@2", many)


def test_what_a_row_takes_is_in_no_difference_of_latency() -> None:
    rows = np.random.default_rng(0).lognormal(3, 1, 100)
    faster = paired.latency(rows, 0.9 * rows)
    assert faster.verdict == "better"
    assert faster.relative is not None
    assert faster.relative.value == pytest.approx(-0.1)
    assert paired.latency(rows, rows + 0.001 * (-1) ** np.arange(100)).verdict == "undecided"


def test_the_sentence_of_labelled_rows() -> None:
    rows = 10 + np.arange(100) % 7 / 10
    metrics = [paired.latency(rows, rows / 2), *paired.metrics(judgement(340), judgement(340)), paired.size(800, 200)]
    said = sentence("m@2", metrics)
    assert said.startswith(
        "m@2 answers 50 % faster (−5.15 ms, 95 % interval −5.17 … −5.13); accuracy differs by +0.0 pp"
    )
    assert said.endswith("; is 75 % smaller.")
    assert "smaller" not in sentence("m@2", [paired.size(800, 800)])
