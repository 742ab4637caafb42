"""What runs are expected to take follows those that were seen, and one in which the process slept tells little."""

from __future__ import annotations

import pytest

from jupyter_modeldeploy.serving.execution.run_times import RunTimes


def test_the_warm_up_is_believed_until_a_run_was_seen() -> None:
    times = RunTimes(0.001)
    assert (times.run_s, times.row_s) == (0.001, 0.001)
    times.observe(0.4, rows=4)  # its inputs were larger than those of the warm-up
    assert (times.run_s, times.row_s) == (0.4, 0.1)


@pytest.mark.parametrize("slept", range(6))
def test_one_run_in_which_the_process_slept_tells_little(slept: int) -> None:
    times = RunTimes()
    for number in range(6):
        times.observe(30.0 if number == slept else 0.01, rows=1)
        if number > slept:
            assert times.run_s < 0.04


def test_runs_that_stay_slower_are_believed() -> None:
    times = RunTimes()
    for _ in range(5):
        times.observe(0.01, rows=1)
    for _ in range(20):
        times.observe(1.0, rows=1)
    assert times.run_s == pytest.approx(1.0, rel=0.1)
