"""Whoever looks at the jobs first sets right the rows of those whose process is gone, and says how it went."""

from __future__ import annotations

import logging
import signal
import time
from datetime import UTC, datetime, timedelta

import psutil

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import Conflict, StorageFull, Unavailable, WorkerDied
from jupyter_modeldeploy.jobs.control import living_parts
from jupyter_modeldeploy.jobs.launch import NURSERY, status_path
from jupyter_modeldeploy.jobs.worker import oom_kills
from jupyter_modeldeploy.records import LIVING, Failure, Job, JobState
from jupyter_modeldeploy.store import Store

log = logging.getLogger(__name__)
START_GRACE = timedelta(seconds=60)
STATUS_WITHIN_S = 60.0
LEFT_BEHIND_GRACE_S = 1.0
RESUME = "Resume it: modeldeploy jobs resume {}"


def reconcile(store: Store) -> bool:
    """Give every job whose worker is gone its true end: cancelled where that was asked for; failed, with the signal or
    exit status named; or interrupted where the machine or the container ended under it. False where there was none to
    look at."""
    processes.reap()
    living = store.jobs.list(LIVING)
    for job in living:
        if _is_gone(store, job):
            try:
                _settle(store, job)
            except Conflict:  # its worker or another onlooker was first
                continue
            except (StorageFull, Unavailable) as error:
                log.warning("The end of the job %s is yet to be recorded. %s", job.id, error)
    return bool(living)


def _settle(store: Store, job: Job) -> None:
    state, failure = _how_it_ended(store, job)
    for one in (job, *living_parts(store, job.id)):  # a killed worker cannot end what it had started
        if one.process is not None:
            processes.stop_group(one.process, LEFT_BEHIND_GRACE_S)
    store.jobs.update(job.id, LIVING, job.attempt, state=state, error=failure, ended_at=datetime.now(UTC))
    store.leases.give_back(job.id)


def _is_gone(store: Store, job: Job) -> bool:
    if job.process is None:
        return status_path(store, job).exists() or datetime.now(UTC) - job.queued_at > START_GRACE
    return not processes.alive(job.process)


def _how_it_ended(store: Store, job: Job) -> tuple[JobState, Failure | None]:
    if job.cancel_requested:
        return JobState.cancelled, None
    hint = RESUME.format(job.id)
    status = _exit_status(store, job)
    if status is None:
        return JobState.interrupted, Failure(code="interrupted", message=_interruption(job), hint=hint)
    if status - 128 in signal.valid_signals():
        name = _signal_name(status - 128)
        message = f"The worker died: killed by {name} (signal {status - 128})."
        if name == "SIGKILL" and _memory_ran_out(store, job):
            message += " The machine ran out of memory."
            hint = f"Use a smaller batch, or close other programs. {hint}"
    else:
        message = f"The worker died: exit status {status} before it wrote a result."
        hint = f"See its log: modeldeploy jobs log {job.id}. {hint}"
    return JobState.failed, Failure(code=WorkerDied.code, message=message, hint=hint)


def _exit_status(store: Store, job: Job) -> int | None:
    """The status that the waiting shell wrote, for which a busy machine may let it wait long after the worker's end."""
    path = status_path(store, job)
    deadline = time.monotonic() + STATUS_WITHIN_S
    while time.monotonic() < deadline and _is_waited_for(store, job) and not path.exists():
        time.sleep(0.02)
    if not path.exists():
        return None
    text = path.read_text().strip()
    return int(text) if text.isdigit() else None  # empty where the machine lost its power while it was written


def _is_waited_for(store: Store, job: Job) -> bool:
    """Whether the process lives that is to write the exit status: the shell that was given the file's name, or for a
    part of another job the nursery of that job's worker."""
    if job.parent is None:
        return processes.any_given(str(status_path(store, job)))
    parent = store.jobs.get(job.parent).process
    return parent is not None and processes.any_given(NURSERY, parent)


def _signal_name(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def _interruption(job: Job) -> str:
    if job.process is None:
        return "The worker never started: whoever asked for it ended first."
    if job.process.started < psutil.boot_time():
        return "The machine restarted while the job ran."
    return "The worker vanished together with what watched it: the container or the session was ended."


def _memory_ran_out(store: Store, job: Job) -> bool:
    before = store.job_folder(job.id) / "oom_kills"
    return before.exists() and oom_kills() > int(before.read_text())
