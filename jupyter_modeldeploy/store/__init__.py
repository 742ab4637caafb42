"""What is kept: metadata in a database, files in folders, every write in the sequence of changes.

The server, each kernel and each worker open the same store; no state lives in one of them only."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store.aliases import Aliases
from jupyter_modeldeploy.store.artifacts import Artifacts
from jupyter_modeldeploy.store.changes import Changes
from jupyter_modeldeploy.store.database import Database
from jupyter_modeldeploy.store.datasets import Datasets
from jupyter_modeldeploy.store.experiments import Experiments
from jupyter_modeldeploy.store.jobs import Jobs
from jupyter_modeldeploy.store.leases import Leases
from jupyter_modeldeploy.store.models import Models, Versions
from jupyter_modeldeploy.store.services import Services
from jupyter_modeldeploy.tokens import Tokens

__all__ = ["Store"]

log = logging.getLogger(__name__)


class Store:
    """The workspace's state below `settings.root`; made when it is not there."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.root: Path = self.settings.root
        if self.settings.on_temporary_storage:
            log.warning("The workspace %s is on temporary storage: it is lost when that is emptied.", self.root)
        path = self.root / "modeldeploy.db"
        path.touch(mode=0o600)
        os.chmod(path, 0o600)
        self._database = Database(f"sqlite:///{path}")
        self.artifacts = Artifacts(self.root / "artifacts")
        self.models = Models(self._database)
        self.aliases = Aliases(self._database)
        self.versions = Versions(self._database, self.artifacts, lambda: self.settings.owner)
        self.datasets = Datasets(self._database, self.artifacts)
        self.jobs = Jobs(self._database)
        self.leases = Leases(self._database)
        self.services = Services(self._database)
        self.experiments = Experiments(self._database)
        self.changes = Changes(self._database)

    def job_folder(self, job_id: str) -> Path:
        """The job's own folder: its log, checkpoints and reports."""
        return self._folder("jobs", job_id)

    def service_folder(self, name: str) -> Path:
        """The service's own folder: its token and log."""
        return self._folder("services", name)

    def service_token(self, name: str) -> str | None:
        """The token that the service's callers send; None where it asks for none. Raises NotFound."""
        service = self.services.get(name)
        return self.tokens(name).own() if service.spec.auth == "token" else None

    def ensure_service_token(self, name: str) -> str:
        """The service's token, made when there is none yet; it stays the same over restarts."""
        return self.tokens(name).ensure_own()

    def tokens(self, name: str) -> Tokens:
        """The service's own token and those of its callers."""
        return Tokens(self.service_folder(name))

    def close(self) -> None:
        self._database.close()

    def _folder(self, kind: str, name: str) -> Path:
        folder = self.root / kind / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
