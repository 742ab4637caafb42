"""The time left is that of the stage at hand."""

from __future__ import annotations

from datetime import UTC, datetime

from jupyter_modeldeploy.jobs.reporter import JobReporter
from jupyter_modeldeploy.records import Job, JobState
from jupyter_modeldeploy.store import Store

JOB_ID = "0123456789ab"


def test_a_second_stage_of_the_same_length_is_timed_anew(store: Store) -> None:
    now = datetime.now(UTC)
    job = store.jobs.add(
        Job(
            id=JOB_ID, kind="evaluate", title="Evaluate", parameters={}, state=JobState.running, owner="me",
            created_at=now, queued_at=now,
        )
    )  # fmt: skip
    clock = iter([0.0, 100.0, 101.0, 102.0, 102.0])
    reporter = JobReporter(store, job, clock=lambda: next(clock))
    for done in (10, 100, 10, 20):
        reporter.progress(done, 100, "texts")
    reporter.flush()
    assert store.jobs.get(JOB_ID).progress.seconds_left == 8.0
