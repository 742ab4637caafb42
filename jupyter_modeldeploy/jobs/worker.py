"""The process of one attempt at a job: `python -m jupyter_modeldeploy.jobs.worker ROOT JOB ATTEMPT`.

It waits for its device before it imports anything heavy, does the work of its kind and writes how it ended."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from pydantic import ValidationError

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import (
    Conflict,
    ModelDeployError,
    StorageFull,
    Unavailable,
    from_os_error,
    from_validation_error,
)
from jupyter_modeldeploy.jobs.context import Context
from jupyter_modeldeploy.jobs.kinds import KINDS, typed
from jupyter_modeldeploy.jobs.reporter import JobReporter
from jupyter_modeldeploy.records import LIVING, Failure, Job, JobState
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

log = logging.getLogger("modeldeploy")
QUEUE_POLL_S = 0.2
SPACE_WAIT_S = 60.0
PARENT_POLL_S = 0.5


class Cancelled(BaseException):
    """SIGTERM arrived. Not an Exception, so that no library swallows it."""


def main(root: str, job_id: str, attempt: str) -> int:
    os.setsid()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _raise_cancelled)
    store = Store(Settings(root))
    try:
        job = store.jobs.update(job_id, [JobState.queued], int(attempt), process=processes.current())
    except Conflict as error:  # cancelled, perhaps started again, before this process came up
        log.info("%s", error)
        return 0
    try:
        return _attempt(store, job)
    finally:
        store.leases.give_back(job_id)
        store.close()


def oom_kills() -> int:
    """How many processes the kernel has killed for memory since boot; 0 where it does not say."""
    try:
        with open("/proc/vmstat") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
    except FileNotFoundError:
        return 0


def _attempt(store: Store, job: Job) -> int:
    reporter = JobReporter(store, job)
    ended: dict[str, Any]
    try:
        (store.job_folder(job.id) / "oom_kills").write_text(str(oom_kills()))
        if job.parent is not None:
            _end_with(store.jobs.get(job.parent))  # whose device it works on
        elif job.device is not None:
            _wait_for_device(store, job, job.device, reporter)
        began = datetime.now(UTC)
        store.jobs.update(job.id, [JobState.queued], job.attempt, state=JobState.running, started_at=began)
        ended = {"state": JobState.succeeded, "result": _work(store, job, reporter)}
    except Cancelled:
        log.info("Cancelled.")
        ended = {"state": JobState.cancelled}
    except Exception as error:  # noqa: BLE001 - the one place where any failure of a job becomes its recorded end
        traceback.print_exc()
        ended = {"state": JobState.failed, "error": _failure(error)}
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the end is being written: a late cancel changes nothing
    _write_end(store, job, reporter, ended)
    return 1 if ended["state"] is JobState.failed else 0


def _end_with(parent: Job) -> None:
    """End this process, as if it were cancelled, when the parent's has ended: nobody waits for it, and others may be
    given the device."""

    def watch() -> None:
        while processes.alive(parent.process):
            time.sleep(PARENT_POLL_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="watch the parent", daemon=True).start()


def _wait_for_device(store: Store, job: Job, device: str, reporter: JobReporter) -> None:
    store.leases.draw(device, job.id, processes.current())
    while (queue := [ticket.job for ticket in store.leases.queue(device)])[:1] != [job.id]:
        if job.id not in queue:  # somebody took this process for dead
            store.leases.draw(device, job.id, processes.current())
            continue
        ahead = queue.index(job.id)
        reporter.progress(0, None, message=f"waiting for {device}: {ahead} job{'s' * (ahead > 1)} ahead")
        time.sleep(QUEUE_POLL_S)


def _work(store: Store, job: Job, reporter: JobReporter) -> dict[str, Any]:
    parameters = typed(job.kind, job.parameters)
    log.info("%s (attempt %d) on %s", job.title, job.attempt, job.device or "no device")
    folder = store.job_folder(job.id)
    return KINDS[job.kind].run(Context(store, job.id, parameters, folder, job.device or "cpu", reporter))


def _write_end(store: Store, job: Job, reporter: JobReporter, ended: dict[str, Any]) -> None:
    """Write how the job ended, once there is space: what it made is in the store already."""
    deadline = time.monotonic() + SPACE_WAIT_S
    while True:
        try:
            reporter.flush()
            store.jobs.update(job.id, LIVING, job.attempt, ended_at=datetime.now(UTC), **ended)
            return
        except Conflict as error:  # somebody else wrote its end, or started it again
            log.warning("The job ended as %s, which is not recorded. %s", ended["state"], error)
            return
        except (StorageFull, Unavailable) as error:
            if time.monotonic() > deadline:
                raise
            log.warning("The job ended as %s; this is yet to be recorded. %s", ended["state"], error)
            time.sleep(1)


def _failure(error: Exception) -> Failure:
    if isinstance(error, ValidationError):
        error = from_validation_error(error, "the job")
    elif isinstance(error, OSError):
        error = from_os_error(error, "the job")
    if isinstance(error, ModelDeployError):
        return Failure(code=error.code, message=error.message, hint=error.hint)
    return Failure(code="internal", message=f"{type(error).__name__}: {error}", hint="The job's log has the details.")


def _raise_cancelled(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: the clean-up must not be cut short
    raise Cancelled


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
