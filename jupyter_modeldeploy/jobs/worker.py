"""The process of one job: `python -m jupyter_modeldeploy.jobs.worker ROOT JOB`.

It waits for its device before it imports anything heavy, does the work of its kind and writes how it ended."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import traceback
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from pydantic import ValidationError

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import Conflict, InvalidInput, ModelDeployError, from_os_error
from jupyter_modeldeploy.jobs.context import Context
from jupyter_modeldeploy.jobs.kinds import KINDS
from jupyter_modeldeploy.jobs.reporter import JobReporter
from jupyter_modeldeploy.records import Failure, Job, JobState
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

log = logging.getLogger("modeldeploy")
QUEUE_POLL_S = 0.2
LIVING = (JobState.queued, JobState.running)


class Cancelled(BaseException):
    """SIGTERM arrived. Not an Exception, so that no library swallows it."""


def main(root: str, job_id: str) -> int:
    os.setsid()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _raise_cancelled)
    store = Store(Settings(root))
    try:
        job = store.jobs.update(job_id, expect=[JobState.queued], process=processes.current())
    except Conflict as error:  # cancelled before this process came up
        log.info("%s", error)
        return 0
    (store.job_folder(job_id) / "oom_kills").write_text(str(oom_kills()))
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
    reporter = JobReporter(store, job.id)
    try:
        if job.device is not None:
            _wait_for_device(store, job, reporter)
        store.jobs.update(job.id, expect=[JobState.queued], state=JobState.running, started_at=datetime.now(UTC))
        result = _work(store, job, reporter)
        reporter.flush()
        _end(store, job, JobState.succeeded, result=result)
    except Cancelled:
        log.info("Cancelled.")
        _end(store, job, JobState.cancelled)
    except Exception as error:  # noqa: BLE001 - the one place where any failure of a job becomes its recorded end
        traceback.print_exc()
        reporter.flush()
        _end(store, job, JobState.failed, error=_failure(error))
        return 1
    return 0


def _wait_for_device(store: Store, job: Job, reporter: JobReporter) -> None:
    assert job.device is not None
    store.leases.draw(job.device, job.id, processes.current())
    while (queue := store.leases.queue(job.device))[0].job != job.id:
        ahead = [ticket.job for ticket in queue].index(job.id)
        reporter.progress(0, None, message=f"waiting for {job.device}: {ahead} job{'s' * (ahead > 1)} ahead")
        time.sleep(QUEUE_POLL_S)


def _work(store: Store, job: Job, reporter: JobReporter) -> dict[str, Any]:
    kind = KINDS[job.kind]
    parameters = kind.parameters.model_validate(job.parameters)
    log.info("%s (attempt %d) on %s", job.title, job.attempt, job.device or "no device")
    folder = store.job_folder(job.id)
    return kind.run(Context(store, job.id, parameters, folder, job.device or "cpu", reporter))


def _end(store: Store, job: Job, state: JobState, **fields: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the end is being written: a late cancel changes nothing
    store.jobs.update(job.id, expect=LIVING, state=state, ended_at=datetime.now(UTC), **fields)


def _failure(error: Exception) -> Failure:
    if isinstance(error, ValidationError):
        error = InvalidInput(str(error))
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
