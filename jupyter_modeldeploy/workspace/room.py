"""What the parts of a workspace share."""

from __future__ import annotations

from typing import Any

from jupyter_modeldeploy.jobs import launch
from jupyter_modeldeploy.jobs.kinds import KINDS, typed
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.workspace.handle import JobHandle


class Room:
    """The store, and starting a job in it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _submit(self, kind: str, **parameters: Any) -> JobHandle:
        job = launch.submit(self._store, KINDS[kind], typed(kind, parameters))
        return JobHandle(self._store, job.id)
