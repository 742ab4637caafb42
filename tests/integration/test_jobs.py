"""Jobs outlive whoever asked for them, wait their turn, and say how they ended. The job is a real fine-tuning."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from slow_motion import in_slow_motion
from tiny_bert import CLASSES, make_encoder, rows
from waiting import until

from jupyter_modeldeploy import Workspace, devices, processes
from jupyter_modeldeploy.errors import Conflict, InvalidInput, JobFailed
from jupyter_modeldeploy.jobs import control, launch
from jupyter_modeldeploy.jobs.kinds import finetune
from jupyter_modeldeploy.records import Format, Job, JobState, Lineage, NewVersion, Step
from jupyter_modeldeploy.workspace import JobHandle

LONG = {"max_steps": 100_000, "checkpoint_every": 5, "batch_size": 4}
DEADLINE_S = 240


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with a tiny encoder and a dataset that it can learn."""
    folder = tmp_path_factory.mktemp("jobs")
    opened = Workspace(folder / "root")
    new = NewVersion(
        model="tiny", format=Format.transformers, task="feature-extraction", lineage=Lineage(step=Step.fetched)
    )
    opened.store.versions.add(new, make_encoder(folder / "tiny"))
    with opened.store.artifacts.staging() as staging:
        with (staging / "data.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *((text, CLASSES[label]) for text, label in rows(200))])
        known = {"format": "csv", "text_column": "text", "label_column": "label", "classes": CLASSES, "rows": 200}
        opened.store.datasets.add("sentences", staging, source="file:made", **known)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _nothing_goes_on(workspace: Workspace) -> Iterator[None]:
    yield
    for job in workspace.jobs.list():
        if not job.state.ended:
            workspace.jobs.get(job.id).cancel()


@pytest.fixture(scope="module")
def finished(workspace: Workspace) -> list[JobHandle]:
    """Three fine-tunings that came to their end after the process that asked for them was gone."""
    code = (
        "import sys\n"
        "from jupyter_modeldeploy import Workspace\n"
        "models = Workspace(sys.argv[1]).models\n"
        "options = {'max_steps': 3, 'batch_size': 4, 'sample_predictions': 2}\n"
        "for seed in range(3):\n"
        "    print(models.finetune('tiny', 'sentences', f'tuned{seed}', seed=seed, **options).id)\n"
    )
    command = [sys.executable, "-c", code, str(workspace.store.root)]
    asked = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not workspace.jobs.get(asked[2]).job.state.ended
    handles = [workspace.jobs.get(job) for job in asked]
    for handle in handles:
        handle.wait(timeout_s=DEADLINE_S)
    return handles


def start(workspace: Workspace, **options: object) -> JobHandle:
    return workspace.models.finetune("tiny", "sentences", "tuned", **{**LONG, **options})


def training(handle: JobHandle, steps: int = 7) -> Job:
    """The job once it has made some steps."""
    until(lambda: handle.job.state.ended or handle.job.progress.done >= steps, "training")
    job = handle.job
    assert job.state is JobState.running, (job, handle.log()[0][-2000:])
    return job


def members(job: Job) -> list[psutil.Process]:
    assert job.process is not None
    return processes.group(job.process)


def sharing(job: Job) -> list[psutil.Process]:
    """All processes that work in the job's folder."""
    found = psutil.process_iter(["cmdline"])
    return [each for each in found if any(f"/{job.id}/workers" in part for part in each.info["cmdline"] or [])]


def test_a_fine_tuning_makes_a_version_with_its_lineage(workspace: Workspace, finished: list[JobHandle]) -> None:
    job = finished[0]
    version = job.version()
    assert version.ref == "tuned0@1"
    assert (version.lineage.parent, version.lineage.dataset, version.lineage.job) == ("tiny@1", "sentences@1", job.id)
    assert 0 <= version.metrics["accuracy_before"] <= 1
    series = job.series()
    assert [step for step, _ in series["loss"]] == [3]
    assert [step for step, _ in series["accuracy"]] == [0, 3]
    assert {(sample.step, sample.row) for sample in job.samples()} == {(3, 0), (3, 1)}
    assert job.job.progress.done == job.job.progress.total
    options = {"max_steps": 3, "batch_size": 4, "sample_predictions": 2, "seed": 0}
    again = workspace.models.finetune("tiny", "sentences", "tuned0", reuse=True, **options)
    assert again.result(DEADLINE_S) == {"version": "tuned0@1", "metrics": version.metrics, "reused": True}


def test_jobs_for_one_device_run_one_after_the_other_in_order(finished: list[JobHandle]) -> None:
    for earlier, later in pairwise(handle.job for handle in finished):
        assert earlier.ended_at is not None
        assert later.started_at is not None
        assert earlier.ended_at <= later.started_at


def test_the_log_can_be_followed_piece_by_piece(finished: list[JobHandle]) -> None:
    whole, end = finished[1].log()
    assert "Fine-tune tiny@1" in whole
    half, middle = whole[:20], 20
    rest, _ = finished[1].log(middle)
    assert half + rest == whole
    assert finished[1].log(end) == ("", end)


def test_a_job_that_succeeded_cannot_be_resumed(finished: list[JobHandle]) -> None:
    with pytest.raises(Conflict):
        finished[1].resume()


def test_a_worker_that_could_not_even_start_is_found(workspace: Workspace, finished: list[JobHandle]) -> None:
    lost = finished[1].job.model_copy(update={"id": "0" * 12, "state": JobState.queued, "process": None})
    workspace.store.jobs.add(lost)
    (launch.status_path(workspace.store, lost)).write_text("127")
    assert workspace.jobs.get(lost.id).job.state is JobState.failed


def test_a_job_that_was_killed_after_its_version_was_registered_makes_no_second_one(
    workspace: Workspace, finished: list[JobHandle]
) -> None:
    handle, version = finished[2], finished[2].version()
    workspace.store.jobs.update(handle.id, [JobState.succeeded], state=JobState.failed)  # its end was not written
    handle.resume()
    assert handle.version(timeout_s=DEADLINE_S) == version
    assert [each.ref for each in workspace.models.versions("tuned2")] == ["tuned2@1"]


def test_a_killed_worker_is_shown_as_died_lets_the_next_one_in_and_resumes_from_its_checkpoint(
    workspace: Workspace,
) -> None:
    handle = start(workspace, max_steps=150, checkpoint_every=20)
    second = workspace.models.evaluate("tiny")
    with in_slow_motion(handle):
        job = training(handle, steps=25)
        assert not second.job.state.ended
        assert job.process is not None
        os.kill(job.process.pid, signal.SIGKILL)
    until(lambda: second.job.state.ended and handle.job.state.ended, "the end")
    died = handle.job
    assert died.state is JobState.failed
    assert died.error is not None
    assert died.error.code == "worker_died"
    assert "SIGKILL" in died.error.message
    assert died.id in died.error.hint
    with pytest.raises(JobFailed, match="SIGKILL"):
        handle.wait()
    handle.resume()
    result = handle.result(timeout_s=DEADLINE_S)
    assert result["training"]["resumed_from"] >= 20
    assert result["training"]["steps"] == 150
    assert handle.job.attempt == 2


def test_a_device_tells_who_works_on_it_and_cancel_leaves_no_process_and_gives_it_back(workspace: Workspace) -> None:
    handle = start(workspace)
    job = training(handle)
    cpu = workspace.devices.list()[0]
    assert job.process is not None
    [worker] = [process for process in cpu.processes if process.pid == job.process.pid]
    assert worker.job == job.id
    assert worker.memory is not None
    assert worker.memory > 50e6  # it has imported torch
    assert cpu.cores is not None
    until(lambda: any((process.cores or 0) > 0 for process in workspace.devices.list()[0].processes), "computing")
    assert members(job)
    assert handle.cancel().state is JobState.cancelled
    assert members(job) == []
    assert workspace.store.leases.queue("cpu") == []
    with pytest.raises(Conflict):
        handle.cancel()
    until(lambda: not workspace.devices.list()[0].processes, "gone")


def test_processes_that_share_a_training_end_with_it(workspace: Workspace) -> None:
    handle = start(workspace, processes=2)
    job = training(handle)
    assert len(sharing(job)) == 2
    assert set(sharing(job)) <= set(members(job))
    assert job.process is not None
    assert "torch" not in Path(f"/proc/{job.process.pid}/maps").read_text(), "it waits for those that train"
    until(lambda: "loss" in {point.name for point in handle.metrics()}, "a loss")
    assert handle.cancel().state is JobState.cancelled
    assert sharing(job) == []


def test_a_worker_that_ignores_the_request_is_killed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "GRACE_S", 1.0)
    handle = start(workspace)
    job = training(handle)
    assert job.process is not None
    os.kill(job.process.pid, signal.SIGSTOP)  # it can answer no SIGTERM
    assert handle.cancel().state is JobState.cancelled
    assert members(job) == []


