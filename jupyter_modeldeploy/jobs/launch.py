"""Start a job: its row, its detached worker, its place in the queue for a device.

A small shell waits for the worker and writes its exit status to a file, since only a parent learns by which signal a
process died, and the parent that asked may be gone by then. The worker leads a session of its own.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from jupyter_modeldeploy import devices, processes
from jupyter_modeldeploy.errors import Conflict, ModelDeployError, from_os_error
from jupyter_modeldeploy.jobs.context import Kind, Parameters
from jupyter_modeldeploy.jobs.kinds import typed
from jupyter_modeldeploy.records import LIVING, Failure, Job, JobState, Progress
from jupyter_modeldeploy.store import Store

WAIT_AND_TELL = 'status=$1; shift; "$@"; echo $? >"$status.new" && mv "$status.new" "$status"'
NURSERY = "jupyter_modeldeploy.jobs.nursery"
RESUMABLE = (JobState.failed, JobState.cancelled, JobState.interrupted)


def submit(store: Store, kind: Kind, parameters: Parameters) -> Job:
    """Add a job and start its worker. Returns at once. Raises what the kind's `check` and `entered` find wrong."""
    if kind.check is not None:
        kind.check(store, parameters)
    job = enter(store, kind, parameters, devices.default_device(kind.work) if kind.leases else None)
    if kind.entered is not None:
        try:
            kind.entered(store, job.id, parameters)
        except ModelDeployError as error:
            raise _not_started(store, job, error) from error
    return _spawn(store, job)


def enter(store: Store, kind: Kind, parameters: Parameters, device: str | None, parent: str | None = None) -> Job:
    """The row of a new job, whose worker is yet to be started."""
    now = datetime.now(UTC)
    return store.jobs.add(
        Job(
            id=secrets.token_hex(6),
            parent=parent,
            kind=kind.name,
            title=kind.title(parameters),
            parameters=parameters.model_dump(mode="json"),
            state=JobState.queued,
            device=device,
            owner=store.settings.owner,
            created_at=now,
            queued_at=now,
        )
    )


def resume(store: Store, job_id: str) -> Job:
    """Start an ended job's worker again; it goes on from its last checkpoint, if its kind writes any.

    Raises Conflict unless the job failed, was cancelled or was interrupted, and for a part of another job, InvalidInput
    for one of an older release that this one does not understand."""
    job = store.jobs.get(job_id)
    typed(job.kind, job.parameters)
    if job.parent is not None:
        raise Conflict(f"The job {job_id} is a part of {job.parent}.", f"modeldeploy jobs resume {job.parent}")
    return _spawn(store, enter_again(store, job))


def enter_again(store: Store, job: Job) -> Job:
    """The row of the job's next attempt, whose worker is yet to be started. Raises Conflict for one that has not
    ended, or succeeded."""
    return store.jobs.update(
        job.id,
        expect=RESUMABLE,
        only_attempt=job.attempt,
        attempt=job.attempt + 1,
        state=JobState.queued,
        cancel_requested=False,
        process=None,
        progress=Progress(),
        error=None,
        queued_at=datetime.now(UTC),
        started_at=None,
        ended_at=None,
    )


def log_path(store: Store, job_id: str) -> Path:
    return store.job_folder(job_id) / "log.txt"


def status_path(store: Store, job: Job) -> Path:
    """The file that holds the exit status of the job's present attempt once its worker ended."""
    return store.job_folder(job.id) / f"rc.{job.attempt}"


def _spawn(store: Store, job: Job) -> Job:
    """Start the worker. Until it has come up, the waiting shell stands for it in the job's row and in the queue."""
    attempt = str(job.attempt)
    worker = [sys.executable, "-P", "-m", "jupyter_modeldeploy.jobs.worker", str(store.root), job.id, attempt]
    try:
        with log_path(store, job.id).open("ab") as log:
            shell = subprocess.Popen(
                ["/bin/sh", "-c", WAIT_AND_TELL, "sh", str(status_path(store, job)), *worker],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=store.root,
                env=processes.computing_environment(),
            )
    except OSError as error:
        raise _not_started(store, job, from_os_error(error, f"starting the job {job.id}")) from error
    standing_in = processes.let_outlive(shell)
    if job.device is not None:
        store.leases.reserve(job.device, job.id, standing_in)
    return store.jobs.stand_in(job.id, job.attempt, standing_in)


def _not_started(store: Store, job: Job, error: ModelDeployError) -> ModelDeployError:
    failure = Failure(code=error.code, message=error.message, hint=error.hint)
    store.jobs.update(job.id, LIVING, job.attempt, state=JobState.failed, error=failure, ended_at=datetime.now(UTC))
    return error
