from __future__ import annotations

import pytest

from jupyter_modeldeploy.records import Interval
from jupyter_modeldeploy.reporting import charts, figures


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (figures.size(0), "0 B"),
        (figures.size(999), "999 B"),
        (figures.size(91_642_385), "91.6 MB"),
        (figures.size(2.5e12), "2.50 TB"),
        (figures.milliseconds(0.01234), "0.0123 ms"),
        (figures.milliseconds(1234.5), "1,234 ms"),
        (figures.milliseconds(float("nan")), "– ms"),
        (figures.rate(46000), "46,000/s"),
        (figures.percent(0.8421), "84.2 %"),
        (figures.points(-0.002), "−0.2 pp"),
        (figures.points(-0.0001), "0.0 pp"),
        (figures.times(1.92), "1.9×"),
        (figures.difference(-0.0123, "ms"), "−0.012 ms"),
        (figures.difference(0.0041, "proportion"), "+0.41 pp"),
        (figures.quantity(0.8421, "proportion"), "84.21 %"),
        (figures.p_value(0.4484), "0.448"),
        (figures.p_value(1.8e-6), "1.8e-06"),
    ],
)
def test_numbers_are_written_as_people_read_them(written: str, expected: str) -> None:
    assert written.replace(figures.GAP, " ") == expected


def test_a_scale_holds_all_intervals_and_has_round_ticks() -> None:
    interval = Interval(value=-1.2, low=-1.31, high=-1.07)
    scale = charts.scale_around([interval], width=350, include=[0])
    assert 0 < scale.x(-1.31) < scale.x(-1.07) < scale.x(0) < 350
    values = [tick.value for tick in scale.ticks]
    assert 0 in values
    assert 3 <= len(values) <= 8
    assert [round(value, scale.digits) for value in values] == values


@pytest.mark.parametrize("value", [0.0, 5.0, -1e-9, 1e9])
def test_a_single_value_has_a_scale_too(value: float) -> None:
    scale = charts.scale_around([charts.interval(value, value, value)], width=350)
    assert 0 < scale.x(value) < 350
    assert scale.ticks


def test_bars_are_in_proportion_to_the_largest() -> None:
    assert charts.shares([2, 1, 0]) == [100.0, 50.0, 0.0]
    assert charts.shares([0, 0]) == [0.0, 0.0]
    assert charts.shares([]) == []
