"""Cancel a job and follow its log."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime

from jupyter_modeldeploy import devices, processes
from jupyter_modeldeploy.errors import Conflict, ModelDeployError
from jupyter_modeldeploy.jobs.launch import log_path
from jupyter_modeldeploy.records import LIVING, Job, JobState
from jupyter_modeldeploy.store import Store

GRACE_S = 10.0
MEMORY_FREED_S = 10.0
LOG_CHUNK = 256 * 1024


def cancel(store: Store, job_id: str) -> Job:
    """End a queued or running job and its parts: SIGTERM, `GRACE_S` seconds to leave in order, SIGKILL. Returns when no
    process is left and their device memory is free. Raises Conflict for a job that ended already."""
    progress = store.jobs.get(job_id).progress.model_copy(update={"message": "stopping", "seconds_left": None})
    job = store.jobs.update(job_id, LIVING, progress=progress, cancel_requested=True)
    members = _stop(job)
    with suppress(Conflict):  # the worker wrote its own end, or an onlooker found it gone
        ended = store.jobs.update(job_id, LIVING, job.attempt, state=JobState.cancelled, ended_at=datetime.now(UTC))
        if ended.process != job.process:  # the worker came up meanwhile; from now on none can
            members |= _stop(ended)
        store.leases.give_back(job_id)
    for part in living_parts(store, job_id):
        with suppress(Conflict):  # its parent ended it on its way out
            cancel(store, part.id)
    if job.device is not None:
        _wait_until_freed(members, job.device)
    return store.jobs.get(job_id)


def living_parts(store: Store, job_id: str) -> list[Job]:
    return [job for job in store.jobs.list(LIVING) if job.parent == job_id]


def read_log(store: Store, job_id: str, offset: int = 0) -> tuple[str, int]:
    """The log from byte `offset` on, at most 256 KiB, and the offset to go on from."""
    store.jobs.get(job_id)
    path = log_path(store, job_id)
    if not path.exists():
        return "", 0
    with path.open("rb") as file:
        file.seek(offset)
        chunk = file.read(LOG_CHUNK)
    whole = chunk[: _end_of_last_character(chunk)]
    return whole.decode(errors="replace"), offset + len(whole)


def _stop(job: Job) -> set[int]:
    """End the job's processes; their pids are returned."""
    if job.process is None:
        return set()
    members = {process.pid for process in processes.group(job.process)}
    processes.stop_group(job.process, GRACE_S)
    return members


def _end_of_last_character(chunk: bytes) -> int:
    """Where the last whole UTF-8 character ends: the next read begins with the one that is still being written."""
    for back in range(1, min(4, len(chunk)) + 1):
        byte = chunk[-back]
        if byte & 0xC0 != 0x80:
            length = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(chunk) if length <= back else len(chunk) - back
    return len(chunk)


def _wait_until_freed(pids: set[int], device: str) -> None:
    deadline = time.monotonic() + MEMORY_FREED_S
    while held := devices.memory_held_by(pids, device):
        if time.monotonic() > deadline:
            raise ModelDeployError(
                f"The job was cancelled, but {held} bytes are still held on {device}.", "Look at nvidia-smi."
            )
        time.sleep(0.1)
