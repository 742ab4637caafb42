"""What is expected of a version's next run."""

from __future__ import annotations

from jupyter_modeldeploy.serving.execution.run_times import RunTimes


def test_one_run_in_which_the_process_slept_says_little_of_the_next() -> None:
    times = RunTimes()
    for _ in range(20):
        times.observe(0.03, 1)
    times.observe(60.0, 1)
    assert times.run_s < 0.1
    assert times.cautious_s < 0.5


def test_what_has_become_slower_is_believed_after_some_runs() -> None:
    times = RunTimes()
    times.observe(0.001, 1)
    for _ in range(30):
        times.observe(1.0, 4)
    assert 0.9 < times.run_s < 1.1
    assert 0.2 < times.row_s < 0.3
