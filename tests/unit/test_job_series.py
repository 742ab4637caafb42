"""The series and samples of a job, as those see them who follow it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.jobs import samples
from jupyter_modeldeploy.jobs.reporter import JobReporter
from jupyter_modeldeploy.records import Job, JobState, Sample
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.workspace.handle import JobHandle

JOB_ID = "0123456789ab"


@pytest.fixture
def job(store: Store) -> Job:
    now = datetime.now(UTC)
    known = {"kind": "finetune", "title": "Fine-tune", "parameters": {}, "owner": "me"}
    return store.jobs.add(Job(id=JOB_ID, state=JobState.running, created_at=now, queued_at=now, **known))


def test_who_asks_again_gets_what_came_since(store: Store, job: Job) -> None:
    store.jobs.add_metrics(job.id, [("loss", 10, 0.7), ("accuracy", 10, 0.5)])
    first, seen = store.jobs.metrics(job.id)
    assert [(point.name, point.step, point.value) for point in first] == [("accuracy", 10, 0.5), ("loss", 10, 0.7)]
    assert store.jobs.metrics(job.id, after=seen) == ([], seen)
    store.jobs.add_metrics(job.id, [("loss", 20, 0.6)])
    (later,), seen = store.jobs.metrics(job.id, after=seen)
    assert (later.step, later.value) == (20, 0.6)


def test_a_point_that_takes_the_place_of_the_last_one_is_seen_too(store: Store, job: Job) -> None:
    store.jobs.add_metrics(job.id, [("loss", 10, 0.7)])
    _, seen = store.jobs.metrics(job.id)
    store.jobs.add_metrics(job.id, [("loss", 10, 0.65)])
    assert [point.value for point in store.jobs.metrics(job.id, after=seen)[0]] == [0.65]
    assert len(store.jobs.metrics(job.id)[0]) == 1


def test_a_long_series_comes_thinned_with_its_end_and_a_short_one_whole(store: Store, job: Job) -> None:
    store.jobs.add_metrics(job.id, [("loss", step, 1.0) for step in range(1000)])
    store.jobs.add_metrics(job.id, [("validation_loss", step, 1.0) for step in (0, 500, 999)])
    series = JobHandle(store, job.id).series(most=100)
    assert [step for step, _ in series["loss"]] == list(range(9, 1000, 10))
    assert [step for step, _ in series["validation_loss"]] == [0, 500, 999]


def test_the_last_values_are_had_alone(store: Store, job: Job) -> None:
    store.jobs.add_metrics(job.id, [("loss", 20, 0.6), ("loss", 10, 0.7), ("accuracy", 10, 0.5)])
    assert JobHandle(store, job.id).last_metrics() == {"accuracy": 0.5, "loss": 0.6}


def test_new_points_and_samples_are_among_the_changes(store: Store, job: Job) -> None:
    def told() -> list[tuple[str, str]]:
        return [(change.kind, change.key) for change in store.changes.since(seen)]

    seen = store.changes.latest()
    store.jobs.add_metrics(job.id, [("loss", 10, 0.7)])
    assert told() == [("metrics", job.id)]
    seen = store.changes.latest()
    samples.append(store, job.id, [Sample(step=1, row=0, text="a", answer="b")])
    assert told() == [("metrics", job.id)]


def test_samples_stand_as_they_were_done_last(store: Store, job: Job) -> None:
    reporter = JobReporter(store, job)
    for step, answer in ((5, "negative"), (10, "negative"), (10, "positive")):
        reporter.sample(step, 0, "a fine film", answer)
    reporter.flush()
    with (store.job_folder(job.id) / samples.FILE).open("a") as file:
        file.write('{"step": 15, "row"')  # a kill in the middle of a line
    found = JobHandle(store, job.id).samples()
    assert [(sample.step, sample.answer) for sample in found] == [(5, "negative"), (10, "positive")]


def test_of_many_steps_samples_are_shown_evenly_with_the_last(store: Store, job: Job) -> None:
    samples.append(store, job.id, [Sample(step=step, row=0, text="x" * 1000, answer="y") for step in range(1, 101)])
    found = samples.read(store, job.id)
    assert len(found) <= samples.MOST_STEPS
    assert found[-1].step == 100
    assert len(found[0].text) == samples.SHOWN_CHARACTERS


def test_a_job_that_is_not_there_has_no_series(store: Store) -> None:
    with pytest.raises(NotFound):
        store.jobs.metrics("ffffffffffff")
    with pytest.raises(NotFound):
        samples.read(store, "ffffffffffff")
