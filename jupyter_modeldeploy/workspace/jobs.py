"""Long actions, whoever asked for them."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_modeldeploy.jobs.reconcile import reconcile as reconcile_jobs
from jupyter_modeldeploy.records import LIVING, Job
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.room import Room


class Jobs(Room):
    def list(self, limit: int | None = None) -> Sequence[Job]:
        """Newest first, at most `limit`."""
        reconcile_jobs(self._store)
        return self._store.jobs.list(limit=limit)

    def at_work(self) -> bool:
        """Whether any job waits or runs."""
        reconcile_jobs(self._store)
        return bool(self._store.jobs.list(LIVING, limit=1))

    def get(self, job_id: str) -> JobHandle:
        self._store.jobs.get(job_id)
        return JobHandle(self._store, job_id)
