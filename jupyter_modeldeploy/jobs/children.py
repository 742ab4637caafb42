"""Jobs that are parts of another: their worker runs in a process of its own, on the device that their parent holds.

A part ends with its parent and is resumed by it; a failed or killed part is no end of its parent. The processes are
forked from a nursery that has imported already what they need, so that many short ones cost what they do."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import Conflict, JobFailed
from jupyter_modeldeploy.jobs import control, launch
from jupyter_modeldeploy.jobs.context import Kind, Parameters
from jupyter_modeldeploy.jobs.reconcile import reconcile
from jupyter_modeldeploy.records import Job, JobState
from jupyter_modeldeploy.store import Store

POLL_S = 0.1
CLOSING_S = 5.0


class Children:
    """The parts of the job `parent`, which run one at a time. To be used in a `with`; `modules` are imported for them,
    except for a GPU: what an import asks of its driver would not survive the fork.

    Those that a killed attempt of the parent left behind are ended."""

    def __init__(self, store: Store, parent: str, modules: Sequence[str]) -> None:
        self._store = store
        self._parent = store.jobs.get(parent)
        self._modules = modules if self._parent.device in (None, "cpu") else ()
        self._nursery: subprocess.Popen[str] | None = None

    def __enter__(self) -> Children:
        for left in control.living_parts(self._store, self._parent.id):
            with suppress(Conflict):  # it ended by itself
                control.cancel(self._store, left.id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        nursery, self._nursery = self._nursery, None
        if nursery is not None and nursery.stdin is not None and nursery.stdout is not None:
            nursery.stdin.close()  # it ends with whoever writes to it
            try:
                nursery.wait(CLOSING_S)
            except subprocess.TimeoutExpired:
                nursery.kill()
                nursery.wait()
            nursery.stdout.close()

    def all(self) -> list[Job]:
        """The oldest first."""
        return [job for job in reversed(self._store.jobs.list()) if job.parent == self._parent.id]

    def new(self, kind: Kind, parameters: Parameters) -> Job:
        """The row of a part, which is yet to run."""
        return launch.enter(self._store, kind, parameters, self._parent.device, self._parent.id)

    def run(self, job_id: str, look: Callable[[Job], None]) -> Job:
        """Run a part, from its last checkpoint where it has run before, and return how it ended, whichever way. `look`
        sees it now and then meanwhile."""
        job = self._store.jobs.get(job_id)
        if job.state is JobState.succeeded:  # before its parent was killed
            return job
        nursery = self._ready()
        if job.state in launch.RESUMABLE:
            job = launch.enter_again(self._store, job)
        places = {"log": launch.log_path(self._store, job.id), "status": launch.status_path(self._store, job)}
        wanted = {"job": job.id, "attempt": job.attempt, **{name: str(path) for name, path in places.items()}}
        try:
            print(json.dumps(wanted), file=nursery, flush=True)
            return self._ended(job.id, look)
        except BaseException:  # this job is ended: its device is to be free when it is given back
            with suppress(Conflict):
                control.cancel(self._store, job.id)
            raise

    def _ended(self, job_id: str, look: Callable[[Job], None]) -> Job:
        while not (job := self._store.jobs.get(job_id)).state.ended:
            look(job)
            time.sleep(POLL_S)
            reconcile(self._store)
        return job

    def _ready(self) -> IO[str]:
        """Where to write what is to be run next."""
        if self._nursery is None or self._nursery.poll() is not None:
            self._nursery = subprocess.Popen(
                [sys.executable, "-P", "-m", launch.NURSERY, str(self._store.root), *self._modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                cwd=Path(self._store.root),
                env=processes.computing_environment(),
                text=True,
            )
            assert self._nursery.stdout is not None
            if not self._nursery.stdout.readline():
                raise JobFailed("No process could be prepared for the parts of this job.", "Its log has the details.")
        assert self._nursery.stdin is not None
        return self._nursery.stdin