def test_a_waiting_job_says_so_loads_nothing_heavy_and_can_be_cancelled(workspace: Workspace) -> None:
    first, second = start(workspace), start(workspace)
    until(lambda: "waiting for cpu" in second.job.progress.message, "waiting")
    waiting = second.job
    assert waiting.state is JobState.queued
    assert waiting.process is not None
    maps = Path(f"/proc/{waiting.process.pid}/maps").read_text()
    assert "torch" not in maps
    [device] = [device for device in workspace.devices.list() if device.id == "cpu"]
    assert (device.holder, device.waiting) == (first.id, [second.id])
    assert second.cancel().state is JobState.cancelled
    assert [ticket.job for ticket in workspace.store.leases.queue("cpu")] == [first.id]


def test_a_job_whose_watcher_vanished_too_is_interrupted(workspace: Workspace) -> None:
    handle = start(workspace)
    job = training(handle)
    assert job.process is not None
    shell = psutil.Process(job.process.pid).parent()
    assert shell is not None
    shell.kill()
    processes.find(job.process).kill()  # type: ignore[union-attr]
    until(lambda: handle.job.state.ended, "the end")
    assert handle.job.state is JobState.interrupted
    assert handle.resume().state is JobState.queued


def test_what_a_job_was_given_is_checked_before_it_starts(workspace: Workspace) -> None:
    jobs = len(workspace.jobs.list())
    with pytest.raises(InvalidInput, match="learning_rate"):
        start(workspace, learning_rate=-1)
    assert len(workspace.jobs.list()) == jobs


