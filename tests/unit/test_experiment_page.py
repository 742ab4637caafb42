"""A comparison on the command line."""

from __future__ import annotations

import pytest
from recorded_experiment import experiment

from jupyter_modeldeploy.cli import experiment_page
from jupyter_modeldeploy.cli.door import Door
from jupyter_modeldeploy.records import Interval, MetricComparison


def compared(metric: str, p_value: float | None, level: float = 0.9) -> MetricComparison:
    return MetricComparison(
        metric=metric,
        unit="",
        lower_is_better=False,
        base=0.8,
        candidate=0.9,
        difference=Interval(value=0.1, low=0.05, high=0.15, level=level),
        verdict="better",
        base_samples=90,
        candidate_samples=90,
        method="on the same rows",
        p_value=p_value,
    )


def test_the_table_has_p_values_where_there_are_any_and_tells_its_level(
    capsys: pytest.CaptureFixture[str],
) -> None:
    metrics = [compared("accuracy", 0.0421), compared("f1", 3e-5), compared("size_bytes", None, level=1.0)]
    found = experiment("reviews").model_copy(update={"service": None, "kind": "offline", "metrics": metrics})
    experiment_page.shown(Door(), found)
    told = capsys.readouterr().out
    assert "on labelled rows" in told
    assert "90 % interval" in told
    lines = [line.split() for line in told.splitlines()]
    figures = ["0.8", "0.9", "+0.1", "+0.05", "to", "+0.15"]
    assert ["accuracy", *figures, "0.042", "better"] in lines
    assert ["f1", *figures, "3.0e-05", "better"] in lines
    assert ["size_bytes", *figures, "better"] in lines
