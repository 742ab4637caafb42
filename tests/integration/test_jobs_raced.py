"""Jobs stay right when things happen at once, out of order or not at all. The workers are real, their work is small."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from waiting import until

from jupyter_modeldeploy import Workspace, processes
from jupyter_modeldeploy.errors import Conflict, InvalidInput, ModelDeployError, StorageFull
from jupyter_modeldeploy.jobs import launch, worker
from jupyter_modeldeploy.jobs.reporter import JobReporter
from jupyter_modeldeploy.records import LIVING, Job, JobState, ProcessRef
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.store.jobs import Jobs
from jupyter_modeldeploy.store.leases import Leases
from jupyter_modeldeploy.workspace import JobHandle

GONE = ProcessRef(pid=2**22 - 1, started=0.0, started_after_boot=0.0)


@pytest.fixture
def workspace(root: Path) -> Iterator[Workspace]:
    opened = Workspace(root)
    yield opened
    opened.close()


@pytest.fixture
def fetch(workspace: Workspace) -> JobHandle:
    """A job that a worker is coming up for; it will fail, as there is no such file."""
    return workspace.models.fetch("file:/no/such/folder", "m")


def row(store: Store, **fields: object) -> Job:
    """The row of a job as some process left it."""
    now = datetime.now(UTC)
    known = {"id": "0" * 12, "kind": "fetch", "title": "t", "state": JobState.running, "owner": "o", "process": GONE}
    times = {"created_at": now, "queued_at": now}
    parameters = {"source": "file:/no/such/folder", "name": "m"}
    return store.jobs.add(Job.model_validate({**known, **times, "parameters": parameters, **fields}))


def test_a_job_cancelled_while_its_worker_comes_up_leaves_no_process(fetch: JobHandle) -> None:
    job = fetch.job
    assert job.process is not None, "from the start some process stands for the job"
    assert fetch.cancel().state is JobState.cancelled
    assert processes.group(job.process) == []


def test_a_worker_whose_job_was_started_again_leaves_it_alone(workspace: Workspace, root: Path) -> None:
    job = row(workspace.store, state=JobState.queued, process=processes.current(), attempt=2)
    late = [sys.executable, "-m", "jupyter_modeldeploy.jobs.worker", str(root), job.id, "1"]
    subprocess.run(late, check=True, capture_output=True)
    assert workspace.store.jobs.get(job.id) == job


def test_what_a_former_attempt_still_reports_is_refused(workspace: Workspace) -> None:
    job = row(workspace.store)
    workspace.store.jobs.update(job.id, LIVING, attempt=2)
    with pytest.raises(Conflict, match="started again"):
        JobReporter(workspace.store, job).progress(1, 2)


def test_a_worker_that_comes_up_while_its_job_is_cancelled_is_ended(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = workspace.store
    job = row(store, state=JobState.queued)
    sleeping = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    stop = processes.stop_group

    def stop_while_the_worker_comes_up(ref: ProcessRef, grace_s: float) -> None:
        monkeypatch.setattr(processes, "stop_group", stop)
        store.jobs.update(job.id, LIVING, process=processes.of(sleeping.pid))

    monkeypatch.setattr(processes, "stop_group", stop_while_the_worker_comes_up)
    assert workspace.jobs.get(job.id).cancel().state is JobState.cancelled
    assert sleeping.wait(timeout=120) != 0


def test_who_looks_while_a_job_is_cancelled_does_not_take_its_end_for_another(
    workspace: Workspace, fetch: JobHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = processes.stop_group

    def stopped_before_somebody_looks(ref: ProcessRef, grace_s: float) -> None:
        monkeypatch.setattr(processes, "stop_group", stop)
        stop(ref, grace_s)
        workspace.jobs.list()

    monkeypatch.setattr(processes, "stop_group", stopped_before_somebody_looks)
    assert fetch.cancel().state is JobState.cancelled
    assert workspace.store.jobs.get(fetch.id).error is None


def test_a_job_that_was_cancelled_and_resumed_tells_what_it_died_of(workspace: Workspace) -> None:
    cancelled = row(workspace.store, state=JobState.cancelled, cancel_requested=True, process=GONE)
    again = launch.enter_again(workspace.store, cancelled)
    workspace.store.jobs.update(again.id, LIVING, process=GONE)
    launch.status_path(workspace.store, again).write_text("137")
    [ended] = workspace.jobs.list()
    assert ended.state is JobState.failed


def test_a_cancel_does_not_reach_the_next_attempt(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    store = workspace.store
    job = row(store)

    def ended_and_resumed(ref: ProcessRef, grace_s: float) -> None:
        store.jobs.update(job.id, LIVING, attempt=2, process=processes.current())

    monkeypatch.setattr(processes, "stop_group", ended_and_resumed)
    found = workspace.jobs.get(job.id).cancel()
    assert (found.state, found.attempt) == (JobState.running, 2)


def test_of_two_who_resume_one_does(workspace: Workspace) -> None:
    job = row(workspace.store, state=JobState.failed)
    launch.resume(workspace.store, job.id)
    with pytest.raises(Conflict):
        launch.resume(workspace.store, job.id)
    until(lambda: workspace.jobs.get(job.id).job.state.ended, "the end")
    assert workspace.store.jobs.get(job.id).attempt == 2


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        ("137", JobState.failed, "SIGKILL"),
        ("255", JobState.failed, "exit status 255"),
        ("168", JobState.failed, "signal 40"),
        ("", JobState.interrupted, "restarted"),
        ("nonsense", JobState.interrupted, "restarted"),
    ],
)
def test_whatever_the_exit_status_the_job_gets_an_end(
    workspace: Workspace, status: str, state: JobState, said: str
) -> None:
    job = row(workspace.store)
    launch.status_path(workspace.store, job).write_text(status)
    [ended] = workspace.jobs.list()
    assert ended.state is state
    assert ended.error is not None
    assert said in ended.error.message


def test_an_exit_status_that_a_busy_machine_writes_late_is_waited_for(workspace: Workspace) -> None:
    job = row(workspace.store)
    late = 'sleep 1.2; echo 137 >"$1.new" && mv "$1.new" "$1"'
    path = launch.status_path(workspace.store, job)
    with subprocess.Popen(["/bin/sh", "-c", late, "sh", str(path)]):
        [ended] = workspace.jobs.list()
    assert ended.state is JobState.failed


def test_what_a_killed_worker_had_started_is_ended_too(workspace: Workspace) -> None:
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    leader = subprocess.Popen([sys.executable, "-c", code + "; input()"], stdin=subprocess.PIPE, start_new_session=True)
    ref = processes.of(leader.pid)
    until(lambda: len(processes.group(ref)) == 2, "the child")
    leader.kill()
    leader.communicate()
    row(workspace.store, process=ref)
    [job] = workspace.jobs.list()
    assert job.state is JobState.interrupted
    assert processes.group(ref) == []


def test_on_a_full_disk_the_jobs_can_still_be_seen(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    job = row(workspace.store)

    def full(*_: object, **__: object) -> None:
        raise StorageFull("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(Jobs, "update", full)
        assert [each.id for each in workspace.jobs.list()] == [job.id]
    assert workspace.jobs.get(job.id).job.state is JobState.interrupted


def test_on_a_full_disk_the_devices_can_still_be_seen(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.store.leases.draw("cpu", "job", GONE)

    def full(*_: object) -> None:
        raise StorageFull("The disk is full.")

    monkeypatch.setattr(Leases, "_remove", full)
    [device] = [device for device in workspace.devices.list() if device.id == "cpu"]
    assert device.holder is None


def test_a_job_of_another_release_that_makes_no_sense_here_is_refused_clearly(workspace: Workspace) -> None:
    unknown = row(workspace.store, state=JobState.failed, kind="distil")
    with pytest.raises(InvalidInput, match="distil"):
        workspace.jobs.get(unknown.id).resume()
    other = row(workspace.store, id="1" * 12, state=JobState.failed, parameters={"source": 1, "former": True})
    with pytest.raises(InvalidInput, match="former"):
        workspace.jobs.get(other.id).resume()
    assert workspace.store.jobs.get(other.id).attempt == 1


def test_a_job_that_cannot_be_started_says_so_and_does_not_wait_forever(workspace: Workspace) -> None:
    (workspace.store.root / "jobs").write_text("in the way")
    with pytest.raises(ModelDeployError, match="starting the job"):
        workspace.models.fetch("file:/no/such/folder", "m")
    [job] = workspace.jobs.list()
    assert job.state is JobState.failed


def test_a_job_that_nobody_started_is_interrupted_after_a_while(workspace: Workspace) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    job = row(workspace.store, state=JobState.queued, process=None, queued_at=long_ago)
    found = workspace.jobs.get(job.id).job
    assert found.state is JobState.interrupted
    assert found.error is not None
    assert "never started" in found.error.message


def test_a_worker_that_lost_its_place_in_the_queue_joins_again(workspace: Workspace) -> None:
    store = workspace.store
    job = row(store, state=JobState.queued, device="cpu")
    store.leases.draw("cpu", "another", processes.of(os.getppid()))
    reporter = JobReporter(store, job)

    store.leases.reserve("cpu", job.id, processes.current())
    calls = iter([job.id, "another"])
    reporter.progress = lambda *_, **__: store.leases.give_back(next(calls))  # type: ignore[method-assign]
    worker._wait_for_device(store, job, "cpu", reporter)
    assert [ticket.job for ticket in store.leases.queue("cpu")] == [job.id]


def test_a_place_that_the_worker_took_is_not_taken_from_it(workspace: Workspace) -> None:
    leases = workspace.store.leases
    leases.draw("cpu", "job", processes.current())
    leases.reserve("cpu", "job", GONE)
    assert [ticket.process for ticket in leases.queue("cpu")] == [processes.current()]
