"""The sequence of changes: whoever resumes from a number misses nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.records import Job, JobState, Progress
from jupyter_modeldeploy.store import Store

LIVING = [JobState.queued, JobState.running]


def job(number: int = 1) -> Job:
    now = datetime.now(UTC)
    return Job(
        id=f"{number:012x}",
        kind="fetch",
        title="t",
        parameters={},
        state=JobState.queued,
        owner="o",
        created_at=now,
        queued_at=now,
    )


def test_every_write_gets_a_higher_number(store: Store) -> None:
    store.jobs.add(job(1))
    first = store.changes.latest()
    store.jobs.add(job(2))
    assert store.changes.latest() > first
    assert [change.key for change in store.changes.since(first)] == [job(2).id]


def test_a_thousand_updates_of_one_job_stay_one_change(store: Store) -> None:
    store.jobs.add(job())
    for done in range(50):
        store.jobs.update(job().id, LIVING, progress=Progress(done=done))
    changes = store.changes.since(0)
    assert [(change.kind, change.action) for change in changes] == [("job", "created"), ("job", "updated")]
    assert store.changes.latest() == 51


def test_a_failed_write_leaves_no_change(store: Store) -> None:
    store.jobs.add(job())
    before = store.changes.latest()
    with pytest.raises(Conflict, match="queued"):
        store.jobs.update(job().id, [JobState.succeeded], progress=Progress(done=1))
    assert store.changes.latest() == before