def test_a_base_that_cannot_be_trained_is_refused_before_there_is_a_job(workspace: Workspace, tmp_path: Path) -> None:
    jobs = len(workspace.jobs.list())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.onnx").write_bytes(b"a graph")
    new = NewVersion(model="graph", format=Format.onnx, task="tensor", lineage=Lineage(step=Step.imported))
    workspace.store.versions.add(new, tmp_path / "other")
    with pytest.raises(InvalidInput, match="graph@1 has the format onnx"):
        workspace.models.finetune("graph", "sentences", "tuned")
    assert len(workspace.jobs.list()) == jobs


def test_a_training_that_cannot_be_shared_is_refused_before_there_is_a_job(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = len(workspace.jobs.list())
    with pytest.raises(InvalidInput, match="A batch of 2 rows is too small for 3 processes"):
        start(workspace, batch_size=2, processes=3)
    with pytest.raises(InvalidInput, match="A batch of 32 rows is too small for 33 processes"):
        start(workspace, batch_size=None, processes=33)
    monkeypatch.setattr(devices, "default_device", lambda kind: "cuda:0")
    with pytest.raises(InvalidInput, match="gets the one device cuda:0"):
        start(workspace, processes=2)
    monkeypatch.setattr(finetune, "suiting", lambda dataset, trained: None)
    with pytest.raises(InvalidInput, match="is of another package: it trains in one process"):
        start(workspace, processes=2)
    assert len(workspace.jobs.list()) == jobs


def test_an_error_keeps_its_code_and_hint(workspace: Workspace) -> None:
    handle = workspace.models.evaluate("tiny")
    with pytest.raises(JobFailed, match="Name one: --dataset NAME"):
        handle.wait(timeout_s=DEADLINE_S)
    assert handle.job.error is not None
    assert handle.job.error.code == "not_found"


def test_what_cannot_be_quantized_is_refused_before_there_is_a_job(workspace: Workspace) -> None:
    jobs = len(workspace.jobs.list())
    with pytest.raises(InvalidInput, match="Convert it first"):
        workspace.models.quantize("tiny")
    assert len(workspace.jobs.list()) == jobs
