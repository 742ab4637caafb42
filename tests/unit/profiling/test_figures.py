"""Measurements beside each other and against a budget: what is a change, and what is beyond a limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.profiling import budget, comparing
from jupyter_modeldeploy.records import Interval
from jupyter_modeldeploy.records.profile_comparisons import MeasuredFigure, MeasuredFigures


def measured(job: str, p99: float, speed: float, noise: float, matmul: float = 2.0) -> MeasuredFigures:
    def figure(name: str, value: float, lower_is_better: bool = True) -> MeasuredFigure:
        around = Interval(value=value, low=value * (1 - noise), high=value * (1 + noise))
        better = {"lower_is_better": lower_is_better}
        return MeasuredFigure(name=name, unit="ms", value=value, interval=around, group="load", **better)

    return MeasuredFigures(
        job=job,
        title=f"Load {job}",
        figures=[
            figure("p99 at 4 connections", p99),
            figure("throughput at 4 connections", speed, lower_is_better=False),
            MeasuredFigure(name="MatMul a run", unit="ms", value=matmul, group="operators"),
            MeasuredFigure(name="MatMul of a run", unit="share", value=0.6, group="operators"),
        ],
    )


def test_a_change_beyond_its_noise_is_a_regression() -> None:
    found = comparing.compare([measured("a", 10, 100, 0.02), measured("b", 15, 99, 0.02, matmul=2.6)])
    assert found.regressions == ["p99 at 4 connections", "MatMul a run"]
    (ratio,) = found.figures[0].ratios
    assert ratio is not None
    assert ratio.value == pytest.approx(1.5)
    assert 1.4 < ratio.low < 1.5 < ratio.high < 1.6
    assert found.figures[1].changes == ["undecided"]


def test_what_its_noise_may_explain_is_none_and_less_throughput_is_worse() -> None:
    assert comparing.compare([measured("a", 10, 100, 0.5), measured("b", 14, 90, 0.5)]).regressions == []
    assert comparing.compare([measured("a", 10, 100, 0.01), measured("b", 10, 80, 0.01)]).regressions == [
        "throughput at 4 connections"
    ]


def test_measurements_without_a_common_figure_are_refused() -> None:
    other = MeasuredFigures(job="b", title="", figures=[])
    with pytest.raises(InvalidInput, match="in common"):
        comparing.compare([measured("a", 10, 100, 0.1), other])


BUDGET = """
[budget]
p99_ms = 12
throughput_rps = 150
size_mb = 90
[budget.operators]
MatMul = 0.7
"""


def test_a_budget_names_what_is_kept_beyond_and_not_measured(tmp_path: Path) -> None:
    path = tmp_path / "budget.toml"
    path.write_text(BUDGET)
    found = budget.check(budget.read(path), measured("a", 10, 100, 0.1))
    assert {line.name: line.kept for line in found.lines} == {
        "p99 at 4 connections": True,
        "throughput at 4 connections": False,
        "size": None,
        "MatMul of a run": True,
    }
    assert not found.kept


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("p99_ms = 3", "where a budget was expected"),
        ("[budget]\np99 = 3", "p99"),
        ("[budget]\np99_ms = -1", "p99_ms"),
        ("[budget]\nconnections = 4", "limits nothing"),
        ("[budget", "not TOML"),
    ],
)
def test_a_bad_budget_is_refused_with_its_reason(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "budget.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=told):
        budget.read(path)
